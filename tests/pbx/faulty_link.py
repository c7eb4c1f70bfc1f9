"""The network between the daemon and the PBX, with every fault that a network has."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Self

CHUNK = 65536


@dataclass(frozen=True)
class Quality:
    """What the network does to each piece: seconds late, bytes a second, bytes in a piece."""

    delay: float = 0.0
    rate: float | None = None
    piece: int = CHUNK


@dataclass
class _Connection:
    """One connection of the daemon with its other half, to the PBX."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    lost: bool = False
    cut: bool = False

    def abort(self) -> None:
        for writer in (self.near, self.far):
            writer.transport.abort()


class FaultyLink:
    """A relay to `host:port` on a `port` of its own. Whatever is done to it lasts until `heal()`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: list[_Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.quality = Quality()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def hang(self) -> None:
        """Nothing passes; what is sent meanwhile arrives afterwards, if the connection is still there."""
        self._flowing.clear()

    def lose(self) -> None:
        """A pulled cable: what is sent over the present connections arrives nowhere, and neither end is told."""
        for connection in self._connections:
            connection.lost = True

    def reset(self) -> None:
        """The present connections are torn down with a RST."""
        for connection in self._connections:
            raw = connection.near.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.abort()

    def truncate(self) -> None:
        """The present connections end in the middle of the PBX's next message."""
        for connection in self._connections:
            connection.cut = True

    def heal(self) -> None:
        """As it should be."""
        self.quality = Quality()
        self._flowing.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._flowing.wait()
            from_pbx, to_pbx = await asyncio.open_connection(*self._target)
        except OSError:  # the PBX is away: so is this connection
            writer.transport.abort()
            return
        connection = _Connection(writer, to_pbx)
        self._connections.append(connection)
        ways = [
            asyncio.create_task(self._pass(connection, reader, to_pbx)),
            asyncio.create_task(self._pass(connection, from_pbx, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._connections.remove(connection)
            connection.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(self.quality.piece):
                await self._flowing.wait()
                await asyncio.sleep(self.quality.delay + len(data) / (self.quality.rate or float("inf")))
                if connection.cut and writer is connection.near:
                    writer.write(data[: max(1, len(data) // 2)])
                    await writer.drain()
                    return
                if not connection.lost:
                    writer.write(data)
                    await writer.drain()
