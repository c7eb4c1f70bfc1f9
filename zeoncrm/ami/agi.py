"""Answers the dialplan's questions over FastAGI: whose a caller is, what the display shows, whether to hang up.

panoramisk's server reads a request without any bound, and spins when the PBX goes away in the middle of one. So a
request is read here, bounded in size and time, and handed to it whole. Whatever goes wrong, the connection ends and
the dialplan goes on without an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any, Protocol

import structlog
from panoramisk.fast_agi import Application

from zeoncrm.pipeline.pbx_desks import Trouble
from zeoncrm.pipeline.routing import Route

SCRIPT = "route"
MOST_CONNECTIONS = 100
MOST_BYTES = 16_384
SECONDS = 3.0

log = structlog.get_logger(__name__)


class Answers(Protocol):
    """Who knows of callers."""

    async def route(self, number: str, pbx: str = "") -> Route:
        """Where a call from this number is to go on this PBX."""


class AgiServer:
    """The FastAGI server: `agi://HOST:PORT/route`, or `/route/PBX` where there are several."""

    def __init__(
        self,
        router: Answers,
        pbxs: tuple[str, ...],
        *,
        networks: tuple[str, ...],
        seconds: float = SECONDS,
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        self._router = router
        self._networks = [ip_network(network) for network in networks]
        self._seconds = seconds
        self._most = most_connections
        self._scripts = {SCRIPT: "", **{f"{SCRIPT}/{pbx}": pbx for pbx in pbxs}}
        self._tasks: set[asyncio.Task[None]] = set()
        # What is said already: each kind of trouble once, until a question is answered again.
        self._said: set[str] = set()
        # The last since a question was answered.
        self.trouble: Trouble | None = None

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[str]:
        """Serve while the block lasts; `HOST:PORT` of the socket. Raises OSError when it can't be had."""
        application = Application(loop=asyncio.get_running_loop())
        for script in self._scripts:
            application.add_route(script, self._tell)

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(application, reader, writer), name="agi")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(connected, host, port, limit=MOST_BYTES)
        try:
            address = server.sockets[0].getsockname()
            log.info("answering the dialplan", address=f"{address[0]}:{address[1]}")
            yield f"{address[0]}:{address[1]}"
        finally:
            server.close()
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, application: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._refused(writer):
                return
            head = await self._head(reader)
            if head is not None:
                await application.handler(_Request(head, reader), writer)
        except OSError as error:
            self._say("a question of the dialplan broke off", reason=str(error))
        finally:
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _refused(self, writer: asyncio.StreamWriter) -> bool:
        """Whether nobody may ask from there, or too many ask at once."""
        peer = writer.get_extra_info("peername")
        address = ip_address(str(peer[0]).partition("%")[0]) if peer else None
        if address is None or not any(address in network for network in self._networks):
            self._say("a question from an address that is not in agi.networks", address=str(address))
            return True
        if len(self._tasks) > self._most:
            self._say("too many questions of the dialplan at once", most=self._most)
            return True
        return False

    async def _head(self, reader: asyncio.StreamReader) -> bytes | None:
        """The request up to its empty line, or None for what is no question of ours."""
        try:
            async with asyncio.timeout(self._seconds):
                head = await reader.readuntil(b"\n\n")
        except TimeoutError:
            self._say("a question of the dialplan does not end")
            return None
        except asyncio.LimitOverrunError:
            self._say("a question of the dialplan is too long")
            return None
        except asyncio.IncompleteReadError as error:
            if error.partial:
                self._say("a question of the dialplan breaks off")
            return None
        text = head.decode(errors="replace")
        # As panoramisk reads it.
        script = dict(line.split(": ", 1) for line in text.split("\n") if ": " in line).get("agi_network_script", "")
        if script not in self._scripts:
            self._say("the dialplan asks for something else than route", script=script[:80])
            return None
        return text.encode()

    async def _tell(self, request: Any) -> None:
        """Answer: as variables of the channel. `ZEON_OK` comes last, so that half an answer is none."""
        try:
            async with asyncio.timeout(self._seconds):
                headers = request.headers
                number = headers.get("agi_arg_1") or headers.get("agi_callerid") or ""
                pbx = self._scripts[headers["agi_network_script"]]
                for name, value in variables(await self._router.route(number, pbx)).items():
                    await request.send_command(f'SET VARIABLE {name} "{value}"')
            self._said.clear()
            self.trouble = None
        except TimeoutError:
            self._say("the dialplan does not take its answer")
        except (OSError, ValueError, AttributeError, TypeError) as error:
            # Nonsense in place of a result: panoramisk's parser lets whatever it stumbles over out.
            self._say("the dialplan's channel is gone, or says what can't be read", reason=str(error)[:200])

    def _say(self, words: str, **more: Any) -> None:
        self.trouble = Trouble(datetime.now(UTC), ": ".join([words, *map(str, more.values())]))
        if words not in self._said:
            self._said.add(words)
            log.warning(words, **more)


class _Request:
    """A request that has been read, as panoramisk reads one: the head in one piece, then the answers to commands."""

    def __init__(self, head: bytes, reader: asyncio.StreamReader) -> None:
        self._head = head
        self._reader = reader

    async def read(self, _most: int) -> bytes:
        """The head."""
        return self._head

    async def readline(self) -> bytes:
        """The next line; raises ConnectionResetError at the end, ValueError for one that is too long."""
        line = await self._reader.readline()
        if not line:
            raise ConnectionResetError("the channel was hung up")
        return line


def variables(route: Route) -> dict[str, str]:
    """The channel variables of an answer. Names and extensions have no sign that would need to be quoted."""
    return {
        "ZEON_EXTENSION": route.extension or "",
        "ZEON_NAME": route.name or "",
        "ZEON_VIP": str(int(route.vip)),
        "ZEON_BLOCKED": str(int(route.blocked)),
        "ZEON_OK": "OK",
    }
