"""The dialplan asks the CRM, on a real PBX: config/extensions.conf as operators are given it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.pbx.daemon import Daemon
from tests.pbx.lab import Lab

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.leaks_allowed("a daemon that was started again has another live socket than before the test"),
    pytest.mark.parametrize("running_lab", ["22", "16"], indirect=True, scope="session"),
]
# The line of each of the dialplans that operators are given.
LINES = {"agi": "4952150060", "curl": "4952150061", "freepbx": "4952150062"}
by_each = pytest.mark.parametrize("line", LINES.values(), ids=LINES)


@pytest_asyncio.fixture(loop_scope="session")
async def asked(daemon: Daemon, lab: Lab) -> AsyncIterator[Daemon]:
    """The daemon, which the dialplan knows how to reach."""
    for name, value in {
        "LAB_AGI": f"agi://127.0.0.1:{daemon.agi_port}/route",
        "LAB_URL": f"{daemon.address}/api/v1/route",
        "LAB_TOKEN": daemon.token_of("sofia"),
    }.items():
        await lab.pbx.client.action("Setvar", Variable=name, Value=value)
    yield daemon


async def _contact(daemon: Daemon, number: str, name: str, owner: str) -> None:
    body = {"name": name, "phones": [{"number": number}], "owner": owner}
    await daemon.supervisor.ask("POST", "/contacts", 201, json=body)


async def _blocked(daemon: Daemon, number: str) -> None:
    """Settings are in force as soon as the daemon has read them again."""
    for _ in range(300):
        if (await daemon.supervisor.get("/route", number=number, format="json"))["blocked"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{number} is not blocked")


async def _name_at(lab: Lab, extension: str) -> str:
    """What the ringing phone shows."""
    # The PBX says that it rings before the world's own events have come here.
    [ringing] = await lab.world_view.until(lambda: lab.world_view.of(extension, "Ring"), f"a call at {extension}")
    answer = await lab.world.client.action("Getvar", Channel=ringing.name, Variable="CALLERID(name)")
    return answer["Value"]


@by_each
async def test_a_known_caller_rings_their_own_manager_by_name_and_a_stranger_the_queue(
    lab: Lab, asked: Daemon, line: str
) -> None:
    number = f"790344400{line[-2:]}"
    await _contact(asked, number, "Иван O'Brien", "rep106")
    await lab.call_in(number, did=line, name="carrier says")
    await lab.rings("106")
    assert await _name_at(lab, "106") == "Иван O'Brien"
    await lab.answer("106")
    await lab.talk("106", number)
    await lab.hang_up("106")
    [ended] = await asked.ended(1)
    assert (ended["answered_by"], ended["did"], ended["contact"]) == ("106", line, "Иван O'Brien")
    await lab.quiet()
    await lab.call_in("79034440099", did=line)
    await lab.rings("101")


@by_each
async def test_the_caller_of_a_manager_who_does_not_answer_goes_to_the_queue(
    lab: Lab, asked: Daemon, line: str
) -> None:
    number = f"790344401{line[-2:]}"
    await _contact(asked, number, "Impatient", "rep107")
    await lab.behave("107", "rejects")
    await lab.call_in(number, did=line)
    await lab.answer("101")
    await lab.talk("101", number)


@by_each
async def test_a_blocked_caller_is_hung_up(lab: Lab, asked: Daemon, line: str) -> None:
    number = f"790344402{line[-2:]}"
    row = await asked.supervisor.ask("POST", "/listed-numbers", 201, json={"number": number, "listing": "blocked"})
    try:
        await _blocked(asked, number)
        await lab.call_in(number, did=line)
        await lab.turned_away(number)
        [ended] = await asked.ended(1)
        assert (ended["screened"], ended["result"], ended["deal_id"]) == ("blocked", "missed", None)
        assert not ended["legs"]
    finally:
        await asked.supervisor.ask("DELETE", f"/listed-numbers/{row['id']}", 204)


@by_each
async def test_a_daemon_that_is_down_or_hangs_keeps_no_call(lab: Lab, asked: Daemon, line: str) -> None:
    number = f"790344403{line[-2:]}"
    await _contact(asked, number, "Waiting", "rep108")
    asked.hang()
    try:
        await lab.call_in(number, did=line)
        await lab.answer("101")
        await lab.talk("101", number)
    finally:
        asked.hang(False)
    await lab.hang_up(number)
    await lab.quiet()
    await asked.kill()
    try:
        await lab.call_in(number, did=line)
        await lab.answer("101")
        await lab.talk("101", number)
        await lab.hang_up(number)
        await lab.quiet()
    finally:
        await asked.start()


async def test_a_token_that_holds_no_longer_keeps_no_call(lab: Lab, asked: Daemon) -> None:
    number = "79034440461"
    await _contact(asked, number, "Known", "rep108")
    await lab.pbx.client.action("Setvar", Variable="LAB_TOKEN", Value="wrong")
    await lab.call_in(number, did=LINES["curl"])
    await lab.answer("101")
    await lab.talk("101", number)
