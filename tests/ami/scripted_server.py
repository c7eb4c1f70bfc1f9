"""An AMI server on loopback that does as it is told: cuts at any byte, delays, hangs, resets and closes.

Its behaviour is given for each connection, the last one holding for all that follow. A test then talks through the
`Session` of a connection.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.patience import PATIENCE

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
FULLY_BOOTED = b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"

Action = dict[str, str]


@dataclass(frozen=True)
class Channel:
    """A line of the `Status` list."""

    name: str
    uniqueid: str
    linkedid: str = ""
    state: int = 6
    number: str = "101"
    bridge: str = ""

    def entry(self, action_id: str) -> bytes:
        return (
            f"Event: Status\r\nPrivilege: Call\r\nActionID: {action_id}\r\nChannel: {self.name}\r\n"
            f"ChannelState: {self.state}\r\nChannelStateDesc: Up\r\nCallerIDNum: {self.number}\r\n"
            f"CallerIDName: <unknown>\r\nConnectedLineNum: <unknown>\r\nConnectedLineName: <unknown>\r\n"
            f"Language: en\r\nAccountCode: \r\n"
            f"Context: from-internal\r\nExten: s\r\nPriority: 1\r\nUniqueid: {self.uniqueid}\r\n"
            f"Linkedid: {self.linkedid or self.uniqueid}\r\nType: PJSIP\r\nDNID: \r\nEffectiveConnectedLineNum: \r\n"
            f"EffectiveConnectedLineName: <unknown>\r\nTimeToHangup: 0\r\nBridgeID: {self.bridge}\r\n"
            f"Application: \r\nData: \r\nSeconds: 3\r\n\r\n"
        ).encode()


def newchannel(uniqueid: str, name: str = "PJSIP/101-00000001", caller: str = "<unknown>") -> bytes:
    return (
        f"Event: Newchannel\r\nPrivilege: call,all\r\nChannel: {name}\r\nChannelState: 0\r\n"
        f"ChannelStateDesc: Down\r\nCallerIDNum: 101\r\nCallerIDName: {caller}\r\nConnectedLineNum: <unknown>\r\n"
        f"ConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: from-internal\r\nExten: s\r\n"
        f"Priority: 1\r\nUniqueid: {uniqueid}\r\nLinkedid: {uniqueid}\r\n\r\n"
    ).encode()


def success(action: Action, message: str = "done", *more: str) -> bytes:
    lines = ["Response: Success", f"ActionID: {action.get('ActionID', '')}", *more, f"Message: {message}", "", ""]
    return "\r\n".join(lines).encode()


def refusal(action: Action, message: str) -> bytes:
    return f"Response: Error\r\nActionID: {action.get('ActionID', '')}\r\nMessage: {message}\r\n\r\n".encode()


def status_list(action: Action, channels: Sequence[Channel]) -> bytes:
    action_id = action["ActionID"]
    return (
        success(action, "Channel status will follow", "EventList: start")
        + b"".join(channel.entry(action_id) for channel in channels)
        + f"Event: StatusComplete\r\nActionID: {action_id}\r\nEventList: Complete\r\n"
        f"ListItems: {len(channels)}\r\nItems: {len(channels)}\r\n\r\n".encode()
    )


def device_list(action: Action, devices: Mapping[str, str]) -> bytes:
    action_id = action["ActionID"]
    entries = (
        f"Event: DeviceStateChange\r\nActionID: {action_id}\r\nDevice: {device}\r\nState: {state}\r\n\r\n"
        for device, state in devices.items()
    )
    end = f"Event: {action['Action']}Complete\r\nActionID: {action_id}\r\nEventList: Complete\r\n\r\n"
    return success(action, "will follow", "EventList: start") + "".join((*entries, end)).encode()


def commands_of(write: str) -> list[str]:
    """What ListCommands tells an account with these classes."""
    listed = ["Ping: Keepalive command.  (Priv: <none>)"]
    if write:
        listed.append("Hangup: Hangup channel.  (Priv: system,call,all)")
    by_class = {"call": "Redirect: Redirect (transfer) a call.", "originate": "Originate: Originate a call."}
    return listed + [f"{by_class[name]}  (Priv: {name},all)" for name in write.split(",") if name in by_class]


KEEP_ALIVE = "keep-alive"


@dataclass(frozen=True)
class Behaviour:
    """How the server treats one connection."""

    greeting: bytes = GREETING
    refuse_login: str | None = None
    boots: bool = True  # FullyBooted follows the login
    after_login: bytes = b""  # sent with the answer to the login
    refuse_status: str | None = None
    channels: Sequence[Channel] = ()
    write: str | None = None  # the classes that ListCommands tells of; None: it tells nothing
    variables: Mapping[str, str] | None = None  # what Getvar gives; None: nothing
    devices: Mapping[str, str] = field(default_factory=dict)  # what DeviceStateList tells; the other lists are empty
    clock_ahead: float | None = None  # seconds that Ping's timestamp is ahead of ours; None: it has none
    echoes: bool = False  # an Originate fails with an event
    unanswered: frozenset[str] = field(default_factory=frozenset)  # the test answers these actions, or nobody does
    chunk: int | None = None  # bytes that go out at a time
    close_after: int | None = None  # bytes sent until the connection is closed


class Session:
    """One connection, seen from the PBX."""

    def __init__(self, behaviour: Behaviour, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.behaviour = behaviour
        self.actions: list[Action] = []
        self.channels = list(behaviour.channels)
        self._reader = reader
        self._writer = writer
        self._unread: asyncio.Queue[Action] = asyncio.Queue()
        self._left = behaviour.close_after

    async def action(self, name: str) -> Action:
        """The next action of that name; others are passed over."""
        async with asyncio.timeout(PATIENCE):
            while (action := await self._unread.get())["Action"] != name:
                pass
        return action

    def names(self) -> list[str]:
        return [action["Action"] for action in self.actions]

    async def send(self, data: bytes) -> None:
        """Sends, in chunks if that is the behaviour; each goes out before the next."""
        if self._left is not None:
            data, whole = data[: self._left], len(data)
            self._left = max(0, self._left - whole)
        step = self.behaviour.chunk or len(data) or 1
        for start in range(0, len(data), step):
            self._writer.write(data[start : start + step])
            await self._writer.drain()
            if self.behaviour.chunk:
                await asyncio.sleep(0)
        if self._left == 0:
            self.close()

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        """Ends with RST, as a PBX does whose machine went away and came back."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def stop_reading(self) -> None:
        """Neither reads nor answers, and keeps the connection: a hung PBX, or a cable that was pulled."""
        transport = self._writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    async def serve(self) -> None:
        if self.behaviour.greeting:
            await self.send(self.behaviour.greeting)
        while action := await self._read_action():
            self.actions.append(action)
            self._unread.put_nowait(action)
            # A ping without an id keeps the link alive; one with an id asks something.
            name = action["Action"] if "ActionID" in action or action["Action"] != "Ping" else KEEP_ALIVE
            if name not in self.behaviour.unanswered:
                await self.send(self._answer(action))

    async def _read_action(self) -> Action:
        action: Action = {}
        while line := await self._reader.readline():
            name, found, value = line.decode().rstrip("\r\n").partition(": ")
            if not found:
                return action
            action[name] = f"{action[name]},{value}" if name in action else value
        return {}

    def _answer(self, action: Action) -> bytes:
        match action["Action"]:
            case "Login" if self.behaviour.refuse_login:
                return refusal(action, self.behaviour.refuse_login)
            case "Login":
                booted = FULLY_BOOTED if self.behaviour.boots else b""
                return success(action, "Authentication accepted") + booted + self.behaviour.after_login
            case "Ping" if self.behaviour.clock_ahead is not None:
                return success(action, "", "Ping: Pong", f"Timestamp: {time.time() + self.behaviour.clock_ahead:.6f}")
            case "Ping":
                return success(action, "", "Ping: Pong")
            case "Status" if self.behaviour.refuse_status:
                return refusal(action, self.behaviour.refuse_status)
            case "Status":
                return status_list(action, self.channels)
            case "ListCommands" if self.behaviour.write is not None:
                return success(action, "", *commands_of(self.behaviour.write))
            case "Getvar" if self.behaviour.variables is not None:
                return success(action, "", f"Value: {self.behaviour.variables.get(action['Variable'], '')}")
            case "DeviceStateList":
                return device_list(action, self.behaviour.devices)
            case "ExtensionStateList" | "QueueStatus" | "BridgeList":
                return device_list(action, {})
            case "Originate" if self.behaviour.echoes:
                failed = f"Event: OriginateResponse\r\nActionID: {action['ActionID']}\r\nResponse: Failure\r\nReason: 0"
                return success(action) + f"{failed}\r\n\r\n".encode()
            case _:
                return success(action)


class ScriptedServer:
    """Listens on a free port of loopback, or on `port`."""

    def __init__(self, *behaviours: Behaviour, port: int = 0) -> None:
        self.port = port
        self.sessions: list[Session] = []
        self._behaviours = behaviours or (Behaviour(),)
        self._accepted: asyncio.Queue[Session] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for session in self.sessions:
            session.close()
        await asyncio.gather(*self._tasks)

    async def session(self) -> Session:
        """The next connection that somebody makes."""
        async with asyncio.timeout(PATIENCE):
            return await self._accepted.get()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        behaviour = self._behaviours[min(len(self.sessions), len(self._behaviours) - 1)]
        session = Session(behaviour, reader, writer)
        self.sessions.append(session)
        self._accepted.put_nowait(session)
        try:
            await session.serve()
        except ConnectionError:
            pass  # the client went away first
        finally:
            self._tasks.discard(task)
            session.close()
