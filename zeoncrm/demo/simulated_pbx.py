"""A PBX without telephones: it speaks AMI over TCP, plays recorded calls, and does what it is asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random

from zeoncrm.ami.headers import Headers, read_headers
from zeoncrm.demo.ami_server import AmiServer, answered, refused
from zeoncrm.demo.in_progress import Channel, InProgress, frame, listed
from zeoncrm.demo.played import Call, Maker
from zeoncrm.demo.recorded import Serials
from zeoncrm.demo.tasks import Tasks

USERNAME, SECRET = "zeoncrm", "demo"  # it listens on loopback and has no telephones

# A phone that is nobody's yet, and the line to the outside.
SPARE_PHONE, CARRIER = "110", "trunk"
# The queue of the recordings: everybody takes its calls.
QUEUE = "sales"
_FAILED = "0"


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class SimulatedPbx:
    """Plays calls at the phones of some people (`names`: by extension).

    `pace` stretches all pauses: 1 is as people are, 0 leaves none. `joined` is set once a client has logged in,
    `changed` whenever a call has ended.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        *,
        pace: float = 1.0,
        random: Random | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.names = names
        self.pace = pace
        self.random = random or Random()  # noqa: S311 - nothing secret
        self.maker = Maker(names, Serials(self.random), self.random)
        self.in_progress = InProgress()
        self.calls: set[Call] = set()
        self.port = 0
        self.joined = asyncio.Event()
        self.changed = asyncio.Event()
        self._clock = clock
        self._server = AmiServer(USERNAME, SECRET, self._act, self.joined.set)
        self._tasks = Tasks()

    @asynccontextmanager
    async def running(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[SimulatedPbx]:
        """Serve; calls in progress are dropped when the block ends."""
        self.port = await self._server.start(host, port)
        try:
            yield self
        finally:
            await self._tasks.stop()
            await self._server.stop()

    def start(self, call: Call) -> asyncio.Task[None]:
        """Play a call, beside others."""
        self.calls.add(call)
        return self._tasks.start(self._play(call))

    @property
    def now(self) -> datetime:
        return self._clock()

    @property
    def taken(self) -> frozenset[str]:
        """The extensions whose people have something to do with a call."""
        return self.in_progress.devices().union(*(call.acting for call in self.calls))

    async def _play(self, call: Call) -> None:
        while call.steps:
            wait, event = call.steps[0]
            if wait and not await call.pause(wait * self.pace):
                continue
            call.steps.popleft()
            self._send(event)
        for event in self.in_progress.ending(call.uniqueids):
            self._send(event)
        self.calls.discard(call)
        self.changed.set()

    def _send(self, event: bytes) -> None:
        self.in_progress.apply(read_headers(event), self.now)
        self._server.send(event)

    # What clients ask for

    def _act(self, action: Headers) -> Iterable[bytes]:
        act = _ACTIONS.get(action.get("Action", "").lower())
        return act(self, action) if act else [refused(action, "Invalid/unknown command")]

    def _status(self, action: Headers) -> Iterable[bytes]:
        return self.in_progress.status(action.get("ActionID", ""), self.now)

    def _phones(self, action: Headers) -> Iterable[bytes]:
        """Every phone is there; which of them ring or talk, the calls tell."""
        key = action.get("ActionID", "")
        entries = [
            frame(
                ("Event", "DeviceStateChange"), ("ActionID", key), ("Device", f"PJSIP/{name}"), ("State", "NOT_INUSE")
            )
            for name in (*self.names, SPARE_PHONE, CARRIER)
        ]
        return listed("DeviceStateList", key, entries)

    def _commands(self, action: Headers) -> Iterable[bytes]:
        return [answered(action, None, Redirect="(Priv: call,all)", Originate="(Priv: originate,all)")]

    def _variable(self, action: Headers) -> Iterable[bytes]:
        """What the functions of the dialplan tell of the account and of its phones."""
        variable = action.get("Variable", "")
        return [answered(action, None, Variable=variable, Value=_VALUES.get(variable, ""))]

    def _queues(self, action: Headers) -> Iterable[bytes]:
        key = action.get("ActionID", "")
        members = [
            frame(
                ("Event", "QueueMember"), ("ActionID", key), ("Queue", QUEUE), ("Name", name),
                ("Location", f"PJSIP/{extension}"), ("Paused", "0"),
            )
            for extension, name in self.names.items()
        ]  # fmt: skip
        return self.in_progress.queues(key, self.now, members)

    def _settings(self, action: Headers) -> Iterable[bytes]:
        return [answered(action, None, AMIversion="11.0.0", AsteriskVersion="22.10.0", SystemName="zeoncrm demo")]

    def _originate(self, action: Headers) -> Iterable[bytes]:
        extension, number = action.get("Channel", "").rpartition("/")[2], action.get("Exten", "")
        if not number or action.get("Async", "").lower() not in ("true", "yes", "1", "on"):
            return [refused(action, "The demo takes asynchronous calls to an extension alone")]
        queued = answered(action, "Originate successfully queued")
        action_id, channel_id = action.get("ActionID", ""), action.get("ChannelId", "")
        if extension not in self.names:
            return [queued, _failed(action)]
        self.start(self.maker.click_to_call(extension, number, channel_id, action_id, self.now))
        return [queued]

    def _hang_up(self, action: Headers) -> Iterable[bytes]:
        """Whoever hangs up ends the call."""
        channel = self.in_progress.named(action.get("Channel", ""))
        call = self._call_of(channel)
        if call is None:
            return [refused(action, "No such channel")]
        call.go_on_with([])
        return [answered(action, "Channel Hungup")]

    def _redirect(self, action: Headers) -> Iterable[bytes]:
        """Sends the outside party on."""
        outside = self.in_progress.named(action.get("Channel", ""))
        own = self._other_side(outside)
        return self._transfer(action, outside, own, "Redirect successful")

    def _consult(self, action: Headers) -> Iterable[bytes]:
        """The colleague takes over as soon as they answer: nobody is there to announce the call to them."""
        own = self.in_progress.named(action.get("Channel", ""))
        outside = self._other_side(own)
        return self._transfer(action, outside, own, "Atxfer successfully queued")

    def _transfer(self, action: Headers, outside: Channel | None, own: Channel | None, message: str) -> Iterable[bytes]:
        call, to = self._call_of(outside), action.get("Exten", "")
        if call is None or outside is None or own is None or own.device not in self.names:
            return [refused(action, "Channel does not exist")]
        if to not in self.names or to == own.device:
            return [refused(action, "The demo transfers to the colleagues' extensions alone")]
        onward = self.maker.transfer(call, outside.facts, own.facts, outside.bridge, to, self.now)
        call.acting, call.uniqueids = onward.acting, onward.uniqueids
        call.go_on_with(onward.steps)
        return [answered(action, message)]

    def _call_of(self, channel: Channel | None) -> Call | None:
        return next((call for call in self.calls if channel and channel.uniqueid in call.uniqueids), None)

    def _other_side(self, channel: Channel | None) -> Channel | None:
        if channel is None or not channel.bridge:
            return None
        members = self.in_progress.channels.values()
        return next((each for each in members if each.bridge == channel.bridge and each is not channel), None)


def _failed(action: Headers) -> bytes:
    return frame(
        ("Event", "OriginateResponse"),
        ("Privilege", "call,all"),
        ("ActionID", action.get("ActionID", "")),
        ("Response", "Failure"),
        ("Channel", action["Channel"]),
        ("Context", action.get("Context", "")),
        ("Exten", action["Exten"]),
        ("Reason", _FAILED),
        ("Uniqueid", "<null>"),
        ("CallerIDNum", "<unknown>"),
        ("CallerIDName", "<unknown>"),
    )


# What the PBX tells of its account, of the phone that is nobody's, and of the line to the outside.
_VALUES = {
    f"AST_CONFIG(manager.conf,{USERNAME},read)": "system,call,agent,cdr",
    f"PJSIP_ENDPOINT({SPARE_PHONE},aors)": SPARE_PHONE,
    f"PJSIP_AOR({SPARE_PHONE},max_contacts)": "1",
    f"PJSIP_ENDPOINT({CARRIER},aors)": CARRIER,
    f"PJSIP_AOR({CARRIER},contact)": f"{CARRIER}@@0",
}

_ACTIONS: dict[str, Callable[[SimulatedPbx, Headers], Iterable[bytes]]] = {
    "status": SimulatedPbx._status,
    "devicestatelist": SimulatedPbx._phones,
    "queuestatus": SimulatedPbx._queues,
    "coresettings": SimulatedPbx._settings,
    "listcommands": SimulatedPbx._commands,
    "getvar": SimulatedPbx._variable,
    "originate": SimulatedPbx._originate,
    "hangup": SimulatedPbx._hang_up,
    "redirect": SimulatedPbx._redirect,
    "atxfer": SimulatedPbx._consult,
}
