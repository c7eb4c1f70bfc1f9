"""A small AMI client for the tests, independent of the code under test."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable

from tests.patience import PATIENCE

Message = dict[str, str]
Listener = Callable[[Message], None]


class AmiClient:
    """One logged-in AMI connection: actions with their answers, events to listeners in the order of arrival."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._listeners: list[Listener] = []
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, host: str, port: int, username: str, secret: str, listener: Listener) -> AmiClient:
        """Log in; the listener sees every event from the first. Raises OSError while nobody listens there."""
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
        await reader.readline()
        client = cls(reader, writer)
        client.listen(listener)
        await client.action("Login", Username=username, Secret=secret)
        return client

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def action(self, name: str, *variables: str, **headers: str) -> Message:
        """Do it and return the answer. Raises RuntimeError when Asterisk answers Error."""
        key = f"test-{next(self._ids)}"
        answer = self._answers[key] = asyncio.get_running_loop().create_future()
        lines = [f"Action: {name}", f"ActionID: {key}", *(f"{k}: {v}" for k, v in headers.items())]
        lines += [f"Variable: {variable}" for variable in variables]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        async with asyncio.timeout(PATIENCE):
            result: Message = await answer
        if result["Response"] == "Error":
            raise RuntimeError(f"{name} {headers}: {result.get('Message')}")
        return result

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        while True:
            try:
                raw = await self._reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, OSError):
                return
            message = parse(raw)
            if "Event" in message:
                for listener in self._listeners:
                    listener(message)
            elif (answer := self._answers.pop(message.get("ActionID", ""), None)) and not answer.done():
                answer.set_result(message)


def parse(raw: bytes) -> Message:
    """Headers of one message; of a repeated header the first counts, but all lines of a command's output."""
    message: Message = {}
    for line in raw.decode(errors="replace").split("\r\n"):
        key, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "Output" and key in message:
            message[key] += f"\n{value}"
        elif colon:
            message.setdefault(key, value)
    return message
