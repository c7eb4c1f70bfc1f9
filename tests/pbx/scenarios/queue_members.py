"""Queues whose members do all that members do, and what answers a caller without anybody being there."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.queues import LOCAL, SALES
from tests.pbx.scenarios.scenario import answered, missed, scenario

ANNOUNCED = "4952151001"
ANNOUNCED_LOCAL = "4952151002"
LINEAR_LOCAL = "4952151003"
PENALISED = "4952151004"
INSISTENT = "4952151005"
INSISTENT_LOCAL = "4952151006"
PARTICULAR = "4952151007"
THEN_VOICEMAIL = "4952151008"
GROUP_WITH_A_WORD = "4952151009"
HUNT_WITH_A_WORD = "4952151010"
ANNOUNCEMENT = "4952151011"
EARLY_ANNOUNCEMENT = "4952151012"
MUSIC = "4952151013"
WAITING_ROOM = "4952151014"
IVR = "4952151015"
UNAVAILABLE = "5"


# A member that answers and is gone before the caller hears them


@scenario(
    answered(
        "+79031110100", ANNOUNCED, "102", queue="announced", legs={"101": "answered_elsewhere", "102": "answered"}
    ),
    main=True,
)
async def queue_member_leaves_before_the_talk(lab: Lab) -> None:
    await _first_member_leaves(lab, "79031110100", ANNOUNCED)


@scenario(
    answered("+79031110101", ANNOUNCED_LOCAL, "102", queue="announced_local",
             legs={"101": "answered_elsewhere", "102": "answered"}),
)  # fmt: skip
async def queue_local_member_leaves_before_the_talk(lab: Lab) -> None:
    await _first_member_leaves(lab, "79031110101", ANNOUNCED_LOCAL)


async def _first_member_leaves(lab: Lab, caller: str, did: str) -> None:
    await lab.call_in(caller, did=did)
    await lab.rings("102")
    await lab.answer("101")
    await lab.gone("102")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.rings("101")
    await lab.answer("102")
    await lab.talk("102", caller)
    await lab.hang_up(caller)


@scenario(
    missed("+79031110102", ANNOUNCED, "queue", queue="announced", legs={"101": "failed", "102": "answered_elsewhere"}),
)
async def queue_member_leaves_and_the_caller_too(lab: Lab) -> None:
    await lab.call_in("79031110102", did=ANNOUNCED)
    await lab.rings("102")
    await lab.answer("101")
    await lab.gone("102")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.hang_up("79031110102")


@scenario(
    missed("+79031110103", ANNOUNCED, "queue", queue="announced",
           legs={"101": "cancelled", "102": "answered_elsewhere"}),
)  # fmt: skip
async def queue_caller_leaves_before_the_talk(lab: Lab) -> None:
    await lab.call_in("79031110103", did=ANNOUNCED)
    await lab.rings("102")
    await lab.answer("101")
    await lab.gone("102")
    await lab.hang_up("79031110103")


@scenario(
    missed("+79031110104", GROUP_WITH_A_WORD, "ringing", legs={"101": "failed", "102": "answered_elsewhere"}),
    main=True,
)
async def ring_group_member_leaves_before_the_talk(lab: Lab) -> None:
    await lab.call_in("79031110104", did=GROUP_WITH_A_WORD)
    await lab.rings("102")
    await lab.answer("101")
    await lab.gone("102")
    await lab.hang_up("101")


@scenario(answered("+79031110105", HUNT_WITH_A_WORD, "102", legs={"101": "failed", "102": "answered"}))
async def hunt_group_member_leaves_before_the_talk(lab: Lab) -> None:
    await lab.call_in("79031110105", did=HUNT_WITH_A_WORD)
    await lab.answer("101")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.answer("102")
    await lab.talk("102", "79031110105")
    await lab.hang_up("102")


# Who of the members is called, and how often


@scenario(
    answered("+79031110106", LINEAR_LOCAL, "105", queue="linear_local", legs={"104": "no_answer", "105": "answered"}),
)
async def queue_linear_local_members(lab: Lab) -> None:
    await lab.call_in("79031110106", did=LINEAR_LOCAL)
    await lab.rings("104")
    await lab.answer("105")
    await lab.talk("105", "79031110106")
    await lab.hang_up("105")


@scenario(
    answered("+79031110107", PENALISED, "105", queue="penalised", legs={"104": "rejected", "105": "answered"}),
)
async def queue_penalty_after_a_rejection(lab: Lab) -> None:
    await lab.call_in("79031110107", did=PENALISED)
    await lab.rings("104")
    await lab.hang_up("104")
    await lab.answer("105")
    await lab.talk("105", "79031110107")
    await lab.hang_up("79031110107")


@scenario(answered("+79031110108", PENALISED, "105", queue="penalised", legs={"105": "answered"}))
async def queue_member_away(lab: Lab) -> None:
    await lab.unregister("104")
    await lab.call_in("79031110108", did=PENALISED)
    await lab.answer("105")
    await lab.talk("105", "79031110108")
    await lab.hang_up("105")
    await lab.register("104")


@scenario(
    answered("+79031110109", PENALISED, "104", queue="penalised", legs={"104": "answered"}),
    answered("+79031110110", PENALISED, "105", queue="penalised", legs={"105": "answered"}),
)
async def queue_member_talks_already(lab: Lab) -> None:
    await lab.call_in("79031110109", did=PENALISED)
    await lab.answer("104")
    await lab.talk("104", "79031110109")
    await lab.call_in("79031110110", did=PENALISED)
    await lab.answer("105")
    await lab.talk("105", "79031110110")
    await lab.hang_up("79031110109")
    await lab.hang_up("79031110110")


@scenario(
    answered("+79031110111", LOCAL, "103", queue="fpbx", legs={"101": "busy", "102": "rejected", "103": "answered"}),
)
async def queue_local_members_busy_and_rejecting(lab: Lab) -> None:
    await lab.behave("101", "busy")
    await lab.call_in("79031110111", did=LOCAL)
    await lab.rings("102")
    await lab.hang_up("102")
    await lab.gone("102")
    await lab.answer("103")
    await lab.talk("103", "79031110111")
    await lab.hang_up("103")


@scenario(
    answered("+79031110112", LOCAL, "103", queue="fpbx", legs={"102": "answered_elsewhere", "103": "answered"}),
)
async def queue_local_member_away(lab: Lab) -> None:
    await lab.unregister("101")
    await lab.call_in("79031110112", did=LOCAL)
    await lab.rings("102")
    await lab.answer("103")
    await lab.talk("103", "79031110112")
    await lab.hang_up("79031110112")
    await lab.register("101")


@scenario(
    answered("+79031110113", INSISTENT, "104", queue="insistent", legs={"104": "answered"}, rings={"104": 2}), main=True
)
async def queue_tries_its_member_again(lab: Lab) -> None:
    await _answers_the_second_time(lab, "79031110113", INSISTENT)


@scenario(
    answered(
        "+79031110114", INSISTENT_LOCAL, "104", queue="insistent_local", legs={"104": "answered"}, rings={"104": 2}
    )
)
async def queue_tries_its_local_member_again(lab: Lab) -> None:
    await _answers_the_second_time(lab, "79031110114", INSISTENT_LOCAL)


async def _answers_the_second_time(lab: Lab, caller: str, did: str) -> None:
    await lab.call_in(caller, did=did)
    await lab.rings("104")
    await lab.gone("104")
    await lab.answer("104")
    await lab.talk("104", caller)
    await lab.hang_up(caller)


@scenario(missed("+79031110115", INSISTENT, "queue", queue="insistent", legs={"104": "no_answer"}))
async def queue_tries_its_member_in_vain(lab: Lab) -> None:
    await lab.call_in("79031110115", did=INSISTENT)
    await lab.rings("104")
    await lab.gone("104")
    await lab.rings("104")
    await lab.gone("104")
    await lab.hang_up("79031110115")


# Out of the queue


@scenario(missed("+79031110116", PARTICULAR, "voicemail", queue="particular", legs={"108": "no_answer"}))
async def queue_left_for_voicemail(lab: Lab) -> None:
    await lab.call_in("79031110116", did=PARTICULAR)
    await lab.rings("108")
    await lab.press("79031110116", "1")
    await lab.reaches("VoiceMail")
    await lab.hang_up("79031110116")


@scenario(missed("+79031110117", THEN_VOICEMAIL, "voicemail", queue="sales",
                 legs={"101": "no_answer", "102": "no_answer", "103": "no_answer"}))  # fmt: skip
async def queue_then_voicemail(lab: Lab) -> None:
    await lab.call_in("79031110117", did=THEN_VOICEMAIL)
    for extension in ("101", "102", "103"):
        await lab.rings(extension)
    await lab.reaches("VoiceMail")
    await lab.hang_up("79031110117")


@scenario(missed("+79031110118", PARTICULAR, "voicemail", queue=None, legs={}))
async def queue_without_anybody(lab: Lab) -> None:
    await lab.unregister("108")
    await lab.pbx_view.event("QueueMemberStatus", Queue="particular", Status=UNAVAILABLE)
    await lab.call_in("79031110118", did=PARTICULAR)
    await lab.reaches("VoiceMail")
    await lab.hang_up("79031110118")
    await lab.register("108")


@scenario(missed("+79031110119", IVR, "queue", queue="sales",
                 legs={"101": "cancelled", "102": "cancelled", "103": "cancelled"}))  # fmt: skip
async def ivr_then_queue(lab: Lab) -> None:
    await lab.call_in("79031110119", did=IVR)
    await lab.arrives("79031110119")
    await lab.press("79031110119", "1")
    for extension in ("101", "102", "103"):
        await lab.rings(extension)
    await lab.hang_up("79031110119")


# Taken by a colleague


@scenario(
    answered("+79031110120", LOCAL, "105", queue="fpbx",
             legs={"101": "answered_elsewhere", "102": "answered_elsewhere", "103": "answered_elsewhere",
                   "105": "answered"}),
)  # fmt: skip
async def queue_local_call_picked_up(lab: Lab) -> None:
    await lab.call_in("79031110120", did=LOCAL)
    for extension in ("101", "102", "103"):
        await lab.rings(extension)
    await lab.dial_from("105", "**102")
    await lab.talk("105", "79031110120")
    await lab.hang_up("79031110120")


@scenario(
    answered("+79031110121", SALES, "105", queue="sales",
             legs={"101": "answered_elsewhere", "102": "answered_elsewhere", "103": "answered_elsewhere",
                   "105": "answered"}),
)  # fmt: skip
async def queue_call_picked_up_by_the_group(lab: Lab) -> None:
    await lab.call_in("79031110121", did=SALES)
    for extension in ("101", "102", "103"):
        await lab.rings(extension)
    await lab.dial_from("105", "*8")
    await lab.talk("105", "79031110121")
    await lab.hang_up("105")


# What answers without anybody being there


@scenario(missed("+79031110122", ANNOUNCEMENT, "ivr", legs={}), main=True)
async def announcement(lab: Lab) -> None:
    await lab.call_in("79031110122", did=ANNOUNCEMENT)
    await lab.arrives("79031110122")
    await lab.hang_up("79031110122")


@scenario(missed("+79031110123", EARLY_ANNOUNCEMENT, "ringing", legs={}))
async def announcement_before_the_answer(lab: Lab) -> None:
    await lab.call_in("79031110123", did=EARLY_ANNOUNCEMENT)
    await lab.calls("79031110123")
    await lab.hang_up("79031110123")


@scenario(missed("+79031110124", MUSIC, "ivr", legs={}))
async def music_on_hold(lab: Lab) -> None:
    await lab.call_in("79031110124", did=MUSIC)
    await lab.arrives("79031110124")
    await lab.hang_up("79031110124")


@scenario(missed("+79031110125", WAITING_ROOM, "ivr", legs={}), main=True)
async def waiting_room(lab: Lab) -> None:
    await lab.call_in("79031110125", did=WAITING_ROOM)
    await lab.arrives("79031110125")
    await lab.dial_from("101", "*60")
    await lab.talk("101", "79031110125")  # as far as sharing a holding bridge is talking
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.hang_up("79031110125")
