"""Phones and carriers that do not behave: silence, sound before the answer, causes that are not the reason."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import MAIN_DID, answered, missed, outbound, scenario

ANNOUNCED = "4952150036"


@scenario(answered("+79031113300", MAIN_DID, "101", legs={"101": "answered"}), main=True)
async def phone_answers_without_ringing(lab: Lab) -> None:
    await lab.behave("101", "lifts")
    await lab.call_in("79031113300", did=MAIN_DID)
    await lab.talk("101", "79031113300")
    await lab.hang_up("79031113300")


@scenario(answered("+79031113301", MAIN_DID, "101", legs={"101": "answered"}))
async def phone_answers_after_silence(lab: Lab) -> None:
    await lab.behave("101", "lifts", after=1)
    await lab.call_in("79031113301", did=MAIN_DID)
    await lab.talk("101", "79031113301")
    await lab.hang_up("101")


@scenario(answered("+79031113302", ANNOUNCED, "101", legs={"101": "answered"}))
async def announcement_before_the_phone_rings(lab: Lab) -> None:
    await lab.call_in("79031113302", did=ANNOUNCED)
    await lab.answer("101")
    await lab.talk("101", "79031113302")
    await lab.hang_up("101")


@scenario(missed("+79031113303", MAIN_DID, "ringing", legs={"101": "cancelled"}))
async def phone_plays_instead_of_ringing(lab: Lab) -> None:
    await lab.behave("101", "plays")
    await lab.call_in("79031113303", did=MAIN_DID)
    await lab.progresses("101")
    await lab.hang_up("79031113303")


@scenario(missed("+79031113304", MAIN_DID, "ringing", legs={"101": "no_answer"}))
async def phone_rings_and_is_unavailable(lab: Lab) -> None:
    await lab.behave("101", "rings_then_refuses", cause=19)
    await lab.call_in("79031113304", did=MAIN_DID)
    await lab.turned_away("79031113304")


@scenario(missed("+79031113305", MAIN_DID, "ringing", legs={"101": "failed"}))
async def phone_is_broken(lab: Lab) -> None:
    await lab.behave("101", "refuses", cause=34)
    await lab.call_in("79031113305", did=MAIN_DID)
    await lab.turned_away("79031113305")


@scenario(outbound("+79037778860", "answered", "101", legs={"101": "answered"}), main=True)
async def number_answers_without_ringing(lab: Lab) -> None:
    await lab.behave("79037778860", "lifts")
    await lab.dial_from("101", "79037778860")
    await lab.talk("101", "79037778860")
    await lab.hang_up("101")


@scenario(outbound("+79037778861", "no_answer", legs={"101": "cancelled"}))
async def number_plays_instead_of_ringing(lab: Lab) -> None:
    await lab.behave("79037778861", "plays")
    await lab.dial_from("101", "79037778861")
    await lab.progresses("79037778861")
    await lab.hang_up("101")


@scenario(outbound("+79037778862", "failed"))
async def carrier_announces_that_there_is_no_such_number(lab: Lab) -> None:
    await lab.behave("79037778862", "announces", cause=1)
    await lab.dial_from("101", "79037778862")
    await lab.turned_away("101")


@scenario(outbound("+79037778863", "busy"))
async def carrier_announces_that_the_number_is_busy(lab: Lab) -> None:
    await lab.behave("79037778863", "announces", cause=17)
    await lab.dial_from("101", "79037778863")
    await lab.turned_away("101")


@scenario(outbound("+79037778864", "no_answer"))
async def number_rings_and_the_carrier_calls_it_a_failure(lab: Lab) -> None:
    await lab.behave("79037778864", "rings_then_refuses", cause=38)
    await lab.dial_from("101", "79037778864")
    await lab.turned_away("101")


@scenario(outbound("+79037778865", "failed"))
async def carrier_has_no_line(lab: Lab) -> None:
    await lab.behave("79037778865", "refuses", cause=34)
    await lab.dial_from("101", "79037778865")
    await lab.turned_away("101")


@scenario(answered("+79031113306", MAIN_DID, "101", legs={"101": "answered"}))
async def phone_dies_in_the_conversation(lab: Lab) -> None:
    await lab.call_in("79031113306", did=MAIN_DID)
    await lab.answer("101")
    await lab.talk("101", "79031113306")
    await lab.hang_up("101", cause=17)
