"""Control of one's own call from the CRM, on real PBXs: hang-up, blind and attended transfer of every kind of call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.pbx.daemon import Daemon
from tests.pbx.lab import Lab
from tests.pbx.roots import RELEASES

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", RELEASES, indirect=True),
]

CALLER = "79035550001"
Begin = Callable[[Lab, Daemon], Awaitable[None]]


async def _comes_in(lab: Lab, daemon: Daemon) -> None:
    await lab.call_in(CALLER, did="4952150101")
    await lab.answer("101")


async def _is_clicked(lab: Lab, daemon: Daemon) -> None:
    await daemon.as_("rep101").ask("POST", "/calls", 202, json={"number": CALLER})
    await lab.answer("101")
    await lab.answer(CALLER)


async def _is_dialled(lab: Lab, daemon: Daemon) -> None:
    await lab.dial_from("101", CALLER)
    await lab.answer(CALLER)


async def _comes_from_a_queue(lab: Lab, daemon: Daemon) -> None:
    await lab.call_in(CALLER, did="4952150005")
    await lab.answer("101")


every_call = pytest.mark.parametrize("begin", [_comes_in, _is_clicked, _is_dialled, _comes_from_a_queue])


async def _talk(lab: Lab, daemon: Daemon, begin: Begin) -> str:
    """101 talks with the caller; the call's id."""
    await begin(lab, daemon)
    await lab.talk("101", CALLER)
    call = await daemon.event("call.answered", number=f"+{CALLER}")
    return str(call["id"])


async def _order(daemon: Daemon, call_id: str, path: str, status: int = 202, **body: str) -> Any:
    return await daemon.as_("rep101").ask("POST", f"/calls/{call_id}/{path}", status, json=body or None)


async def _consults(daemon: Daemon, talking: bool) -> None:
    consult = {"extension": "101", "other": "103", "talking": talking}
    await daemon.event("call.changed", consult=consult)


@every_call
async def test_a_call_is_handed_over_at_once(lab: Lab, daemon: Daemon, begin: Begin) -> None:
    call_id = await _talk(lab, daemon, begin)
    await _order(daemon, call_id, "transfer", to="103", kind="blind")
    await lab.answer("103")
    await lab.talk("103", CALLER)
    await lab.hang_up("103")
    [ended] = await daemon.ended(1)
    assert (ended["answered_by"], ended["last_extension"]) == ("101", "103")


@every_call
async def test_the_colleague_is_asked_first_and_then_connected(lab: Lab, daemon: Daemon, begin: Begin) -> None:
    call_id = await _talk(lab, daemon, begin)
    await _order(daemon, call_id, "transfer", to="103", kind="attended")
    await _consults(daemon, talking=False)
    await lab.answer("103")
    await _consults(daemon, talking=True)
    await daemon.as_("rep103").ask("POST", f"/calls/{call_id}/transfer/complete", 404)
    await _order(daemon, call_id, "transfer/complete")
    await lab.talk("103", CALLER)
    await lab.gone("101")
    await lab.hang_up(CALLER)
    [ended] = await daemon.ended(1)
    assert (ended["answered_by"], ended["last_extension"], ended["consult"]) == ("101", "103", None)


@every_call
async def test_the_rep_goes_back_to_the_caller(lab: Lab, daemon: Daemon, begin: Begin) -> None:
    call_id = await _talk(lab, daemon, begin)
    await _order(daemon, call_id, "transfer", to="103", kind="attended")
    await lab.answer("103")
    await _consults(daemon, talking=True)
    daemon.forget()
    await _order(daemon, call_id, "transfer/cancel")
    await lab.talk("101", CALLER)
    await daemon.event("call.changed", consult=None)
    await lab.gone("103")
    answer = await _order(daemon, call_id, "transfer/cancel", 409)
    assert answer["detail"] == "nobody is being asked about this call any more"
    await _order(daemon, call_id, "hangup")
    [ended] = await daemon.ended(1)
    assert (ended["answered_by"], ended["last_extension"]) == ("101", "101")


