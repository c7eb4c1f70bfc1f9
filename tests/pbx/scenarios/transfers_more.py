"""Transfers to all kinds of places by all kinds of means (feature codes, REFER, AMI), and those that fail."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import MAIN_DID, answered, outbound, scenario

QUEUE, IVR, COMES_BACK, VOICEMAIL = "301", "302", "304", "305"
MOBILE = "79990001122"
SHORT_TRANSFERS, SHORT_PARKING = "4952150037", "4952150039"
ALONE = {"101": "answered"}
BOTH = {"101": "answered", "103": "answered"}


async def _taken(lab: Lab, party: str, caller: str) -> None:
    await lab.answer(party)
    await lab.talk(party, caller)
    await lab.hang_up(caller)


# Into queues and announcements


@scenario(
    answered("+79031113200", MAIN_DID, "101", last="105", queue="support",
             legs={"101": "answered", "105": "answered", "106": "answered_elsewhere"}),
    main=True,
)  # fmt: skip
async def blind_transfer_to_a_queue(lab: Lab) -> None:
    await lab.talk_in("79031113200", "101", did=MAIN_DID)
    await lab.press("101", f"#1{QUEUE}")
    await lab.rings("106")
    await _taken(lab, "105", "79031113200")


@scenario(
    answered("+79031113201", MAIN_DID, "101", queue="support",
             legs={"101": "answered", "105": "cancelled", "106": "cancelled"}),
)  # fmt: skip
async def blind_transfer_to_a_queue_caller_gives_up(lab: Lab) -> None:
    await lab.talk_in("79031113201", "101", did=MAIN_DID)
    await lab.press("101", f"#1{QUEUE}")
    await lab.rings("105")
    await lab.rings("106")
    await lab.hang_up("79031113201")


@scenario(
    answered("+79031113202", MAIN_DID, "101", last="105",
             legs={"101": "answered", "105": "answered", "106": "answered_elsewhere"}),
)  # fmt: skip
async def attended_transfer_into_a_queue(lab: Lab) -> None:
    await lab.talk_in("79031113202", "101", did=MAIN_DID)
    await lab.press("101", f"*2{QUEUE}")
    await lab.rings("106")
    await lab.answer("105")
    await lab.talk("101", "105")
    await lab.hang_up("101")
    await lab.talk("105", "79031113202")
    await lab.transferred("101")
    await lab.hang_up("79031113202")


@scenario(
    answered("+79031113203", MAIN_DID, "101", last="105", queue="support",
             legs={"101": "answered", "105": "answered", "106": "answered_elsewhere"}),
    main=True,
)  # fmt: skip
async def phone_blind_transfer_to_a_queue(lab: Lab) -> None:
    await lab.talk_in("79031113203", "101", did=MAIN_DID)
    await lab.refer("101", QUEUE)
    await lab.rings("106")
    await _taken(lab, "105", "79031113203")


@scenario(answered("+79031113204", MAIN_DID, "101", legs=ALONE))
async def blind_transfer_to_an_ivr(lab: Lab) -> None:
    await lab.talk_in("79031113204", "101", did=MAIN_DID)
    await lab.press("101", f"#1{IVR}")
    await lab.gone("101")
    await lab.hang_up("79031113204")


@scenario(answered("+79031113205", MAIN_DID, "101", reached=None, legs=ALONE))
async def blind_transfer_to_voicemail(lab: Lab) -> None:
    await lab.talk_in("79031113205", "101", did=MAIN_DID)
    await lab.press("101", f"#1{VOICEMAIL}")
    await lab.gone("101")
    await lab.hang_up("79031113205")


# To the outside


@scenario(answered("+79031113210", MAIN_DID, "101", answered_outside=f"+{MOBILE}", legs=ALONE), main=True)
async def blind_transfer_to_the_outside(lab: Lab) -> None:
    await lab.talk_in("79031113210", "101", did=MAIN_DID)
    await lab.transfer_blind("101", MOBILE)
    await lab.answer(MOBILE)
    await lab.talk(MOBILE, "79031113210")
    await lab.gone("101")
    await lab.hang_up(MOBILE)


@scenario(answered(None, MAIN_DID, "101", answered_outside=f"+{MOBILE}", legs=ALONE), main=True)
async def withheld_number_blind_transfer_to_the_outside(lab: Lab) -> None:
    await lab.call_in("anonymous", did=MAIN_DID, name="Anonymous")
    await lab.answer("101")
    await lab.talk("101", "anonymous")
    await lab.transfer_blind("101", MOBILE)
    await lab.answer(MOBILE)
    await lab.talk_to_somebody(MOBILE)
    await lab.gone("101")
    await lab.hang_up(MOBILE)


@scenario(answered("+79031113211", MAIN_DID, "101", answered_outside=f"+{MOBILE}", legs=ALONE), main=True)
async def attended_transfer_to_the_outside(lab: Lab) -> None:
    await lab.talk_in("79031113211", "101", did=MAIN_DID)
    await lab.transfer_attended("101", MOBILE)
    await lab.answer(MOBILE)
    await lab.talk("101", MOBILE)
    await lab.hang_up("101")
    await lab.talk(MOBILE, "79031113211")
    await lab.transferred("101")
    await lab.hang_up("79031113211")


@scenario(answered("+79031113212", MAIN_DID, "101", answered_outside=None, legs=ALONE))
async def outside_consulted_and_back(lab: Lab) -> None:
    await lab.talk_in("79031113212", "101", did=MAIN_DID)
    await lab.transfer_attended("101", MOBILE)
    await lab.answer(MOBILE)
    await lab.talk("101", MOBILE)
    await lab.hang_up(MOBILE)
    await lab.talk("101", "79031113212")
    await lab.hang_up("101")


@scenario(answered("+79031113213", MAIN_DID, "101", answered_outside=f"+{MOBILE}", legs=ALONE), main=True)
async def phone_attended_transfer_to_the_outside(lab: Lab) -> None:
    await lab.talk_in("79031113213", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.dial_from("101", MOBILE)
    await lab.answer(MOBILE)
    await lab.talk("101", MOBILE)
    await lab.moment("consulting_outside")
    await lab.join("101")
    await lab.talk(MOBILE, "79031113213")
    await lab.hang_up("79031113213")


@scenario(answered("+79031113214", MAIN_DID, "101", answered_outside=f"+{MOBILE}", legs=ALONE))
async def phone_blonde_transfer_to_the_outside(lab: Lab) -> None:
    await lab.talk_in("79031113214", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.dial_from("101", MOBILE)
    await lab.rings(MOBILE)
    await lab.join("101")
    await lab.gone("101")
    await lab.answer(MOBILE)
    await lab.talk(MOBILE, "79031113214")
    await lab.hang_up("79031113214")


@scenario(
    answered("+79031113215", MAIN_DID, "101", answered_outside=None, legs=ALONE),
    outbound(f"+{MOBILE}", "answered", "101"),
)
async def second_call_of_a_rep_who_holds_a_caller(lab: Lab) -> None:
    await lab.talk_in("79031113215", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.dial_from("101", MOBILE)
    await lab.answer(MOBILE)
    await lab.talk("101", MOBILE)
    await lab.hang_up(MOBILE)
    await lab.gone(MOBILE)
    await lab.hang_up("79031113215")


@scenario(outbound("+79037778850", "answered", "101", answered_outside=f"+{MOBILE}", legs=ALONE))
async def two_numbers_called_and_connected(lab: Lab) -> None:
    await lab.dial_from("101", "79037778850")
    await lab.answer("79037778850")
    await lab.talk("101", "79037778850")
    await lab.hold("101")
    await lab.dial_from("101", MOBILE)
    await lab.answer(MOBILE)
    await lab.talk("101", MOBILE)
    await lab.join("101")
    await lab.talk("79037778850", MOBILE)
    await lab.hang_up(MOBILE)


@scenario(outbound("+79037778851", "answered", "101", last_extension="103", legs=BOTH), main=True)
async def outbound_blind_transfer(lab: Lab) -> None:
    await lab.dial_from("101", "79037778851")
    await lab.answer("79037778851")
    await lab.talk("101", "79037778851")
    await lab.refer("101", "103")
    await _taken(lab, "103", "79037778851")


@scenario(outbound("+79037778852", "answered", "101", last_extension="103", legs=BOTH))
async def outbound_phone_attended_transfer(lab: Lab) -> None:
    await lab.dial_from("101", "79037778852")
    await lab.answer("79037778852")
    await lab.talk("101", "79037778852")
    await lab.hold("101")
    await lab.dial_from("101", "103")
    await lab.answer("103")
    await lab.talk("101", "103")
    await lab.join("101")
    await lab.talk("103", "79037778852")
    await lab.hang_up("103")


@scenario(
    answered("+79031113216", MAIN_DID, "101", answered_outside=None, legs=ALONE),
    answered("+79031113217", MAIN_DID, "101", answered_outside=None, legs=ALONE),
)
async def two_callers_connected(lab: Lab) -> None:
    await lab.talk_in("79031113216", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.talk_in("79031113217", "101", did=MAIN_DID)
    await lab.join("101")
    await lab.talk("79031113216", "79031113217")
    await lab.hang_up("79031113216")


# Back, and in vain


@scenario(answered("+79031113220", MAIN_DID, "101", last="101", legs=BOTH, rings={"101": 2, "103": 1}), main=True)
async def transferred_back(lab: Lab) -> None:
    await lab.talk_in("79031113220", "101", did=MAIN_DID)
    await lab.press("101", "#1103")
    await lab.answer("103")
    await lab.talk("103", "79031113220")
    await lab.gone("101")
    await lab.press("103", "#1101")
    await lab.answer("101")
    await lab.talk("101", "79031113220")
    await lab.hang_up("79031113220")


@scenario(answered("+79031113221", MAIN_DID, "101", last="101", legs=BOTH))
async def transferred_back_by_phone(lab: Lab) -> None:
    await lab.talk_in("79031113221", "101", did=MAIN_DID)
    await lab.refer("101", "103")
    await lab.answer("103")
    await lab.talk("103", "79031113221")
    await lab.gone("101")
    await lab.refer("103", "101")
    await lab.answer("101")
    await lab.talk("101", "79031113221")
    await lab.hang_up("101")


@scenario(answered("+79031113222", MAIN_DID, "101", last="101", legs={"101": "answered", "103": "no_answer"}))
async def blind_transfer_that_nobody_takes_comes_back(lab: Lab) -> None:
    await lab.talk_in("79031113222", "101", did=MAIN_DID)
    await lab.press("101", f"#1{COMES_BACK}")
    await lab.rings("103")
    await lab.gone("101")
    await _taken(lab, "101", "79031113222")


@scenario(
    answered(
        "+79031113223",
        SHORT_TRANSFERS,
        "101",
        last="101",
        legs={"101": "answered", "103": "no_answer"},
        rings={"101": 2, "103": 1},
    ),
    main=True,
)
async def blonde_transfer_that_nobody_takes_comes_back(lab: Lab) -> None:
    await lab.talk_in("79031113223", "101", did=SHORT_TRANSFERS)
    await lab.press("101", "*2103")
    await lab.rings("103")
    await lab.hang_up("101")
    await lab.left("101")
    await _taken(lab, "101", "79031113223")


@scenario(answered("+79031113224", SHORT_TRANSFERS, "101", legs={"101": "answered", "103": "no_answer"}))
async def attended_transfer_that_nobody_takes(lab: Lab) -> None:
    await lab.talk_in("79031113224", "101", did=SHORT_TRANSFERS)
    await lab.press("101", "*2103")
    await lab.rings("103")
    await lab.gone("103")
    await lab.talk("101", "79031113224")
    await lab.hang_up("79031113224")


@scenario(answered("+79031113225", MAIN_DID, "101", legs={"101": "answered", "103": "answered_elsewhere"}))
async def attended_transfer_third_leaves_again(lab: Lab) -> None:
    await lab.talk_in("79031113225", "101", did=MAIN_DID)
    await lab.press("101", "*2103")
    await lab.answer("103")
    await lab.talk("101", "103")
    await lab.hang_up("103")
    await lab.talk("101", "79031113225")
    await lab.hang_up("79031113225")


@scenario(answered("+79031113226", MAIN_DID, "101", legs=ALONE))
async def blind_transfer_to_nowhere(lab: Lab) -> None:
    await lab.talk_in("79031113226", "101", did=MAIN_DID)
    await lab.press("101", "#1399")
    await lab.talk("101", "79031113226")
    await lab.hang_up("101")


@scenario(answered("+79031113227", MAIN_DID, "101", last="103", legs=BOTH), main=True)
async def phone_blonde_transfer(lab: Lab) -> None:
    await lab.talk_in("79031113227", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.dial_from("101", "103")
    await lab.rings("103")
    await lab.join("101")
    await lab.gone("101")
    await lab.answer("103")
    await lab.talk("103", "79031113227")
    await lab.hang_up("79031113227")


@scenario(answered("+79031113228", MAIN_DID, "101", legs=ALONE))
async def phone_blind_transfer_to_nowhere(lab: Lab) -> None:
    await lab.talk_in("79031113228", "101", did=MAIN_DID)
    await lab.refer("101", "399")
    await lab.refused("101")
    await lab.talk("101", "79031113228")
    await lab.hang_up("101")


# What a consultation may turn into


async def _consult_103(lab: Lab, caller: str) -> None:
    await lab.talk_in(caller, "101", did=MAIN_DID)
    await lab.press("101", "*2103")
    await lab.answer("103")
    await lab.talk("101", "103")


@scenario(answered("+79031113250", MAIN_DID, "101", last="103", legs=BOTH), main=True)
async def consultation_becomes_a_talk_of_three(lab: Lab) -> None:
    await _consult_103(lab, "79031113250")
    await lab.press("101", "*3")
    await lab.talk("103", "79031113250")
    await lab.talk("101", "79031113250")
    await lab.hang_up("101")
    await lab.left("101")
    await lab.hang_up("79031113250")


@scenario(answered("+79031113251", MAIN_DID, "101", last="101", legs={"101": "answered", "103": "answered_elsewhere"}))
async def consultation_is_given_up(lab: Lab) -> None:
    await _consult_103(lab, "79031113251")
    await lab.press("101", "*1")
    await lab.talk("101", "79031113251")
    await lab.gone("103")
    await lab.hang_up("79031113251")


@scenario(answered("+79031113252", MAIN_DID, "101", last="103", legs=BOTH))
async def consultation_and_caller_in_turns(lab: Lab) -> None:
    await _consult_103(lab, "79031113252")
    await lab.press("101", "*4")
    await lab.talk("101", "79031113252")
    await lab.press("101", "*4")
    await lab.talk("101", "103")
    await lab.press("101", "*2")
    await lab.talk("103", "79031113252")
    await lab.hang_up("103")


# By a program


@scenario(answered("+79031113230", MAIN_DID, "101", last="103", legs=BOTH), main=True)
async def ami_blind_transfer(lab: Lab) -> None:
    await lab.talk_in("79031113230", "101", did=MAIN_DID)
    await lab.transfer_blind("101", "103")
    await _taken(lab, "103", "79031113230")


@scenario(answered("+79031113231", MAIN_DID, "101", last="103", legs=BOTH), main=True)
async def ami_attended_transfer(lab: Lab) -> None:
    await lab.talk_in("79031113231", "101", did=MAIN_DID)
    await lab.transfer_attended("101", "103")
    await lab.answer("103")
    await lab.talk("101", "103")
    await lab.hang_up("101")
    await lab.talk("103", "79031113231")
    await lab.transferred("101")
    await lab.hang_up("79031113231")


@scenario(answered("+79031113232", MAIN_DID, "101", last="103", legs=BOTH), main=True)
async def ami_redirect_of_the_caller(lab: Lab) -> None:
    await lab.talk_in("79031113232", "101", did=MAIN_DID)
    await lab.redirect("79031113232", "103")
    await _taken(lab, "103", "79031113232")


@scenario(outbound("+79037778853", "answered", "101", last_extension="103", legs=BOTH), main=True)
async def ami_redirect_of_the_called(lab: Lab) -> None:
    await lab.dial_from("101", "79037778853")
    await lab.answer("79037778853")
    await lab.talk("101", "79037778853")
    await lab.redirect("79037778853", "103")
    await _taken(lab, "103", "79037778853")


@scenario(answered("+79031113233", MAIN_DID, "103", legs={"101": "no_answer", "103": "answered"}))
async def ami_redirect_while_it_rings(lab: Lab) -> None:
    await lab.call_in("79031113233", did=MAIN_DID)
    await lab.rings("101")
    await lab.redirect("79031113233", "103")
    await _taken(lab, "103", "79031113233")


# Parking


@scenario(answered("+79031113240", MAIN_DID, "101", last="101", legs=ALONE, rings={"101": 2}), main=True)
async def parked_too_long_returns_to_the_parker(lab: Lab) -> None:
    await lab.talk_in("79031113240", "101", did=MAIN_DID)
    await lab.press("101", "#1650")
    await lab.parked("79031113240")
    await lab.moment("parked")
    await lab.hang_up("101")
    await lab.gone("101")
    await _taken(lab, "101", "79031113240")


@scenario(answered("+79031113241", MAIN_DID, "101", legs=ALONE))
async def parked_too_long_and_the_caller_gives_up(lab: Lab) -> None:
    await lab.talk_in("79031113241", "101", did=MAIN_DID)
    await lab.press("101", "#1650")
    await lab.parked("79031113241")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.rings("101")
    await lab.hang_up("79031113241")


@scenario(answered("+79031113242", SHORT_PARKING, "101", legs=ALONE))
async def parked_at_once_and_too_long(lab: Lab) -> None:
    await lab.call_in("79031113242", did=SHORT_PARKING)
    await lab.parked("79031113242")
    await _taken(lab, "101", "79031113242")
