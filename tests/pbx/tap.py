"""Listens to what the PBX tells one of its AMI accounts."""

from __future__ import annotations

import asyncio
from typing import Self

from tests.patience import PATIENCE
from tests.pbx.lab import Lab


class Tap:
    """A logged-in AMI account of the PBX that keeps every byte it is sent."""

    def __init__(self, lab: Lab, username: str) -> None:
        self._lab = lab
        self._username = username
        self._data = bytearray()
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        reader, self._writer = await asyncio.open_connection(self._lab.pbx.host, self._lab.pbx.ami_port)
        self._task = asyncio.create_task(self._keep(reader))
        self.send("Login", "lab1", Username=self._username, Secret=self._lab.secret)
        await self.has(b"Status: Fully Booted\r\n\r\n")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._task

    def send(self, action: str, key: str, **headers: str) -> None:
        lines = [f"Action: {action}", f"ActionID: {key}", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def has(self, text: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in self._data:
                self._arrived.clear()
                await self._arrived.wait()

    async def recorded(self) -> bytes:
        """All that was sent until now. An answer may overtake events: those wait for the second ping."""
        for key in ("end1", "end2"):
            self.send("Ping", key)
            await self.has(f"ActionID: {key}\r\n".encode())
        messages = bytes(self._data).split(b"\r\n\r\n")
        return b"\r\n\r\n".join(m for m in messages if b"Ping: Pong" not in m)

    async def _keep(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(65536):
            self._data += chunk
            self._arrived.set()
