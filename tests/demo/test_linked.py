"""The simulated PBX, heard through the link that a real one gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from tests.demo.ami_client import NUMBERING
from tests.demo.test_simulated_pbx import call_of
from tests.patience import PATIENCE
from zeoncrm.ami.link import LinkState, LinkStatus, PbxAccount, Timings
from zeoncrm.ami.pbx import Pbx
from zeoncrm.ami.telephone import Dialling
from zeoncrm.demo.simulated_pbx import SECRET, USERNAME, SimulatedPbx
from zeoncrm.pipeline.call_events import CallEnded, CallEvent, CallResult, CallStarted, LegAnswered, LegRang, Source

E = TypeVar("E", bound=CallEvent)

CALL = "01JD0000000000000000000000"


@dataclass
class Heard:
    """The call events that a linked PBX gave, and a way to wait for one."""

    pbx: Pbx
    events: list[CallEvent] = field(default_factory=list)
    stirred: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, kind: type[E]) -> E:
        """The first event of a kind, when it has come."""
        async with asyncio.timeout(PATIENCE), self.stirred:
            await self.stirred.wait_for(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))


@asynccontextmanager
async def linked(
    simulated: SimulatedPbx, secret: str = SECRET
) -> AsyncIterator[tuple[Heard, asyncio.Queue[LinkStatus]]]:
    """A link that is running; the queue gets each change of its state."""
    states: asyncio.Queue[LinkStatus] = asyncio.Queue()

    async def record(event: CallEvent) -> None:
        async with heard.stirred:
            heard.events.append(event)
            heard.stirred.notify_all()

    account = PbxAccount("main", "127.0.0.1", simulated.port, USERNAME, secret)
    pbx = Pbx(
        account,
        Dialling(),
        NUMBERING,
        record,
        on_status=lambda _, status: states.put_nowait(status),
        timings=Timings(boot_wait=PATIENCE),
    )
    heard = Heard(pbx)
    running = asyncio.create_task(pbx.run())
    try:
        yield heard, states
    finally:
        running.cancel()
        await asyncio.wait([running])


async def is_in(states: asyncio.Queue[LinkStatus], state: LinkState) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await states.get()).state is not state:
            pass


async def test_the_link_comes_up(pbx: SimulatedPbx) -> None:
    async with linked(pbx) as (heard, states):
        await is_in(states, LinkState.UP)
        assert heard.pbx.status.reason is None


async def test_a_wrong_secret_is_told_from_a_pbx_that_is_away(pbx: SimulatedPbx) -> None:
    async with linked(pbx, "guess") as (_, states):
        await is_in(states, LinkState.AUTH_FAILED)


async def test_a_call_in_progress_is_found(pbx: SimulatedPbx) -> None:
    pbx.start(call_of(pbx, "direct_answered", stop_at=2))
    async with linked(pbx) as (heard, states):
        await is_in(states, LinkState.UP)
        started = await heard.until(CallStarted)
        assert (started.number, started.source) == ("+79031119999", Source.RECOVERED)
        assert (await heard.until(LegAnswered)).extension == "101"


async def test_a_click_to_call_is_put_through(pbx: SimulatedPbx) -> None:
    async with linked(pbx) as (heard, states):
        await is_in(states, LinkState.UP)
        await heard.pbx.telephone.call(CALL, extension="102", number="+79031234567", at=datetime.now(UTC))
        ended = await heard.until(CallEnded)
        assert (ended.call_id, ended.result) == (CALL, CallResult.ANSWERED)
        assert not any(isinstance(event, CallStarted) for event in heard.events)


async def test_a_call_is_hung_up(pbx: SimulatedPbx) -> None:
    async with linked(pbx) as (heard, states):
        await is_in(states, LinkState.UP)
        pbx.start(call_of(pbx, "ring_group", stop_at=1))
        rang = await heard.until(LegRang)
        await heard.pbx.telephone.hang_up(rang.call_id, None)
        assert (await heard.until(CallEnded)).result is CallResult.MISSED


async def test_a_call_is_handed_on(pbx: SimulatedPbx) -> None:
    async with linked(pbx) as (heard, states):
        await is_in(states, LinkState.UP)
        pbx.start(call_of(pbx, "direct_answered", stop_at=2))
        answered = await heard.until(LegAnswered)
        await heard.pbx.telephone.transfer(answered.call_id, "101", "103", attended=False)
        await heard.until(CallEnded)
        assert [event.extension for event in heard.events if isinstance(event, LegAnswered)] == ["101", "103"]
