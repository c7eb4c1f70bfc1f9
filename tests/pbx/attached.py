"""A `Pbx` in the test's own process, attached to the lab with the least rights; nobody's extensions are known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from tests.ami.linked import FAST
from tests.patience import PATIENCE
from tests.pbx.lab import Lab
from tests.replayed import replayed
from zeoncrm.ami.connection import PbxAccount
from zeoncrm.ami.pbx import Pbx
from zeoncrm.ami.telephone import Dialling
from zeoncrm.pipeline.call_events import CallEnded, CallEvent
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering


class Attached:
    """The PBX, and the events of its calls."""

    def __init__(self, lab: Lab) -> None:
        account = PbxAccount("main", lab.pbx.host, lab.pbx.ami_port, "zeoncrm", lab.secret)
        self.events: list[CallEvent] = []
        self._news = asyncio.Event()
        self.pbx = Pbx(account, Dialling(), Numbering("RU"), self._record, on_status=self._stir, timings=FAST)

    async def _record(self, event: CallEvent) -> None:
        self.events.append(event)
        self._stir()

    def _stir(self, *_: object) -> None:
        self._news.set()

    async def ended(self) -> Call:
        """The only call, once it is over."""
        await self.until(lambda: any(isinstance(event, CallEnded) for event in self.events))
        (call,) = replayed(self.events).values()
        return call

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not happened():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def attached(lab: Lab) -> AsyncIterator[Attached]:
    """Attached to the lab, of whose people nobody is known, once it is connected."""
    result = Attached(lab)
    running = asyncio.create_task(result.pbx.run())
    try:
        await result.until(lambda: result.pbx.is_up)
        yield result
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
