"""One TCP connection to a PBX: panoramisk's protocol with its faults mended.

panoramisk writes the actions and finds the action that an answer belongs to. Its Manager is left out on purpose:
it reconnects by itself without end, replays actions on the next connection and repeats a refused login every
two seconds. Here a connection lives once; `connection.py` decides what follows.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from panoramisk.ami_protocol import AMIProtocol

from zeoncrm.ami.actions import ActionHeaders, Reply, Request, check_headers, read_message
from zeoncrm.ami.errors import LinkLost, NotConnected, OutcomeUnknown
from zeoncrm.ami.framing import Framer
from zeoncrm.ami.stranger import LOOKED_AT, stranger

# After `Shutdown` the PBX closes the connection itself; it is given so many seconds to tell what it still has.
_SHUTDOWN_GRACE = 1.0
_SHUT_DOWN = "the PBX was shut down"


class Wire(AMIProtocol):  # type: ignore[misc]
    """A connection from its first to its last byte; it never comes back. `lost` says why it ended, once it has.

    `receive` gets each event that answers no list of ours, in order, with the UTC time of its arrival; `trace` gets
    every message. Neither may raise.
    """

    encoding = "utf-8"

    def __init__(
        self,
        receive: Callable[[bytes, datetime], None],
        clock: Callable[[], datetime],
        trace: Callable[[bytes, datetime], None] | None = None,
    ) -> None:
        self.framer = Framer()
        self.lost: str | None = None
        self.paused = False
        self.transport: asyncio.Transport | None = None
        self.responses: dict[str, Request] = {}
        self._receive = receive
        self._clock = clock
        self._trace = trace
        self._lists: set[bytes] = set()
        self._first = b""
        self._greeted = asyncio.Event()
        self._stirred = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0
        self._shut_down = False

    # What asyncio calls

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._heard = asyncio.get_running_loop().time()
        if self.lost is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._heard = asyncio.get_running_loop().time()
        at = self._clock()
        frames = self.framer.feed(data)
        if not self._greeted.is_set():
            self._look_at(data)
        for frame in frames:
            self._take(frame, at)

    def connection_lost(self, exc: Exception | None) -> None:
        closed = _SHUT_DOWN if self._shut_down else "closed by the PBX"
        self._end(f"connection lost: {_cause(exc)}" if exc else closed)

    # What the connection's owner calls

    async def open(self, host: str, port: int, timeout: float) -> None:
        """Raises `LinkLost` when there is no connection within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        except TimeoutError:
            raise LinkLost(f"no connection to {host}:{port} within {timeout:g} s") from None
        except (OSError, UnicodeError) as error:
            raise LinkLost(f"no connection to {host}:{port}: {_cause(error)}") from error

    async def greeting(self, timeout: float) -> str:
        """The line that AMI begins with. Raises `LinkLost` for whatever is none, before it is shown a secret."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._greeted.wait()
        if self.framer.greeting is not None:
            return self.framer.greeting
        if speaker := stranger(self._first):
            raise LinkLost(f"no AMI answers there, but {speaker}")
        raise LinkLost(self.lost or f"no AMI answers there, or it hangs: nothing came for {timeout:g} s")

    async def request(
        self, headers: ActionHeaders, *, timeout: float, on_list: Callable[[list[bytes]], None] | None = None
    ) -> Reply:
        """Sends an action once and waits for its answer, or for the end of the list that it asks for.

        Raises `BadHeader` and `NotConnected` when nothing was sent, `ActionRefused` for an answer that is an error,
        `OutcomeUnknown` when the link is lost first, the answer does not come within `timeout` seconds, or it is a list
        without end.
        """
        check_headers(headers)
        if self.lost is not None or self.transport is None:
            raise NotConnected(self.lost or "not connected")
        request = Request(headers, on_list)
        list_id = request.id.encode()
        if on_list is not None:
            self._lists.add(list_id)
        self.send(request)
        try:
            async with asyncio.timeout(timeout):
                reply: Reply = await request.future
                return reply
        except TimeoutError:
            raise OutcomeUnknown(f"no answer to {request['Action']} within {timeout:g} s") from None
        except OutcomeUnknown as error:
            self.abort(str(error))  # what does not end would go on to be read
            raise
        finally:
            self.responses.pop(request.id, None)
            self._lists.discard(list_id)

    async def action(self, headers: ActionHeaders, *, timeout: float = 5) -> Reply:
        """The answer to an action. Raises as `request` does."""
        return await self.request(headers, timeout=timeout)

    async def listing(self, headers: ActionHeaders, *, timeout: float = 15) -> list[bytes]:
        """The entries of the list that an action is answered with, undecoded. Raises as `request` does."""
        entries: list[bytes] = []
        await self.request(headers, timeout=timeout, on_list=entries.extend)
        return entries

    @property
    def silence(self) -> float:
        """Seconds since the last byte."""
        return asyncio.get_running_loop().time() - self._heard

    async def idle(self, seconds: float) -> bool:
        """Waits; returns early, with True, when the PBX reports that it has just booted.

        Raises `LinkLost` as soon as it is.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            pass
        stirred = self._stirred.is_set()
        self._stirred.clear()
        if self.lost is not None:
            raise LinkLost(self.lost)
        return stirred

    def keep_alive(self, interval: float, timeout: float) -> None:
        """Pings every `interval` seconds; ends the connection `interval + timeout` seconds after the last byte.

        It pings although other bytes arrive: some Asterisk versions hold events back until the next action.
        """
        loop = asyncio.get_running_loop()
        limit = interval + timeout
        next_ping = loop.time()

        def tick() -> None:
            nonlocal next_ping
            now = loop.time()
            if self.paused:
                self._heard = now  # the silence is ours
            if now - self._heard >= limit:
                self.abort(f"hung: silent for {limit:g} s")
                return
            if now >= next_ping:
                next_ping = now + interval
                self._ping()
            self._timer = loop.call_at(min(next_ping, self._heard + limit), tick)

        tick()

    def pause(self) -> None:
        """Stops reading: TCP holds up the PBX."""
        if not self.paused and self.transport is not None:
            self.paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.paused and self.transport is not None:
            self.paused = False
            self._heard = asyncio.get_running_loop().time()
            self.transport.resume_reading()

    def abort(self, reason: str) -> None:
        """Ends the connection now, without waiting for a PBX that may never read again."""
        self._end(reason)

    # Inside

    def _look_at(self, data: bytes) -> None:
        self._first += data[: LOOKED_AT - len(self._first)]
        if b"\n" in self._first or len(self._first) == LOOKED_AT:
            self._greeted.set()

    def _take(self, frame: bytes, at: datetime) -> None:
        if self._trace is not None:
            self._trace(frame, at)
        if frame.startswith(b"Event: "):
            if self._lists and _action_id(frame) in self._lists:
                self._take_answer(frame)
                return
            if frame.startswith((b"Event: FullyBooted", b"Event: Shutdown")):
                self._take_life_sign(frame)
            self._receive(frame, at)
        elif frame.startswith(b"Response: "):
            self._take_answer(frame)

    def _take_answer(self, frame: bytes) -> None:
        message = read_message(frame)
        if message.id in self.responses:  # else: of a ping, or of an action that was given up
            self.handle_message(message)

    def _take_life_sign(self, frame: bytes) -> None:
        if frame.startswith(b"Event: FullyBooted"):
            self._stirred.set()
            return
        if self._timer is not None:
            self._timer.cancel()
        self._shut_down = True
        self._timer = asyncio.get_running_loop().call_later(_SHUTDOWN_GRACE, self.abort, _SHUT_DOWN)

    def _ping(self) -> None:
        """Any byte is answer enough, so that none is waited for."""
        if self.transport is not None:
            self.transport.write(b"Action: Ping\r\n\r\n")

    def _end(self, reason: str) -> None:
        if self.lost is None:
            self.lost = reason
            self._stirred.set()
            self._greeted.set()
            for request in self.responses.values():
                if not request.future.done():
                    request.future.set_exception(OutcomeUnknown(f"no answer to {request['Action']}: {reason}"))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.transport is not None:
            self.transport.abort()

    close = abort


def _cause(error: Exception) -> str:
    """The system's words, without the addresses and numbers that asyncio wraps around them."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number is not None and number > 0 else str(error)


def _action_id(frame: bytes) -> bytes:
    _, _, rest = frame.partition(b"\nActionID: ")
    return rest.partition(b"\n")[0].rstrip(b"\r")
