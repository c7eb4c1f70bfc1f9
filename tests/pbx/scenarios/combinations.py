"""Several means in one call: transfers of transfers, screening, talks that go on, calls through the PBX."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import MAIN_DID, OWN_MOBILES, answered, missed, outbound, scenario

DID_104 = "4952150104"
SCREENED, GOES_ON, CALLEE_GOES_ON, SPLIT, WAITING = (f"49521504{number:02}" for number in range(5))
AGAIN, RETRIED, QUEUE_GOES_ON, THROUGH, DISTURBED = (f"49521504{number:02}" for number in range(5, 10))
MAILBOX, QUEUED_MAILBOX = "4952150410", "4952150411"


# Transfers of transfers


@scenario(
    answered(
        "+79031113400", MAIN_DID, "101", last="102", legs={"101": "answered", "103": "answered", "102": "answered"}
    ),
    main=True,
)
async def transferred_on(lab: Lab) -> None:
    await lab.talk_in("79031113400", "101", did=MAIN_DID)
    await lab.press("101", "#1103")
    await lab.answer("103")
    await lab.talk("103", "79031113400")
    await lab.gone("101")
    await lab.refer("103", "102")
    await lab.answer("102")
    await lab.talk("102", "79031113400")
    await lab.hang_up("79031113400")


@scenario(
    answered(
        "+79031113401", MAIN_DID, "101", last="102", legs={"101": "answered", "103": "answered", "102": "answered"}
    )
)
async def attended_transfer_of_an_attended_transfer(lab: Lab) -> None:
    await lab.talk_in("79031113401", "101", did=MAIN_DID)
    await lab.press("101", "*2103")
    await lab.answer("103")
    await lab.talk("101", "103")
    await lab.hang_up("101")
    await lab.talk("103", "79031113401")
    await lab.transferred("101")
    await lab.hold("103")
    await lab.dial_from("103", "102")
    await lab.answer("102")
    await lab.talk("103", "102")
    await lab.join("103")
    await lab.talk("102", "79031113401")
    await lab.hang_up("102")


@scenario(
    answered(
        "+79031113402",
        MAIN_DID,
        "101",
        last="102",
        legs={"101": "answered", "103": "answered_elsewhere", "102": "answered"},
    ),
    main=True,
)
async def transfer_picked_up_by_another(lab: Lab) -> None:
    await lab.talk_in("79031113402", "101", did=MAIN_DID)
    await lab.press("101", "#1103")
    await lab.rings("103")
    await lab.dial_from("102", "**103")
    await lab.talk("102", "79031113402")
    await lab.hang_up("79031113402")


@scenario(
    answered(
        "+79031113403", MAIN_DID, "101", last="102", legs={"101": "answered", "103": "answered", "102": "answered"}
    ),
    main=True,
)
async def parked_taken_and_parked_again(lab: Lab) -> None:
    await lab.talk_in("79031113403", "101", did=MAIN_DID)
    await lab.press("101", "#1600")
    space = await lab.parked("79031113403")
    await lab.hang_up("101")
    await lab.dial_from("103", space)
    await lab.talk("103", "79031113403")
    lab.pbx_view.seen.clear()
    await lab.refer("103", "600")
    space = await lab.parked("79031113403")
    await lab.gone("103")
    await lab.dial_from("102", space)
    await lab.talk("102", "79031113403")
    await lab.hang_up("102")


@scenario(answered("+79031113404", DID_104, "104", last="104", legs={"104": "answered"}))
async def transferred_into_ones_own_queue(lab: Lab) -> None:
    await lab.talk_in("79031113404", "104", did=DID_104)
    await lab.press("104", "#1308")
    await lab.gone("104")
    await lab.answer("104")
    await lab.talk("104", "79031113404")
    await lab.hang_up("104")


@scenario(
    answered("+79031113405", MAIN_DID, "101", last="105",
             legs={"101": "answered", "105": "answered", "106": "answered_elsewhere"}),
)  # fmt: skip
async def blonde_transfer_into_a_queue(lab: Lab) -> None:
    await lab.talk_in("79031113405", "101", did=MAIN_DID)
    await lab.press("101", "*2301")
    await lab.rings("106")
    await lab.rings("105")
    await lab.hang_up("101")
    await lab.left("101")
    await lab.answer("105")
    await lab.talk("105", "79031113405")
    await lab.hang_up("79031113405")


@scenario(
    answered("+79031113406", "49521502003", "2003", last="992003", legs={"2003": "answered", "992003": "answered"})
)
async def moved_to_ones_other_phone(lab: Lab) -> None:
    await lab.call_in("79031113406", did="49521502003")
    await lab.rings("992003")
    await lab.answer("2003")
    await lab.talk("2003", "79031113406")
    await lab.gone("992003")
    await lab.refer("2003", "992003")
    await lab.answer("992003")
    await lab.talk("992003", "79031113406")
    await lab.hang_up("79031113406")


@scenario(
    answered("+79031113407", "4952151005", "104", queue="insistent", answered_outside=None, legs={"104": "answered"}),
    answered("+79031113408", "4952151005", "104", queue="insistent", answered_outside=None, legs={"104": "answered"}),
)
async def two_callers_of_a_queue_connected(lab: Lab) -> None:
    await lab.call_in("79031113407", did="4952151005")
    await lab.behave("104", "answers")
    await lab.talk("104", "79031113407")
    await lab.hold("104")
    await lab.call_in("79031113408", did="4952151005")
    await lab.talk("104", "79031113408")
    await lab.join("104")
    await lab.talk("79031113407", "79031113408")
    await lab.hang_up("79031113407")


# A mailbox that one of those who are called has


@scenario(missed("+79031113460", MAILBOX, "voicemail"), main=True)
async def mailbox_of_one_of_a_group_takes_the_call(lab: Lab) -> None:
    await _leaves_a_message(lab, "79031113460", MAILBOX)


@scenario(missed("+79031113461", QUEUED_MAILBOX, "voicemail", queue="with_mailbox"))
async def mailbox_of_a_queue_member_takes_the_call(lab: Lab) -> None:
    await _leaves_a_message(lab, "79031113461", QUEUED_MAILBOX)


async def _leaves_a_message(lab: Lab, caller: str, did: str) -> None:
    await lab.call_in(caller, did=did)
    await lab.rings("102")
    await lab.rings("104")
    await lab.reaches("VoiceMail")
    await lab.bridged(caller)
    await lab.hang_up(caller)


# Out of a talk among colleagues


@scenario(
    outbound("+79037778900", "answered", "101", last_extension="103", legs={"101": "answered", "103": "answered"}),
    main=True,
)
async def colleague_connected_with_the_outside(lab: Lab) -> None:
    await lab.dial_from("103", "101")
    await lab.answer("101")
    await lab.talk("101", "103")
    await lab.hold("101")
    await lab.dial_from("101", "79037778900")
    await lab.answer("79037778900")
    await lab.talk("101", "79037778900")
    await lab.join("101")
    await lab.talk("103", "79037778900")
    await lab.hang_up("103")


@scenario(outbound("+79037778901", "answered", "103", last_extension="103", legs={"103": "answered"}))
async def colleague_sent_to_the_outside(lab: Lab) -> None:
    await lab.dial_from("103", "101")
    await lab.answer("101")
    await lab.talk("101", "103")
    await lab.refer("101", "79037778901")
    await lab.answer("79037778901")
    await lab.talk("103", "79037778901")
    await lab.hang_up("79037778901")


# Screening, and talks that go on


@scenario(answered("+79031113420", SCREENED, "101", legs={"101": "answered"}))
async def screened_and_taken(lab: Lab) -> None:
    await lab.call_in("79031113420", did=SCREENED)
    await lab.answer("101")
    await lab.reaches("Read")
    await lab.press("101", "1")
    await lab.talk("101", "79031113420")
    await lab.hang_up("79031113420")


@scenario(answered("+79031113421", SCREENED, "102", legs={"101": "no_answer", "102": "answered"}))
async def screened_and_refused(lab: Lab) -> None:
    await lab.call_in("79031113421", did=SCREENED)
    await lab.answer("101")
    await lab.reaches("Read")
    await lab.press("101", "2")
    await lab.gone("101")  # the PBX may tell so after it has called the next one
    await lab.answer("102")
    await lab.talk("102", "79031113421")
    await lab.hang_up("79031113421")


@scenario(missed("+79031113422", SCREENED, "ringing", legs={"101": "failed"}), main=True)
async def screened_and_hung_up(lab: Lab) -> None:
    await lab.call_in("79031113422", did=SCREENED)
    await lab.answer("101")
    await lab.reaches("Read")
    await lab.hang_up("101")
    await lab.turned_away("79031113422")


@scenario(missed("+79031113423", SCREENED, "ringing", legs={"101": "cancelled"}))
async def screened_too_long_for_the_caller(lab: Lab) -> None:
    await lab.call_in("79031113423", did=SCREENED)
    await lab.answer("101")
    await lab.reaches("Read")
    await lab.hang_up("79031113423")
    await lab.hang_up_heard("79031113423")
    await lab.hang_up("101")


@scenario(answered("+79031113424", GOES_ON, "101", last="102", legs={"101": "answered", "102": "answered"}))
async def caller_goes_on_after_the_talk(lab: Lab) -> None:
    await lab.call_in("79031113424", did=GOES_ON)
    await lab.answer("101")
    await lab.talk("101", "79031113424")
    await lab.hang_up("101")
    await lab.answer("102")
    await lab.talk("102", "79031113424")
    await lab.hang_up("102")


@scenario(answered("+79031113425", CALLEE_GOES_ON, "101", legs={"101": "answered"}))
async def callee_goes_on_after_the_talk(lab: Lab) -> None:
    await lab.call_in("79031113425", did=CALLEE_GOES_ON)
    await lab.answer("101")
    await lab.talk("101", "79031113425")
    await lab.hang_up("79031113425")
    await lab.gone("79031113425")
    await lab.reaches("Wait")
    await lab.hang_up("101")


@scenario(answered("+79031113426", SPLIT, "101", legs={"101": "answered"}), main=True)
async def caller_and_callee_sent_into_a_conference(lab: Lab) -> None:
    await lab.call_in("79031113426", did=SPLIT)
    await lab.answer("101")
    await lab.talk("101", "79031113426")
    await lab.hang_up("79031113426")
    await lab.gone("79031113426")
    await lab.hang_up("101")


@scenario(answered("+79031113427", WAITING, "103", legs={"103": "answered"}))
async def waiting_caller_bridged(lab: Lab) -> None:
    await lab.call_in("79031113427", did=WAITING)
    await lab.reaches("MusicOnHold")
    await lab.dial_from("103", "306")
    await lab.talk("103", "79031113427")
    await lab.hang_up("103")
    await lab.gone("103")
    await lab.hang_up("79031113427")


@scenario(answered("+79031113428", QUEUE_GOES_ON, "104", queue="insistent", reached=None, legs={"104": "answered"}))
async def queue_member_leaves_the_caller_to_voicemail(lab: Lab) -> None:
    await lab.behave("104", "answers")
    await lab.call_in("79031113428", did=QUEUE_GOES_ON)
    await lab.talk("104", "79031113428")
    await lab.hang_up("104")
    await lab.reaches("VoiceMail")
    await lab.hang_up("79031113428")


# Again and again


@scenario(missed("+79031113430", AGAIN, "ringing", legs={"101": "no_answer"}, rings={"101": 2}), main=True)
async def dialled_in_a_loop(lab: Lab) -> None:
    await lab.call_in("79031113430", did=AGAIN)
    await lab.turned_away("79031113430")


@scenario(missed("+79031113432", RETRIED, "ringing", legs={"101": "no_answer"}, rings={"101": 2}))
async def dialled_by_retrydial(lab: Lab) -> None:
    await lab.call_in("79031113432", did=RETRIED)
    await lab.turned_away("79031113432")


@scenario(missed("+79031113433", DISTURBED, "ringing", legs={}))
async def not_disturbed(lab: Lab) -> None:
    await lab.call_in("79031113433", did=DISTURBED)
    await lab.turned_away("79031113433")


# Through the PBX, and numbers that are ours


@scenario(answered("+79031113440", THROUGH, "103", legs={"103": "answered"}))
async def dialled_through_to_an_extension(lab: Lab) -> None:
    await lab.call_in("79031113440", did=THROUGH)
    await lab.reaches("DISA")
    await lab.press("79031113440", "103")
    await lab.answer("103")
    await lab.talk("103", "79031113440")
    await lab.hang_up("103")


@scenario(outbound("+79037778902", "answered", "105", legs={"105": "answered"}), outside=OWN_MOBILES, main=True)
async def rep_dials_through_from_the_own_mobile(lab: Lab) -> None:
    await lab.call_in(OWN_MOBILES["105"], did=THROUGH)
    await lab.reaches("DISA")
    await lab.press(OWN_MOBILES["105"], "79037778902")
    await lab.answer("79037778902")
    await lab.talk(OWN_MOBILES["105"], "79037778902")
    await lab.hang_up("79037778902")


@scenario(outbound("+79037778903", "answered", "105", legs={"105": "answered"}), outside=OWN_MOBILES)
async def rep_on_the_own_mobile_is_sent_to_the_outside(lab: Lab) -> None:
    await lab.talk_in(OWN_MOBILES["105"], "101", did=MAIN_DID)
    await lab.refer("101", "79037778903")
    await lab.answer("79037778903")
    await lab.talk(OWN_MOBILES["105"], "79037778903")
    await lab.hang_up("79037778903")


@scenario(
    answered("+79031113441", MAIN_DID, "101", last="105", legs={"101": "answered", "105": "answered"}),
    outside=OWN_MOBILES,
)
async def attended_transfer_to_the_own_mobile(lab: Lab) -> None:
    await lab.talk_in("79031113441", "101", did=MAIN_DID)
    await lab.transfer_attended("101", OWN_MOBILES["105"])
    await lab.answer(OWN_MOBILES["105"])
    await lab.talk("101", OWN_MOBILES["105"])
    await lab.hang_up("101")
    await lab.talk(OWN_MOBILES["105"], "79031113441")
    await lab.transferred("101")
    await lab.hang_up("79031113441")


@scenario(outbound("+79037778904", "answered", "105", legs={"105": "answered", "106": "answered_elsewhere"}))
async def called_back_by_the_pbx_for_a_queue(lab: Lab) -> None:
    await lab.invite("79037778904", "301")
    await lab.answer("79037778904")
    await lab.rings("106")
    await lab.answer("105")
    await lab.talk("105", "79037778904")
    await lab.hang_up("79037778904")


@scenario(outbound("+79037778905", "no_answer", legs={}))
async def called_by_the_pbx_for_an_announcement(lab: Lab) -> None:
    await lab.invite("79037778905", "302")
    await lab.answer("79037778905")
    await lab.reaches("WaitExten")
    await lab.hang_up("79037778905")


@scenario(answered("+79031113450", "4952150030", "101", last="101", legs={"101": "answered", "102": "answered"}))
async def conference_left_and_joined_again(lab: Lab) -> None:
    await lab.call_in("79031113450", did="4952150030")
    await lab.bridged("79031113450")
    await lab.dial_from("101", "303")
    await lab.talk("101", "79031113450")
    await lab.dial_from("102", "303")
    await lab.talk("102", "79031113450")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.dial_from("101", "303")
    await lab.talk("101", "79031113450")
    await lab.hang_up("79031113450")
    await lab.gone("79031113450")
    await lab.hang_up("102")
    await lab.hang_up("101")


@scenario(answered("+79031113451", MAIN_DID, "101", legs={"101": "answered"}))
async def paged_while_a_customer_waits(lab: Lab) -> None:
    await lab.behave("102", "lifts")
    await lab.behave("103", "lifts")
    await lab.talk_in("79031113451", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.dial_from("101", "307")
    await lab.talk("101", "103")
    await lab.hang_up("79031113451")
    await lab.gone("79031113451")
    await lab.hang_up("101")
