"""Asks the PBX in which file it records a channel: the event that a recording began does not say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from zeoncrm.ami.control import Control
from zeoncrm.ami.errors import AmiError
from zeoncrm.ami.messages import Message, RecordingBegan, RecordingNamed
from zeoncrm.ami.parsing import RECORDING_VARIABLE, file_name

# What is asked for beyond this is not: the snapshots tell of it, or the file is found by the call's id in its name.
MOST_WAITING = 1000


class RecordedFiles:
    """Questions of one PBX, one after the other, beside the events: their order does not wait for an answer."""

    def __init__(self, control: Control, tell: Callable[[Message], Awaitable[None]]) -> None:
        self._control = control
        self._tell = tell
        self._begun: asyncio.Queue[RecordingBegan] = asyncio.Queue(MOST_WAITING)

    def ask(self, begun: RecordingBegan) -> None:
        """Ask soon."""
        if not self._begun.full():
            self._begun.put_nowait(begun)

    async def run(self) -> None:
        """Ask and tell, until cancelled."""
        while True:
            channel = (await self._begun.get()).channel
            try:
                file = file_name(await self._control.variable(channel.name, RECORDING_VARIABLE))
            except AmiError:  # the channel or the link is gone, or the account may not write `call`
                continue
            if file is not None:
                await self._tell(RecordingNamed(datetime.now(UTC), channel.uniqueid, file))
