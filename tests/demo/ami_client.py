"""A bare AMI client: what it hears, and answers to what it asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

from tests.patience import PATIENCE
from zeoncrm.ami.framing import Framer
from zeoncrm.ami.headers import Headers, read_headers
from zeoncrm.ami.messages import Message
from zeoncrm.ami.parsing import parse
from zeoncrm.ami.recording import calls_in
from zeoncrm.demo.simulated_pbx import SECRET, USERNAME, SimulatedPbx
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering

NUMBERING = Numbering(region="RU", extensions=frozenset({"101", "102", "103"}))


class AmiClient:
    """Logged in unless told otherwise; `heard` are all events in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._framer = Framer()
        self._ids = count(1)
        self.answers: list[Headers] = []
        self.heard: list[Headers] = []
        self.messages: list[Message] = []

    @property
    def greeting(self) -> str | None:
        return self._framer.greeting

    async def ask(self, name: str, **headers: str) -> Headers:
        """The answer to an action."""
        action_id = f"test{next(self._ids)}"
        lines = {"Action": name, "ActionID": action_id, **headers}
        self._writer.write("".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode() + b"\r\n")
        await self.until(lambda: any(answer.get("ActionID") == action_id for answer in self.answers))
        return next(answer for answer in self.answers if answer.get("ActionID") == action_id)

    async def log_in(self) -> Headers:
        return await self.ask("Login", Username=USERNAME, Secret=SECRET, Events="on")

    async def status(self) -> list[Headers]:
        """The channels in progress."""
        seen = len(self.heard)
        await self.ask("Status")
        await self.until_event("StatusComplete", after=seen)
        return [event for event in self.heard[seen:] if event["Event"] == "Status"]

    async def until_event(self, name: str, *, after: int = 0, times: int = 1) -> Headers:
        """The event, when it has come so often."""

        def found() -> list[Headers]:
            return [event for event in self.heard[after:] if event["Event"] == name]

        await self.until(lambda: len(found()) >= times)
        return found()[times - 1]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Reads until it is so."""
        async with asyncio.timeout(PATIENCE):
            while not is_so():
                data = await self._reader.read(65536)
                assert data, "the server closed the connection"
                self._take(data)

    async def until_closed(self) -> None:
        """Reads what is left."""
        async with asyncio.timeout(PATIENCE):
            while data := await self._reader.read(65536):
                self._take(data)

    def calls(self) -> list[Call]:
        """The calls that come of what was heard."""
        return calls_in(self.messages, NUMBERING)

    def _take(self, data: bytes) -> None:
        for frame in self._framer.feed(data):
            headers = read_headers(frame)
            if "Event" not in headers:
                self.answers.append(headers)
                continue
            self.heard.append(headers)
            message = parse(frame, datetime.now(UTC))
            if message is not None:
                self.messages.append(message)


@asynccontextmanager
async def connected(pbx: SimulatedPbx, *, log_in: bool = True) -> AsyncIterator[AmiClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", pbx.port)
    client = AmiClient(reader, writer)
    try:
        if log_in:
            assert (await client.log_in())["Response"] == "Success"
        yield client
    finally:
        writer.close()
        await writer.wait_closed()


def values(events: Iterable[Headers], name: str) -> set[str]:
    """What this header holds in any of the events."""
    return {event[name] for event in events if name in event}
