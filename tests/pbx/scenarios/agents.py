"""Reps who stay on the line between calls, as agents: callers come to a channel that is older than theirs."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import answered, scenario

AGENT, QUEUE = "4952150040", "4952150041"
LOGIN = "311"


@scenario(answered("+79031113500", AGENT, "101", answered_outside=None, legs={"101": "answered"}), main=True)
async def agent_on_the_line(lab: Lab) -> None:
    await _log_in(lab)
    await _comes_and_goes(lab, "79031113500", AGENT, moment="agent_talking")
    await lab.hang_up("101")


@scenario(
    answered("+79031113501", AGENT, "101", answered_outside=None, legs={"101": "answered"}),
    answered("+79031113502", AGENT, "101", answered_outside=None, legs={"101": "answered"}),
    main=True,
)
async def agent_on_the_line_for_two_callers(lab: Lab) -> None:
    await _log_in(lab)
    await _comes_and_goes(lab, "79031113501", AGENT)
    await _comes_and_goes(lab, "79031113502", AGENT, moment="agent_talking_again")
    await lab.hang_up("101")


@scenario(
    answered("+79031113503", QUEUE, "101", answered_outside=None, queue="agents", legs={"101": "answered"}),
    answered("+79031113504", QUEUE, "101", answered_outside=None, queue="agents", legs={"101": "answered"}),
    main=True,
)
async def agent_of_a_queue_for_two_callers(lab: Lab) -> None:
    await _log_in(lab)
    await _comes_and_goes(lab, "79031113503", QUEUE)
    await _comes_and_goes(lab, "79031113504", QUEUE, moment="agent_of_a_queue_talking_again")
    await lab.hang_up("101")


async def _log_in(lab: Lab) -> None:
    await lab.dial_from("101", LOGIN)
    await lab.agent_is_free("101")


async def _comes_and_goes(lab: Lab, caller: str, did: str, *, moment: str = "") -> None:
    await lab.call_in(caller, did=did)
    await lab.talk("101", caller)
    if moment:
        await lab.moment(moment)
    await lab.hang_up(caller)
    await lab.gone(caller)
    await lab.agent_is_free("101")
