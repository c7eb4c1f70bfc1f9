"""What goes on at a PBX when it is attached for the first time is looked at by somebody who knows its phones."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.ami.linked import FAST
from tests.ami.scripted_server import Behaviour, Channel, ScriptedServer
from tests.patience import PATIENCE
from zeoncrm.ami.connection import PbxAccount, Timings
from zeoncrm.ami.pbx import Pbx
from zeoncrm.ami.telephone import Dialling
from zeoncrm.pipeline.call_events import CallEvent, CallStarted
from zeoncrm.pipeline.numbering import Numbering

PHONES = ("101", "150")
REGISTERING = {
    name: value
    for each in PHONES
    for name, value in ((f"PJSIP_ENDPOINT({each},aors)", each), (f"PJSIP_AOR({each},max_contacts)", "1"))
}
# 150 is nobody's, and its conversation with 101 has been going on.
TALKING = Behaviour(
    devices={f"PJSIP/{each}": "INUSE" for each in PHONES},
    variables=REGISTERING,
    channels=(
        Channel("PJSIP/150-00000001", "1.1", number="150", bridge="b"),
        Channel("PJSIP/101-00000002", "1.2", "1.1", number="101", bridge="b"),
        Channel("PJSIP/trunk-00000003", "1.3", number="79031112233"),
    ),
)
SILENT = frozenset({"DeviceStateList"})


async def started_at(server: ScriptedServer, timings: Timings = FAST) -> list[str | None]:
    """With whom calls go on, as far as a new process finds."""
    events: list[CallEvent] = []
    heard = asyncio.Event()

    async def record(event: CallEvent) -> None:
        events.append(event)
        if isinstance(event, CallStarted) and event.number == "+79031112233":  # the last that the PBX shows
            heard.set()

    account = PbxAccount("main", "127.0.0.1", server.port, "zeoncrm", "x")
    people = Numbering("RU", frozenset({"101"}))
    pbx = Pbx(account, Dialling(), people, record, on_status=lambda *_: None, timings=timings)
    running = asyncio.create_task(pbx.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await heard.wait()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return [event.number_raw for event in events if isinstance(event, CallStarted)]


async def test_a_talk_with_a_phone_that_is_nobodys_is_no_call_from_outside() -> None:
    async with ScriptedServer(TALKING) as server:
        assert await started_at(server) == ["79031112233"]


@pytest.mark.parametrize("silent", [SILENT, frozenset({"Getvar"})], ids=["no list", "no values"])
async def test_a_pbx_that_tells_of_no_phones_is_listened_to_all_the_same(silent: frozenset[str]) -> None:
    async with ScriptedServer(replace(TALKING, unanswered=silent)) as server:
        timings = replace(FAST, prepare_timeout=0.05, login_timeout=0.05)
        assert "79031112233" in await started_at(server, timings)


async def test_a_link_that_is_lost_meanwhile_is_made_anew() -> None:
    async with ScriptedServer(replace(TALKING, unanswered=SILENT), TALKING) as server:
        found = asyncio.create_task(started_at(server))
        first = await server.session()
        await first.action("DeviceStateList")
        first.close()
        assert await found == ["79031112233"]
