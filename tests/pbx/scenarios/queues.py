"""Calls from outside to queues."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import answered, missed, scenario

SALES = "4952150001"
LOCAL = "4952150005"
TAKEN_BY_102 = {"101": "answered_elsewhere", "102": "answered", "103": "answered_elsewhere"}
NOBODY = {"101": "cancelled", "102": "cancelled", "103": "cancelled"}
IGNORED = {"101": "no_answer", "102": "no_answer", "103": "no_answer"}


@scenario(answered("+79031110001", SALES, "102", queue="sales", legs=TAKEN_BY_102), main=True)
async def queue_ringall(lab: Lab) -> None:
    await _taken_by_102(lab, "79031110001", SALES)


@scenario(answered("+79031110040", LOCAL, "102", queue="fpbx", legs=TAKEN_BY_102), main=True)
async def queue_local_members(lab: Lab) -> None:
    await _taken_by_102(lab, "79031110040", LOCAL)


async def _taken_by_102(lab: Lab, caller: str, did: str) -> None:
    await lab.call_in(caller, did=did)
    for extension in ("101", "102", "103"):
        await lab.rings(extension)
    await lab.answer("102")
    await lab.talk("102", caller)
    await lab.hang_up(caller)


@scenario(missed("+79031110041", SALES, "queue", queue="sales", legs=NOBODY), main=True)
async def queue_caller_gives_up(lab: Lab) -> None:
    await _gives_up(lab, "79031110041", SALES)


@scenario(missed("+79031110042", LOCAL, "queue", queue="fpbx", legs=NOBODY), main=True)
async def queue_local_members_caller_gives_up(lab: Lab) -> None:
    await _gives_up(lab, "79031110042", LOCAL)


async def _gives_up(lab: Lab, caller: str, did: str) -> None:
    await lab.call_in(caller, did=did)
    for extension in ("101", "102", "103"):
        await lab.rings(extension)
    await lab.moment("queue_waiting" if did == SALES else "queue_waiting_local_members")
    await lab.hang_up(caller)


@scenario(
    answered("+79031110043", "4952150004", "105", queue="linear",
             legs={"104": "no_answer", "105": "answered"}),
)  # fmt: skip
async def queue_linear(lab: Lab) -> None:
    await lab.call_in("79031110043", did="4952150004")
    await lab.rings("104")
    await lab.answer("105")
    await lab.talk("105", "79031110043")
    await lab.hang_up("105")


@scenario(missed("+79031110044", "4952150010", "queue", queue="sales", legs=IGNORED))
async def queue_lets_the_caller_go(lab: Lab) -> None:
    await lab.call_in("79031110044", did="4952150010")
    for extension in ("101", "102", "103"):
        await lab.rings(extension)


@scenario(
    answered("+79031110045", SALES, "103", queue="sales", legs={"101": "busy", "102": "rejected", "103": "answered"}),
)
async def queue_members_busy_and_rejecting(lab: Lab) -> None:
    await lab.behave("101", "busy")
    await lab.call_in("79031110045", did=SALES)
    await lab.rings("102")
    await lab.hang_up("102")
    await lab.gone("102")
    await lab.answer("103")
    await lab.talk("103", "79031110045")
    await lab.hang_up("79031110045")


@scenario(
    answered("+79031110046", SALES, "102", last="105", queue="sales", legs={**TAKEN_BY_102, "105": "answered"}),
)
async def queue_then_attended_transfer(lab: Lab) -> None:
    await lab.call_in("79031110046", did=SALES)
    await lab.answer("102")
    await lab.talk("102", "79031110046")
    await lab.press("102", "*2105")
    await lab.answer("105")
    await lab.talk("102", "105")
    await lab.hang_up("102")
    await lab.talk("105", "79031110046")
    await lab.transferred("102")
    await lab.hang_up("79031110046")


@scenario(
    answered("+79031110047", LOCAL, "101", last="106", queue="fpbx",
             legs={"101": "answered", "102": "answered_elsewhere", "103": "answered_elsewhere", "106": "answered"}),
)  # fmt: skip
async def queue_local_members_blind_transfer(lab: Lab) -> None:
    await lab.call_in("79031110047", did=LOCAL)
    await lab.answer("101")
    await lab.talk("101", "79031110047")
    await lab.press("101", "#1106")
    await lab.answer("106")
    await lab.talk("106", "79031110047")
    await lab.hang_up("106")
