"""A PBX of which nothing but the account is known: its phones and its trunk are told apart, with the least rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from tests.ami.linked import FAST
from tests.pbx.lab import EXTENSIONS, Lab
from tests.pbx.roots import RELEASES
from tests.replayed import replayed
from zeoncrm.ami.connection import PbxAccount
from zeoncrm.ami.pbx import Dialling, Pbx
from zeoncrm.pipeline.call_events import CallEnded, CallEvent, Direction, LegAnswered
from zeoncrm.pipeline.endpoints import EndpointKind, EndpointSign
from zeoncrm.pipeline.numbering import Numbering

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", RELEASES, indirect=True),
]

CALLER = "79031112233"


class Attached:
    """The PBX, and the events of its calls."""

    def __init__(self, lab: Lab) -> None:
        account = PbxAccount("main", lab.pbx.host, lab.pbx.ami_port, "zeoncrm", lab.secret)
        self.events: list[CallEvent] = []
        self._news = asyncio.Condition()
        self.pbx = Pbx(
            account, Dialling(), Numbering("RU"), self._record, on_status=lambda name, status: None, timings=FAST
        )

    async def _record(self, event: CallEvent) -> None:
        async with self._news:
            self.events.append(event)
            self._news.notify_all()

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(15), self._news:
            await self._news.wait_for(happened)


@asynccontextmanager
async def attached(lab: Lab) -> AsyncIterator[Attached]:
    """Attached to the lab, of whose people nobody is known, once it has told of its endpoints."""
    result = Attached(lab)
    running = asyncio.create_task(result.pbx.run())
    try:
        async with asyncio.timeout(15):
            await result.pbx._endpoints.told.wait()
        yield result
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_phones_and_the_trunk_are_told_apart(lab: Lab) -> None:
    async with attached(lab) as it:
        found = {endpoint.device: endpoint for endpoint in it.pbx.endpoints}
        phones = {each.name for each in found.values() if each.kind is EndpointKind.PHONE}
        assert set(EXTENSIONS) <= phones
        assert {found[f"PJSIP/{each}"].sign for each in EXTENSIONS} == {EndpointSign.REGISTERS}
        trunk = found["PJSIP/trunk"]
        assert (trunk.kind, trunk.sign) == (EndpointKind.TRUNK, EndpointSign.FIXED_ADDRESS)


async def test_a_phone_that_is_nobodys_answers_as_an_extension(lab: Lab) -> None:
    async with attached(lab) as it:
        await lab.call_in(CALLER, did="4952150101")
        await lab.answer("101")
        await it.until(lambda: any(isinstance(event, LegAnswered) for event in it.events))
        await lab.hang_up(CALLER)
        await it.until(lambda: any(isinstance(event, CallEnded) for event in it.events))
        (call,) = replayed(it.events).values()
        assert (call.direction, call.number, call.answered_by) == (Direction.INBOUND, f"+{CALLER}", "101")


async def test_a_call_between_two_phones_that_are_nobodys_is_none_with_the_outside(lab: Lab) -> None:
    async with attached(lab) as it:
        await lab.dial_from("101", "102")
        await lab.answer("102")
        await lab.talk("101", "102")
        await lab.hang_up("101")
        await lab.quiet()
        await lab.call_in(CALLER, did="4952150103")
        await lab.rings("103")
        await lab.hang_up(CALLER)
        await it.until(lambda: any(isinstance(event, CallEnded) for event in it.events))
        assert [call.number for call in replayed(it.events).values()] == [f"+{CALLER}"]
