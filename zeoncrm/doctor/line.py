"""Doctor's own log-in at a PBX: it asks, and hears events, beside whatever the daemon does there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from zeoncrm.ami.actions import ActionHeaders, Reply
from zeoncrm.ami.errors import LinkLost, OutcomeUnknown
from zeoncrm.ami.headers import Fields
from zeoncrm.ami.link import PbxAccount
from zeoncrm.ami.stranger import LOOKED_AT, stranger
from zeoncrm.ami.wire import Wire

# Seconds. Some Asterisk versions hold events back until the next action: hence the pings.
CONNECT, ANSWER, LISTING, PING = 5.0, 5.0, 15.0, 1.0
_PROVOKED = 3.0
# OpenSSL closes at a web browser's words without its own; a broken greeting of TLS it answers with an alert.
_OPENINGS = (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x00\x05hello")


class Line:
    """One connection to the manager of a PBX. A question that gets no answer ends it: nothing is waited for twice."""

    def __init__(self) -> None:
        self._wire = Wire(self._hear, lambda: datetime.now(UTC))
        self._events: asyncio.Queue[Fields] = asyncio.Queue()
        self.booted = False

    async def open(self, host: str, port: int) -> str:
        """Connect; gives what the manager calls itself. Raises LinkLost."""
        await self._wire.open(host, port, CONNECT)
        return await self._wire.greeting(CONNECT)

    async def log_in(self, account: PbxAccount) -> None:
        """Raises ActionRefused as Asterisk says it, OutcomeUnknown."""
        login = {"Username": account.username, "Secret": account.secret, "Events": "on"}
        await self.action({"Action": "Login", **login})
        self._wire.keep_alive(PING, ANSWER)

    @property
    def address(self) -> str:
        """From which the PBX sees us, unless it is translated on the way."""
        return str(self._wire.transport.get_extra_info("sockname")[0]) if self._wire.transport else "?"

    async def action(self, headers: ActionHeaders, *, timeout: float | None = None) -> Reply:
        """As of an `AmiConnection`."""
        return await self._asked(headers, timeout or ANSWER, None)

    async def listing(self, headers: ActionHeaders, *, timeout: float | None = None) -> list[bytes]:
        """As of an `AmiConnection`."""
        entries: list[bytes] = []
        await self._asked(headers, timeout or LISTING, entries.extend)
        return entries

    async def heard(self, wanted: Callable[[Fields], bool], timeout: float) -> Fields | None:
        """The next event that is wanted; others are passed over. None when it does not come in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while True:
                    event = await self._events.get()
                    if wanted(event):
                        return event
        return None

    def must_stand(self) -> None:
        """Raises LinkLost when the connection has ended."""
        if self._wire.lost is not None:
            raise LinkLost(self._wire.lost)

    def close(self) -> None:
        """End it."""
        self._wire.abort("done")

    async def _asked(
        self, headers: ActionHeaders, timeout: float, on_list: Callable[[list[bytes]], None] | None
    ) -> Reply:
        try:
            return await self._wire.request(headers, timeout=timeout, on_list=on_list)
        except OutcomeUnknown as error:
            self._wire.abort(str(error))
            raise

    def _hear(self, frame: bytes, at: datetime) -> None:
        fields = Fields(frame)
        if fields.get("Event") == "FullyBooted":
            self.booted = True
        self._events.put_nowait(fields)


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    """A line that is closed when the block ends."""
    line = Line()
    try:
        yield line
    finally:
        line.close()


async def who_answers(host: str, port: int) -> str | None:
    """Who is silent until it is spoken to: a web server or TLS; None when nothing makes it speak."""
    for opening in _OPENINGS:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PROVOKED):
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    writer.write(opening)
                    if speaker := stranger(await reader.read(LOOKED_AT)):
                        return speaker
                finally:
                    writer.close()
    return None