async def test_the_rep_goes_back_while_it_still_rings_there(lab: Lab, daemon: Daemon) -> None:
    call_id = await _talk(lab, daemon, _comes_in)
    await _order(daemon, call_id, "transfer", to="103", kind="attended")
    await lab.rings("103")
    await _consults(daemon, talking=False)
    await _order(daemon, call_id, "transfer/cancel")
    await lab.talk("101", CALLER)
    await lab.gone("103")
    await lab.hang_up(CALLER)


async def test_the_caller_is_connected_while_it_still_rings_there(lab: Lab, daemon: Daemon) -> None:
    call_id = await _talk(lab, daemon, _comes_in)
    await _order(daemon, call_id, "transfer", to="103", kind="attended")
    await lab.rings("103")
    await _consults(daemon, talking=False)
    await _order(daemon, call_id, "transfer/complete")
    await lab.left("101")
    await lab.answer("103")
    await lab.talk("103", CALLER)
    await lab.hang_up(CALLER)
    [ended] = await daemon.ended(1)
    assert (ended["answered_by"], ended["last_extension"]) == ("101", "103")


async def test_a_transfer_to_what_the_dialplan_does_not_know_keeps_the_caller(lab: Lab, daemon: Daemon) -> None:
    call_id = await _talk(lab, daemon, _comes_in)
    for kind in ("blind", "attended"):
        answer = await _order(daemon, call_id, "transfer", 422, to="777", kind=kind)
        assert (answer["field"], answer["detail"]) == ("to", "the telephone system knows no such extension")
    await lab.talk("101", CALLER)
    await lab.hang_up(CALLER)


async def test_where_the_dialplan_allows_no_transfer_the_rep_is_told_so(
    lab: Lab, daemon: Daemon, no_features: None
) -> None:
    call_id = await _talk(lab, daemon, _comes_in)
    answer = await _order(daemon, call_id, "transfer", 409, to="103", kind="attended")
    assert "allow none on this call" in answer["detail"]
    await lab.talk("101", CALLER)
    await _order(daemon, call_id, "transfer", to="103", kind="blind")
    await lab.answer("103")
    await lab.talk("103", CALLER)
    await lab.hang_up(CALLER)


@pytest_asyncio.fixture(loop_scope="session")
async def no_features(lab: Lab) -> AsyncIterator[None]:
    """Calls are dialled without the options that allow transfers by keys."""
    file = lab.pbx.config("extensions.conf")
    kept = file.read_text()
    file.write_text(kept.replace(",tT)", ")"))
    await lab.pbx.client.action("Command", Command="dialplan reload")
    yield
    file.write_text(kept)
    await lab.pbx.client.action("Command", Command="dialplan reload")


async def test_a_supervisor_ends_any_call_and_hands_none_on(lab: Lab, daemon: Daemon) -> None:
    call_id = await _talk(lab, daemon, _comes_in)
    await daemon.as_("rep106").ask("POST", f"/calls/{call_id}/hangup", 404)
    order = {"to": "103"}
    await daemon.supervisor.ask("POST", f"/calls/{call_id}/transfer", 404, json=order)
    await daemon.supervisor.ask("POST", f"/calls/{call_id}/hangup", 202)
    await lab.quiet()
    [ended] = await daemon.ended(1)
    assert ended["answered_by"] == "101"


async def test_a_rep_who_hangs_up_leaves_a_conference_to_the_colleague(lab: Lab, daemon: Daemon) -> None:
    await lab.call_in(CALLER, did="4952150030")
    await lab.arrives(CALLER)
    for extension in ("101", "102"):
        await lab.dial_from(extension, "303")
        await lab.talk(extension, CALLER)
    call_id = str((await daemon.event("call.answered", last_extension="102"))["id"])
    await _order(daemon, call_id, "hangup")
    await lab.gone("101")
    await lab.talk("102", CALLER)
    await daemon.as_("rep102").ask("POST", f"/calls/{call_id}/hangup", 202)
    await lab.quiet()
    [ended] = await daemon.ended(1)
    assert (ended["answered_by"], ended["last_extension"]) == ("101", "102")
