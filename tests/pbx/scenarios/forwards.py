"""Calls that go on to another phone: set on the phone (302), or as follow-me, in Local channels of all depths."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import MAIN_DID, OWN_MOBILES, answered, missed, scenario

MOBILE, OWN_MOBILE = "79990001122", "79990003344"
NESTED, NESTED_KEPT, NESTED_OWN = "4952150031", "4952150032", "4952150033"
FOLLOW_ME, QUEUED = "4952150034", "4952150035"
TWO_PHONES = "4952150038"
SENT_ON, SENT_ON_AT_ONCE = "4952150045", "4952150046"


def _outside(number: str | None, did: str, legs: dict[str, str], **fields: object) -> dict[str, object]:
    """A call that nobody of ours answered but the mobile that it was sent on to."""
    return {
        "direction": "inbound", "number": number, "did": did, "result": "answered", "answered_by": None,
        "last_extension": None, "answered_outside": f"+{MOBILE}", "legs": legs, **fields,
    }  # fmt: skip


async def _taken(lab: Lab, caller: str, did: str, party: str) -> None:
    await lab.call_in(caller, did=did)
    await lab.answer(party)
    await lab.talk(party, caller)
    await lab.hang_up(caller)


# Set on the phone


@scenario(_outside("+79031113100", MAIN_DID, {"101": "no_answer"}), main=True)
async def phone_forwards_to_a_mobile(lab: Lab) -> None:
    await lab.behave("101", "forwards", to=MOBILE)
    await _taken(lab, "79031113100", MAIN_DID, MOBILE)


@scenario(
    answered("+79031113101", "4952150105", "105", answered_outside=None, legs={"105": "answered"}),
    outside=OWN_MOBILES,
)
async def phone_forwards_to_its_owners_mobile(lab: Lab) -> None:
    await lab.behave("105", "forwards", to=OWN_MOBILE)
    await _taken(lab, "79031113101", "4952150105", OWN_MOBILE)


@scenario(answered("+79031113102", MAIN_DID, "103", legs={"101": "no_answer", "103": "answered"}), main=True)
async def phone_forwards_to_a_colleague(lab: Lab) -> None:
    await lab.behave("101", "forwards", to="103")
    await _taken(lab, "79031113102", MAIN_DID, "103")


@scenario(missed("+79031113103", MAIN_DID, "ringing", answered_outside=None, legs={"101": "no_answer"}))
async def phone_forwards_to_a_mobile_that_is_busy(lab: Lab) -> None:
    await lab.behave("101", "forwards", to=MOBILE)
    await lab.behave(MOBILE, "busy")
    await lab.call_in("79031113103", did=MAIN_DID)
    await lab.turned_away("79031113103")


@scenario(answered("+79031113104", TWO_PHONES, "102", answered_outside=None,
                   legs={"101": "no_answer", "102": "answered"}))  # fmt: skip
async def one_of_two_phones_forwards_and_the_other_answers(lab: Lab) -> None:
    await lab.behave("101", "forwards", to=MOBILE)
    await lab.call_in("79031113104", did=TWO_PHONES)
    await lab.rings(MOBILE)
    await lab.answer("102")
    await lab.talk("102", "79031113104")
    await lab.hang_up("102")


@scenario(_outside("+79031113105", "4952150001", {"101": "no_answer", "102": "answered_elsewhere",
                                                  "103": "answered_elsewhere"}, queue="sales"))  # fmt: skip
async def queue_member_forwards_to_a_mobile(lab: Lab) -> None:
    await lab.behave("101", "forwards", to=MOBILE)
    await _taken(lab, "79031113105", "4952150001", MOBILE)


# By the dialplan


@scenario(_outside(None, SENT_ON, {"101": "no_answer"}), main=True)
async def withheld_number_sent_on_to_a_mobile(lab: Lab) -> None:
    await lab.call_in("anonymous", did=SENT_ON, name="Anonymous")
    await lab.rings("101")
    await lab.answer(MOBILE)
    await lab.talk_to_somebody(MOBILE)
    await lab.hang_up(MOBILE)


@scenario(_outside(None, SENT_ON_AT_ONCE, {}))
async def withheld_number_sent_on_to_a_mobile_at_once(lab: Lab) -> None:
    await lab.call_in("anonymous", did=SENT_ON_AT_ONCE, name="Anonymous")
    await lab.answer(MOBILE)
    await lab.talk_to_somebody(MOBILE)
    await lab.hang_up(MOBILE)


# Follow-me


@scenario(_outside("+79031113110", NESTED, {"104": "answered_elsewhere"}), main=True)
async def nested_follow_me_mobile_answers(lab: Lab) -> None:
    await lab.call_in("79031113110", did=NESTED)
    await lab.rings("104")
    await lab.answer(MOBILE)
    await lab.talk(MOBILE, "79031113110")
    await lab.hang_up("79031113110")


@scenario(answered("+79031113111", NESTED, "104", answered_outside=None, legs={"104": "answered"}))
async def nested_follow_me_phone_answers(lab: Lab) -> None:
    await lab.call_in("79031113111", did=NESTED)
    await lab.rings(MOBILE)
    await lab.answer("104")
    await lab.talk("104", "79031113111")
    await lab.hang_up("104")


@scenario(_outside("+79031113112", NESTED_KEPT, {"104": "answered_elsewhere"}), main=True)
async def nested_follow_me_kept_mobile_answers(lab: Lab) -> None:
    await lab.call_in("79031113112", did=NESTED_KEPT)
    await lab.rings("104")
    await lab.answer(MOBILE)
    await lab.talk(MOBILE, "79031113112")
    await lab.hang_up(MOBILE)


@scenario(answered("+79031113113", NESTED_KEPT, "104", answered_outside=None, legs={"104": "answered"}))
async def nested_follow_me_kept_phone_answers(lab: Lab) -> None:
    await lab.call_in("79031113113", did=NESTED_KEPT)
    await lab.rings(MOBILE)
    await lab.answer("104")
    await lab.talk("104", "79031113113")
    await lab.hang_up("79031113113")


@scenario(missed("+79031113114", NESTED_KEPT, "ringing", answered_outside=None, legs={"104": "cancelled"}))
async def nested_follow_me_caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031113114", did=NESTED_KEPT)
    await lab.rings("104")
    await lab.rings(MOBILE)
    await lab.moment("nested_ringing")
    await lab.hang_up("79031113114")


@scenario(
    answered("+79031113115", NESTED_OWN, "105", answered_outside=None, legs={"105": "answered"}),
    outside=OWN_MOBILES, main=True,
)  # fmt: skip
async def nested_follow_me_to_ones_own_mobile(lab: Lab) -> None:
    await lab.call_in("79031113115", did=NESTED_OWN)
    await lab.rings("105")
    await lab.answer(OWN_MOBILE)
    await lab.talk(OWN_MOBILE, "79031113115")
    await lab.hang_up("79031113115")


@scenario(_outside("+79031113116", FOLLOW_ME, {"104": "answered_elsewhere"}))
async def follow_me_application_mobile_answers(lab: Lab) -> None:
    await lab.call_in("79031113116", did=FOLLOW_ME)
    await lab.rings("104")
    await lab.answer(MOBILE)
    await lab.talk(MOBILE, "79031113116")
    await lab.hang_up("79031113116")


@scenario(answered("+79031113117", FOLLOW_ME, "104", answered_outside=None, legs={"104": "answered"}))
async def follow_me_application_phone_answers(lab: Lab) -> None:
    await lab.call_in("79031113117", did=FOLLOW_ME)
    await lab.rings(MOBILE)
    await lab.answer("104")
    await lab.talk("104", "79031113117")
    await lab.hang_up("79031113117")


@scenario(_outside("+79031113118", QUEUED, {"104": "answered_elsewhere"}, queue="nested"), main=True)
async def queue_member_followed_to_a_mobile(lab: Lab) -> None:
    await lab.call_in("79031113118", did=QUEUED)
    await lab.rings("104")
    await lab.answer(MOBILE)
    await lab.talk(MOBILE, "79031113118")
    await lab.hang_up("79031113118")


@scenario(missed("+79031113119", QUEUED, "queue", queue="nested", legs={"104": "cancelled"}))
async def queue_member_followed_caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031113119", did=QUEUED)
    await lab.rings(MOBILE)
    await lab.rings("104")
    await lab.hang_up("79031113119")
