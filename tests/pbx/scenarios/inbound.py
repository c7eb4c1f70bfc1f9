"""Calls from outside to people, ring groups and an IVR."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import MAIN_DID, OWN_MOBILES, answered, missed, scenario


@scenario(answered("+79031110000", MAIN_DID, "101", legs={"101": "answered"}), main=True)
async def direct_answered(lab: Lab) -> None:
    await lab.call_in("79031110000", did=MAIN_DID)
    await lab.answer("101")
    await lab.talk("101", "79031110000")
    await lab.moment("talking")
    await lab.hang_up("79031110000")


@scenario(answered("+79031119900", "4952150080", "101", legs={"101": "answered"}))
async def recorded_by_the_pbx(lab: Lab) -> None:
    await lab.call_in("79031119900", did="4952150080")
    await lab.answer("101")
    await lab.talk("101", "79031119900")
    await lab.hang_up("101")


@scenario(answered("+79031110026", MAIN_DID, "101", caller_name="Иван Петров"), main=True)
async def cyrillic_name(lab: Lab) -> None:
    await lab.call_in("79031110026", did=MAIN_DID, name="Иван Петров")
    await lab.answer("101")
    await lab.talk("101", "79031110026")
    await lab.hang_up("101")


@scenario(missed("+79031110010", MAIN_DID, "ringing", legs={"101": "cancelled"}), main=True)
async def caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031110010", did=MAIN_DID)
    await lab.rings("101")
    await lab.moment("ringing")
    await lab.hang_up("79031110010")


@scenario(missed("+79031110011", "4952150012", "ringing", legs={"101": "no_answer"}), main=True)
async def no_answer(lab: Lab) -> None:
    await lab.call_in("79031110011", did="4952150012")
    await lab.rings("101")


@scenario(missed("+79031110012", MAIN_DID, "ringing", legs={"101": "busy"}), main=True)
async def phone_busy(lab: Lab) -> None:
    await lab.behave("101", "busy")
    await lab.call_in("79031110012", did=MAIN_DID)
    await lab.turned_away("79031110012")


@scenario(missed("+79031110013", MAIN_DID, "ringing", legs={"101": "rejected"}))
async def phone_rejects(lab: Lab) -> None:
    await lab.call_in("79031110013", did=MAIN_DID)
    await lab.rings("101")
    await lab.hang_up("101")


@scenario(missed("+79031110014", MAIN_DID, "ringing"))
async def phone_away(lab: Lab) -> None:
    await lab.unregister("101")
    await lab.call_in("79031110014", did=MAIN_DID)
    await lab.turned_away("79031110014")
    await lab.register("101")


@scenario(
    answered("+79031110002", "4952150002", "103",
             legs={"101": "answered_elsewhere", "102": "answered_elsewhere", "103": "answered"}),
    main=True,
)  # fmt: skip
async def ring_group(lab: Lab) -> None:
    await lab.call_in("79031110002", did="4952150002")
    for extension in ("101", "102", "103"):
        await lab.rings(extension)
    await lab.answer("103")
    await lab.talk("103", "79031110002")
    await lab.hang_up("79031110002")


@scenario(
    missed("+79031110020", "4952150002", "ringing",
           legs={"101": "cancelled", "102": "rejected", "103": "busy"}),
)  # fmt: skip
async def ring_group_nobody(lab: Lab) -> None:
    await lab.behave("103", "busy")
    await lab.call_in("79031110020", did="4952150002")
    for extension in ("101", "102"):
        await lab.rings(extension)
    await lab.hang_up("102")
    await lab.gone("102")
    await lab.pbx_view.event("DialEnd", DialStatus="BUSY")
    await lab.hang_up("79031110020")


@scenario(
    answered("+79031110021", "4952150011", "102", legs={"101": "answered_elsewhere", "102": "answered"}),
    main=True,
)
async def ring_group_of_local_channels(lab: Lab) -> None:
    await lab.call_in("79031110021", did="4952150011")
    await lab.rings("101")
    await lab.answer("102")
    await lab.talk("102", "79031110021")
    await lab.hang_up("102")


@scenario(answered("+79031110022", "4952150009", "102", legs={"101": "no_answer", "102": "answered"}))
async def hunt_group(lab: Lab) -> None:
    await lab.call_in("79031110022", did="4952150009")
    await lab.rings("101")
    await lab.answer("102")
    await lab.talk("102", "79031110022")
    await lab.hang_up("102")


@scenario(answered("+79031110003", "4952150003", "102", legs={"102": "answered"}), main=True)
async def ivr_choice(lab: Lab) -> None:
    await lab.call_in("79031110003", did="4952150003")
    await lab.arrives("79031110003")
    await lab.press("79031110003", "2")
    await lab.answer("102")
    await lab.talk("102", "79031110003")
    await lab.hang_up("79031110003")


@scenario(missed("+79031110023", "4952150003", "ivr", legs={}), main=True)
async def ivr_caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031110023", did="4952150003")
    await lab.arrives("79031110023")
    await lab.hang_up("79031110023")


@scenario(missed("+79031110024", "4952150003", "ringing", legs={"102": "cancelled"}))
async def ivr_choice_caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031110024", did="4952150003")
    await lab.arrives("79031110024")
    await lab.press("79031110024", "2")
    await lab.rings("102")
    await lab.hang_up("79031110024")


@scenario(missed("+79031110025", "4952150007", "voicemail", legs={"104": "no_answer"}), main=True)
async def voicemail(lab: Lab) -> None:
    await lab.call_in("79031110025", did="4952150007")
    await lab.rings("104")
    await lab.arrives("79031110025")
    await lab.press("79031110025", "#")  # end of the message
    await lab.hang_up("79031110025")


@scenario(missed("+79031110032", "4952150007", "voicemail", legs={"104": "no_answer"}))
async def voicemail_without_a_message(lab: Lab) -> None:
    await lab.call_in("79031110032", did="4952150007")
    await lab.rings("104")
    await lab.arrives("79031110032")
    await lab.hang_up("79031110032")


@scenario({"direction": "inbound", "number": None, "did": MAIN_DID, "result": "answered", "answered_by": "101"})
async def withheld_number(lab: Lab) -> None:
    await lab.call_in("anonymous", did=MAIN_DID, name="Anonymous")
    await lab.answer("101")
    await lab.talk("101", "anonymous")
    await lab.hang_up("101")


@scenario(
    answered("+79031110027", MAIN_DID, "101", legs={"101": "answered"}),
    answered("+79031110028", "4952150102", "102", legs={"102": "answered"}),
)
async def two_callers_at_once(lab: Lab) -> None:
    await lab.call_in("79031110027", did=MAIN_DID)
    await lab.call_in("79031110028", did="4952150102")
    await lab.answer("102")
    await lab.answer("101")
    await lab.talk("102", "79031110028")
    await lab.talk("101", "79031110027")
    await lab.hang_up("101")
    await lab.hang_up("79031110028")


@scenario(
    answered("+79031110033", MAIN_DID, "101", legs={"101": "answered"}),
    answered("+79031110033", "4952150102", "102", legs={"102": "answered"}),
)
async def one_number_calls_twice_at_once(lab: Lab) -> None:
    await lab.call_in("79031110033", did=MAIN_DID)
    await lab.call_in("79031110033", did="4952150102")
    await lab.answer("101")
    await lab.talk("101", "79031110033")
    await lab.answer("102")
    await lab.talk("102", "79031110033")
    await lab.hang_up("79031110033")


@scenario(
    answered("+79031110029", "4952150006", "104", legs={"104": "answered"}),
)
async def follow_me_phone_answers(lab: Lab) -> None:
    await lab.call_in("79031110029", did="4952150006")
    await lab.rings("79990001122")
    await lab.answer("104")
    await lab.talk("104", "79031110029")
    await lab.hang_up("79031110029")


@scenario(
    {"direction": "inbound", "number": "+79031110030", "did": "4952150006", "result": "answered",
     "answered_by": None, "answered_outside": "+79990001122", "legs": {"104": "answered_elsewhere"}},
)  # fmt: skip
async def follow_me_mobile_answers(lab: Lab) -> None:
    await lab.call_in("79031110030", did="4952150006")
    await lab.rings("104")
    await lab.answer("79990001122")
    await lab.talk("79990001122", "79031110030")
    await lab.hang_up("79031110030")


@scenario(
    answered("+79031110031", "4952150008", "105", answered_outside=None, legs={"105": "answered"}),
    outside=OWN_MOBILES,
)
async def forwarded_to_own_mobile(lab: Lab) -> None:
    await lab.call_in("79031110031", did="4952150008")
    await lab.answer("79990003344")
    await lab.talk("79990003344", "79031110031")
    await lab.hang_up("79990003344")
