"""The server side of AMI: log-in, answers, and events for everybody who is logged in."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterable
from typing import Any, cast

from zeoncrm.ami.framing import Framer
from zeoncrm.ami.headers import Headers, read_headers
from zeoncrm.demo.in_progress import frame

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
# A client that does not read is dropped, as Asterisk drops it.
MOST_UNREAD = 16 << 20

# Answers an action of somebody who is logged in.
Act = Callable[[Headers], Iterable[bytes]]


class AmiServer:
    """Listens on loopback. `act` answers what has to do with calls; the rest is answered here."""

    def __init__(self, username: str, secret: str, act: Act, joined: Callable[[], None]) -> None:
        self.username = username
        self.secret = secret
        self.act = act
        self.joined = joined
        self.sessions: set[Session] = set()
        self._server: asyncio.Server | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self, host: str, port: int) -> int:
        """Listen; gives the port, a free one for 0."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Session(self), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more and close every connection."""
        if self._server is None:
            return
        self._server.close()
        for session in tuple(self.sessions):
            session.close()
        await self._server.wait_closed()
        await self._idle.wait()

    def enter(self, session: Session) -> None:
        """Somebody connected."""
        self.sessions.add(session)
        self._idle.clear()

    def leave(self, session: Session) -> None:
        """A connection has ended."""
        self.sessions.discard(session)
        if not self.sessions:
            self._idle.set()

    def send(self, event: bytes) -> None:
        """Tell everybody who is logged in."""
        for session in self.sessions:
            if session.hears:
                session.write(event)


class Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: AmiServer) -> None:
        self._server = server
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._logged_in = False
        self.hears = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.enter(self)
        self.write(GREETING)

    def data_received(self, data: bytes) -> None:
        for action in self._framer.feed(data):
            self._take(read_headers(action))

    def connection_lost(self, exc: Exception | None) -> None:
        self.hears = False
        self._server.leave(self)

    def write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MOST_UNREAD:
            self._transport.abort()

    def close(self) -> None:
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()  # it does not read: it would never be closed
        else:
            self._transport.close()

    def _take(self, action: Headers) -> None:
        name = action.get("Action", "").lower()
        if name == "login":
            self._log_in(action)
        elif not self._logged_in:
            self.write(refused(action, "Permission denied"))
        elif name == "logoff":
            self.write(answered(action, "Thanks for all the fish.", response="Goodbye"))
            self.close()
        elif name == "events":
            self.hears = action.get("EventMask", "on").lower() not in ("off", "no", "false")
            self.write(answered(action, None, Events="On" if self.hears else "Off"))
        elif name == "ping":
            self.write(answered(action, None, Ping="Pong"))
        else:
            for answer in self._server.act(action):
                self.write(answer)

    def _log_in(self, action: Headers) -> None:
        right = action.get("Username") == self._server.username
        given = action.get("Secret", "").encode()
        if not (hmac.compare_digest(given, self._server.secret.encode()) and right):
            self.write(refused(action, "Authentication failed"))
            self.close()
            return
        self._logged_in = True
        self.hears = action.get("Events", "on").lower() not in ("off", "no", "false")
        self.write(answered(action, "Authentication accepted"))
        self.write(frame(("Event", "FullyBooted"), ("Privilege", "system,all"), ("Status", "Fully Booted")))
        self._server.joined()


def answered(action: Headers, message: str | None, *, response: str = "Success", **more: str) -> bytes:
    """The answer to an action."""
    headers: dict[str, Any] = {"Response": response, "ActionID": action.get("ActionID"), "Message": message, **more}
    return frame(*((name, value) for name, value in headers.items() if value))


def refused(action: Headers, message: str) -> bytes:
    """The answer to an action that is not carried out."""
    return answered(action, message, response="Error")
