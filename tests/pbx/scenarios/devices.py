"""Several devices, several calls: a desk phone and a softphone, call waiting, and talks beside the customer's."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import MAIN_DID, answered, missed, scenario

DID_2002, DID_2003 = "49521502002", "49521502003"


# A desk phone and a softphone on one account


@scenario(answered("+79031110300", DID_2002, "2002", legs={"2002": "answered"}), main=True)
async def two_devices_softphone_answers(lab: Lab) -> None:
    await _both_ring(lab, "79031110300")
    await lab.answer("2002soft")
    await lab.talk("2002soft", "79031110300")
    await lab.hang_up("79031110300")


@scenario(missed("+79031110301", DID_2002, "ringing", legs={"2002": "cancelled"}, rings={"2002": 1}))
async def two_devices_caller_gives_up(lab: Lab) -> None:
    await _both_ring(lab, "79031110301")
    await lab.hang_up("79031110301")


@scenario(answered("+79031110302", DID_2002, "2002", legs={"2002": "answered"}, rings={"2002": 1}))
async def two_devices_one_rejects_the_other_answers(lab: Lab) -> None:
    await _both_ring(lab, "79031110302")
    await lab.hang_up("2002soft")
    await lab.gone("2002soft")
    await lab.answer("2002")
    await lab.talk("2002", "79031110302")
    await lab.hang_up("2002")


@scenario(missed("+79031110303", DID_2002, "ringing", legs={"2002": "cancelled"}))
async def two_devices_one_rejects_and_the_caller_gives_up(lab: Lab) -> None:
    await _both_ring(lab, "79031110303")
    await lab.hang_up("2002")
    await lab.gone("2002")
    await lab.hang_up("79031110303")


@scenario(missed("+79031110304", DID_2002, "ringing", legs={"2002": "rejected"}))
async def two_devices_both_reject(lab: Lab) -> None:
    await _both_ring(lab, "79031110304")
    await lab.hang_up("2002")
    await lab.gone("2002")
    await lab.hang_up("2002soft")
    await lab.turned_away("79031110304")


@scenario(answered("+79031110305", DID_2002, "2002", legs={"2002": "answered"}))
async def two_devices_one_busy(lab: Lab) -> None:
    await lab.behave("2002soft", "busy")
    await lab.call_in("79031110305", did=DID_2002)
    await lab.turned_away("2002soft")
    await lab.answer("2002")
    await lab.talk("2002", "79031110305")
    await lab.hang_up("79031110305")


async def _both_ring(lab: Lab, caller: str) -> None:
    await lab.call_in(caller, did=DID_2002)
    await lab.rings("2002")
    await lab.rings("2002soft")


# The same on two accounts, each with an extension of its own


@scenario(
    answered("+79031110306", DID_2003, "992003", legs={"2003": "answered_elsewhere", "992003": "answered"}), main=True
)
async def two_accounts_softphone_answers(lab: Lab) -> None:
    await lab.call_in("79031110306", did=DID_2003)
    await lab.rings("2003")
    await lab.answer("992003")
    await lab.talk("992003", "79031110306")
    await lab.hang_up("79031110306")


@scenario(missed("+79031110307", DID_2003, "ringing", legs={"2003": "rejected", "992003": "cancelled"}))
async def two_accounts_one_rejects_and_the_caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031110307", did=DID_2003)
    await lab.rings("2003")
    await lab.rings("992003")
    await lab.hang_up("2003")
    await lab.gone("2003")
    await lab.hang_up("79031110307")


# Two calls at one phone


@scenario(
    answered("+79031110310", MAIN_DID, "101", legs={"101": "answered"}),
    answered("+79031110311", MAIN_DID, "101", legs={"101": "answered"}),
    main=True,
)
async def call_waiting_taken(lab: Lab) -> None:
    await lab.talk_in("79031110310", "101", did=MAIN_DID)
    await lab.call_in("79031110311", did=MAIN_DID)
    await lab.rings("101")
    await lab.hold("101")
    await lab.answer("101")
    await lab.talk("101", "79031110311")
    await lab.hang_up("79031110311")
    await lab.gone("79031110311")
    await lab.resume("101")
    await lab.hang_up("79031110310")


@scenario(
    answered("+79031110312", MAIN_DID, "101", legs={"101": "answered"}),
    missed("+79031110313", MAIN_DID, "ringing", legs={"101": "cancelled"}),
)
async def call_waiting_ignored(lab: Lab) -> None:
    await lab.talk_in("79031110312", "101", did=MAIN_DID)
    await lab.call_in("79031110313", did=MAIN_DID)
    await lab.rings("101")
    await lab.hang_up("79031110313")
    await lab.gone("79031110313")
    await lab.hang_up("101")


@scenario(
    answered("+79031110314", MAIN_DID, "101", legs={"101": "answered"}),
    missed("+79031110315", MAIN_DID, "ringing", legs={"101": "busy"}),
)
async def call_waiting_switched_off(lab: Lab) -> None:
    await lab.talk_in("79031110314", "101", did=MAIN_DID)
    await lab.behave("101", "busy")
    await lab.call_in("79031110315", did=MAIN_DID)
    await lab.turned_away("79031110315")
    await lab.hang_up("79031110314")


@scenario(
    missed("+79031110316", MAIN_DID, "ringing", legs={"101": "cancelled"}),
    answered("+79031110317", MAIN_DID, "101", legs={"101": "answered"}),
    main=True,
)
async def two_callers_to_one_rep(lab: Lab) -> None:
    await lab.call_in("79031110316", did=MAIN_DID)
    await lab.rings("101")
    await lab.call_in("79031110317", did=MAIN_DID)
    await lab.rings("101", calls=2)
    await lab.answer("101")  # the newer one
    await lab.talk("101", "79031110317")
    await lab.hang_up("79031110316")
    await lab.gone("79031110316")
    await lab.hang_up("101")


@scenario(
    missed("+79031110318", MAIN_DID, "ringing", legs={"101": "cancelled"}),
    answered("+79031110318", MAIN_DID, "101", legs={"101": "answered"}),
)
async def one_number_twice_to_one_rep(lab: Lab) -> None:
    await lab.call_in("79031110318", did=MAIN_DID)
    await lab.rings("101")
    await lab.call_in("79031110318", did=MAIN_DID)
    await lab.rings("101", calls=2)
    await lab.answer("101")
    await lab.talk("101", "79031110318")
    await lab.hang_up("79031110318")


# Talks of reps about a customer


@scenario(answered("+79031110320", MAIN_DID, "101", legs={"101": "answered"}), main=True)
async def internal_call_while_the_customer_waits(lab: Lab) -> None:
    await lab.talk_in("79031110320", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.dial_from("101", "102")
    await lab.answer("102")
    await lab.talk("101", "102")
    await lab.hang_up("102")
    await lab.gone("102")
    await lab.resume("101")
    await lab.hang_up("79031110320")


@scenario(answered("+79031110321", MAIN_DID, "101", legs={"101": "answered"}))
async def customer_gives_up_during_an_internal_call(lab: Lab) -> None:
    await lab.talk_in("79031110321", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.dial_from("101", "102")
    await lab.answer("102")
    await lab.talk("101", "102")
    await lab.hang_up("79031110321")
    await lab.gone("79031110321")
    await lab.hang_up("102")


@scenario(answered("+79031110322", MAIN_DID, "101", legs={"101": "answered"}))
async def colleague_asks_during_a_call(lab: Lab) -> None:
    await lab.talk_in("79031110322", "101", did=MAIN_DID)
    await lab.dial_from("103", "101")
    await lab.rings("101")
    await lab.hold("101")
    await lab.answer("101")
    await lab.talk("103", "101")
    await lab.hang_up("103")
    await lab.gone("103")
    await lab.resume("101")
    await lab.hang_up("101")


# Callers who hide


@scenario({"direction": "inbound", "number": None, "did": MAIN_DID, "result": "missed", "reached": "ringing"})
async def withheld_number_missed(lab: Lab) -> None:
    await lab.call_in("anonymous", did=MAIN_DID, name="Anonymous")
    await lab.rings("101")
    await lab.hang_up("anonymous")


@scenario(
    {"direction": "inbound", "number": None, "did": MAIN_DID, "result": "answered", "answered_by": "101"},
    {"direction": "inbound", "number": None, "did": "4952150102", "result": "answered", "answered_by": "102"},
)
async def two_withheld_numbers(lab: Lab) -> None:
    await lab.call_in("anonymous", did=MAIN_DID, name="Anonymous")
    await lab.call_in("anonymous", did="4952150102", name="Anonymous")
    await lab.answer("101")
    await lab.answer("102")
    await lab.talk("101", "anonymous")
    await lab.talk("102", "anonymous")
    await lab.hang_up("101")
    await lab.hang_up("102")


@scenario({"direction": "inbound", "number": None, "did": MAIN_DID, "result": "answered", "answered_by": "101"})
async def number_of_zeros(lab: Lab) -> None:
    """What some carriers put in the place of a withheld number."""
    await lab.call_in("0000000000", did=MAIN_DID)
    await lab.answer("101")
    await lab.talk("101", "0000000000")
    await lab.hang_up("101")


@scenario({"direction": "inbound", "number": None, "did": MAIN_DID, "result": "answered", "answered_by": "101"})
async def no_number_at_all(lab: Lab) -> None:
    await lab.call_in("", did=MAIN_DID)
    await lab.answer("101")
    await lab.talk_to_somebody("101")
    await lab.hang_up("101")
