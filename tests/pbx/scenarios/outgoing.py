"""Calls that our people start: dialled, clicked, internal."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import outbound, scenario


@scenario(outbound("+79037778899", "answered", "101", rings={"101": 0}), main=True)
async def outbound_answered(lab: Lab) -> None:
    await lab.dial_from("101", "79037778899")
    await lab.answer("79037778899")
    await lab.talk("101", "79037778899")
    await lab.hang_up("101")


@scenario(outbound("+79037778800", "no_answer"), main=True)
async def outbound_unanswered(lab: Lab) -> None:
    await lab.dial_from("101", "79037778800")
    await lab.rings("79037778800")
    await lab.hang_up("101")


@scenario(outbound("+79037778801", "busy"), main=True)
async def outbound_busy(lab: Lab) -> None:
    await lab.behave("79037778801", "busy")
    await lab.dial_from("101", "79037778801")
    await lab.turned_away("101")


@scenario(outbound("+79037778802", "failed"))
async def outbound_unknown_number(lab: Lab) -> None:
    await lab.behave("79037778802", "unknown")
    await lab.dial_from("101", "79037778802")
    await lab.turned_away("101")


@scenario(outbound("+79037778803", "no_answer"))
async def outbound_carrier_gives_up(lab: Lab) -> None:
    await lab.dial_from("101", "79037778803")
    await lab.rings("79037778803")
    await lab.hang_up("79037778803")


@scenario(main=True)
async def internal_call(lab: Lab) -> None:
    await lab.dial_from("101", "102")
    await lab.answer("102")
    await lab.talk("101", "102")
    await lab.hang_up("101")


@scenario()
async def internal_unanswered(lab: Lab) -> None:
    await lab.dial_from("101", "102")
    await lab.rings("102")
    await lab.hang_up("101")


@scenario(outbound("+79037778811", "answered", "101"), main=True)
async def originate_click_to_call(lab: Lab) -> None:
    await lab.click_to_call("PJSIP/101", "79037778811")
    await lab.answer("101")
    await lab.answer("79037778811")
    await lab.talk("101", "79037778811")
    await lab.hang_up("101")


@scenario(outbound("+79037778812", "answered", "101"), main=True)
async def click_to_call_local(lab: Lab) -> None:
    await lab.click_to_call("Local/101@from-internal", "79037778812")
    await lab.answer("101")
    await lab.answer("79037778812")
    await lab.talk("101", "79037778812")
    await lab.moment("talking_after_click")
    await lab.hang_up("79037778812")


@scenario(outbound("+79037778813", "answered", "101"))
async def click_to_call_local_kept(lab: Lab) -> None:
    await lab.click_to_call("Local/101@from-internal/n", "79037778813")
    await lab.answer("101")
    await lab.answer("79037778813")
    await lab.talk("101", "79037778813")
    await lab.hang_up("101")


@scenario(outbound("+79037778814", "cancelled"), main=True)
async def click_to_call_rep_rejects(lab: Lab) -> None:
    await lab.click_to_call("PJSIP/101", "79037778814")
    await lab.rings("101")
    await lab.hang_up("101")
    await lab.originate_response()


@scenario(outbound("+79037778815", "cancelled"))
async def click_to_call_rep_busy(lab: Lab) -> None:
    await lab.behave("101", "busy")
    await lab.click_to_call("PJSIP/101", "79037778815")
    await lab.originate_response()


@scenario(outbound("+79037778816", "cancelled"))
async def click_to_call_rep_does_not_answer(lab: Lab) -> None:
    await lab.click_to_call("PJSIP/101", "79037778816", timeout=1)
    await lab.rings("101")
    await lab.originate_response()


@scenario(outbound("+79037778817", "cancelled"))
async def click_to_call_local_rep_rejects(lab: Lab) -> None:
    await lab.click_to_call("Local/101@from-internal", "79037778817")
    await lab.rings("101")
    await lab.hang_up("101")
    await lab.originate_response()


@scenario(outbound("+79037778818", "busy"))
async def click_to_call_number_busy(lab: Lab) -> None:
    await lab.behave("79037778818", "busy")
    await lab.click_to_call("PJSIP/101", "79037778818")
    await lab.answer("101")
    await lab.originate_response()


@scenario(outbound("+79037778819", "no_answer"))
async def click_to_call_number_unanswered(lab: Lab) -> None:
    await lab.click_to_call("PJSIP/101", "79037778819")
    await lab.answer("101")
    await lab.rings("79037778819")
    await lab.hang_up("101")


@scenario(outbound("+79037778820", "busy"))
async def click_to_call_local_number_busy(lab: Lab) -> None:
    await lab.behave("79037778820", "busy")
    await lab.click_to_call("Local/101@from-internal", "79037778820")
    await lab.answer("101")
    await lab.originate_response()


@scenario(outbound("+79037778862", "answered", "101"), main=True)
async def one_of_two_numbers_answers(lab: Lab) -> None:
    await lab.dial_from("101", "309")
    await lab.rings("79037778861")
    await lab.answer("79037778862")
    await lab.talk("101", "79037778862")
    await lab.hang_up("101")


@scenario(outbound("+79037778863", "answered", "101"))
async def the_third_number_answers(lab: Lab) -> None:
    await lab.dial_from("101", "309")
    await lab.rings("79037778861")
    await lab.answer("79037778863")
    await lab.talk("101", "79037778863")
    await lab.hang_up("79037778863")


@scenario(outbound("+79037778861", "no_answer"))
async def none_of_several_numbers_answers(lab: Lab) -> None:
    await lab.dial_from("101", "309")
    await lab.rings("79037778862")
    await lab.rings("79037778863")
    await lab.hang_up("101")


@scenario(
    outbound("+79037778864", "answered", "101", legs={"101": "answered"}),
    outbound("+79037778865", "answered", "101", legs={"101": "answered"}),
    main=True,
)
async def two_customers_called_in_turn(lab: Lab) -> None:
    await lab.dial_from("101", "310")
    await lab.answer("79037778864")
    await lab.talk("101", "79037778864")
    await lab.hang_up("79037778864")
    await lab.gone("79037778864")
    await lab.answer("79037778865")
    await lab.talk("101", "79037778865")
    await lab.hang_up("101")


@scenario(
    outbound("+79037778864", "answered", "101", legs={"101": "answered"}),
    outbound("+79037778865", "busy"),
)
async def second_customer_is_busy(lab: Lab) -> None:
    await lab.behave("79037778865", "busy")
    await lab.dial_from("101", "310")
    await lab.answer("79037778864")
    await lab.talk("101", "79037778864")
    await lab.hang_up("79037778864")
    await lab.gone("101")


@scenario(
    outbound("+79037778906", "answered", "103", last_extension="103", legs={"103": "answered"}),
    outbound("+79037778907", "answered", "103", last_extension="101", legs={"103": "answered", "101": "answered"}),
)
async def colleagues_ask_two_numbers(lab: Lab) -> None:
    await _colleagues_talk(lab)
    await lab.press("103", "*279037778906")
    await lab.answer("79037778906")
    await lab.talk("103", "79037778906")
    await lab.hang_up("79037778906")
    await lab.talk("101", "103")
    await lab.press("103", "*279037778907")
    await lab.answer("79037778907")
    await lab.talk("103", "79037778907")
    await lab.hang_up("103")
    await lab.talk("101", "79037778907")
    await lab.transferred("103")
    await lab.hang_up("101")


@scenario(outbound("+79037778908", "busy"))
async def colleagues_ask_a_busy_number(lab: Lab) -> None:
    await lab.behave("79037778908", "busy")
    await _colleagues_talk(lab)
    await lab.press("103", "*279037778908")
    await lab.pbx_view.event("DialEnd", DialStatus="BUSY")
    await lab.talk("101", "103")
    await lab.hang_up("101")


async def _colleagues_talk(lab: Lab) -> None:
    await lab.dial_from("101", "103")
    await lab.answer("103")
    await lab.talk("101", "103")
