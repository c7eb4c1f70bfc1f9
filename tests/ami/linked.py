"""An `AmiConnection` that runs against a scripted server, with what it delivers and reports."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

from tests.patience import PATIENCE
from zeoncrm.ami.connection import AmiConnection, LinkState, LinkStatus, PbxAccount, Timings
from zeoncrm.ami.messages import ChannelSeen, Message, Snapshot

SECRET = "s3cret-Pässword"
# Waits that a test sits through are short; those that only guard against a hang are long.
FAST = Timings(
    boot_wait=0.03,
    snapshot_period=3600,
    ping_interval=60,
    ping_timeout=60,
    backoff_first=0.01,
    backoff_longest=0.02,
    refused_first=3600,
    refused_longest=3600,
)
# Soon, but not so soon that a busy machine is taken for a PBX that hangs.
HUNG_IS_FOUND = replace(FAST, ping_interval=0.3, ping_timeout=0.3)


class Linked:
    """What came out of the connection so far, and ways to wait for more."""

    def __init__(self, taking: Callable[[Message], Awaitable[None]] | None = None) -> None:
        self.connection: AmiConnection
        self.delivered: list[Message] = []
        self.statuses: list[LinkStatus] = []
        self.frames: list[tuple[bytes, datetime]] = []
        self._taking = taking
        self._news = asyncio.Condition()

    async def deliver(self, message: Message) -> None:
        if self._taking is not None:
            await self._taking(message)
        self.delivered.append(message)
        async with self._news:
            self._news.notify_all()

    def on_status(self, status: LinkStatus) -> None:
        self.statuses.append(status)
        asyncio.get_running_loop().create_task(self._notify())

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(happened)

    async def state(self, state: LinkState, times: int = 1) -> LinkStatus:
        """The status at the time the link was in that state for the nth time."""
        await self.until(lambda: len(self._in(state)) >= times)
        return self._in(state)[times - 1]

    async def seen(self, count: int) -> list[str]:
        """The first `count` deliveries as words."""
        await self.until(lambda: len(self.delivered) >= count)
        return self.words()[:count]

    def words(self) -> list[str]:
        return [word(message) for message in self.delivered]

    def _in(self, state: LinkState) -> list[LinkStatus]:
        return [status for status in self.statuses if status.state is state]


def word(message: Message) -> str:
    if isinstance(message, Snapshot):
        return "snapshot" + "".join(f" {status.channel.uniqueid}" for status in message.channels)
    if isinstance(message, ChannelSeen):
        return message.channel.uniqueid
    return type(message).__name__


@asynccontextmanager
async def linked(
    port: int,
    *,
    timings: Timings = FAST,
    taking: Callable[[Message], Awaitable[None]] | None = None,
    traced: bool = False,
    queue_limit: int = 10_000,
    calls_go_on: bool = False,
    host: str = "127.0.0.1",
    username: str = "zeoncrm",
    secret: str = SECRET,
) -> AsyncIterator[Linked]:
    """`taking` is awaited for each message before it counts as delivered; it may raise."""
    link = Linked(taking)
    link.connection = AmiConnection(
        PbxAccount("main", host, port, username, secret),
        link.deliver,
        on_status=link.on_status,
        on_frame=(lambda frame, at: link.frames.append((frame, at))) if traced else None,
        calls_go_on=lambda: calls_go_on,
        timings=timings,
        queue_limit=queue_limit,
    )
    task = asyncio.create_task(link.connection.run())
    try:
        yield link
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
