"""A PBX made of messages, for what is hard to bring about on a real one: each step is fed to a tracker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.ami.recorded import tracker_for
from tests.replayed import replayed
from zeoncrm.ami import messages as m
from zeoncrm.pipeline.call_events import (
    AnsweredOutside,
    CallEnded,
    CallEvent,
    CallIdentified,
    CallQueued,
    CallStarted,
    LegAnswered,
    LegEnded,
    LegRang,
    OutsideDialled,
    OutsideRang,
)
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NUMBERING = Numbering("RU", frozenset({"101", "102", "103", "104"}), {"+79990001122": "105"})
TRUNK, CALLER = "PJSIP/trunk-0000000a", "79031112233"
P101, P102, P103 = "PJSIP/101-00000001", "PJSIP/102-00000002", "PJSIP/103-00000003"
LINE = "PJSIP/trunk-000000ff"
SECOND_LINE = "PJSIP/trunk-000000fe"
CLIENT = "79037778899"


class ScriptedPbx:
    """Each step takes a tenth of a second and gives the events that it led to; `events` are all of them."""

    def __init__(self, numbering: Numbering = NUMBERING) -> None:
        self.tracker = tracker_for(numbering)
        self.now = START
        self.events: list[CallEvent] = []
        self._channels: dict[str, m.Facts] = {}
        self._made = 0

    @property
    def calls(self) -> list[Call]:
        """The calls as the events make them."""
        return list(replayed(self.events).values())

    @property
    def call(self) -> Call:
        """The only call."""
        (call,) = self.calls
        return call

    def tell(self, message: m.Message) -> list[CallEvent]:
        """Feeds a message as it is."""
        told = self.tracker.feed(message)
        self.events += told
        return told

    def wait(self, seconds: float) -> list[CallEvent]:
        """Lets time pass."""
        self.now += timedelta(seconds=seconds)
        told = self.tracker.expire(self.now)
        self.events += told
        return told

    def channel(
        self, name: str, *, state: int = 0, number: str | None = None, exten: str | None = None, of: str | None = None
    ) -> list[CallEvent]:
        """A new channel, of the same linkedid as the channel `of`."""
        self._made += 1
        uniqueid = f"{int(START.timestamp())}.{self._made}"
        linkedid = self._channels[of].linkedid if of else uniqueid
        self._channels[name] = m.Facts(uniqueid, name, linkedid, state, number, None, exten)
        return self.tell(m.ChannelSeen(self._tick(), self._channels[name], created=True))

    def known(self, name: str, uniqueid: str, *, of: str | None = None) -> list[CallEvent]:
        """A new channel with an id that was chosen for it."""
        self._channels[name] = m.Facts(uniqueid, name, of or uniqueid, 0)
        return self.tell(m.ChannelSeen(self._tick(), self._channels[name], created=True))

    def calls_in(self, name: str = TRUNK, number: str | None = CALLER, did: str = "4952150000") -> list[CallEvent]:
        """An outside party reaches the PBX."""
        return self.channel(name, state=4, number=number, exten=did)

    def state(self, name: str, state: int) -> list[CallEvent]:
        """A channel's state changes."""
        self._channels[name] = self._channels[name]._replace(state=state)
        return self.tell(m.ChannelSeen(self._tick(), self._channels[name]))

    def number(self, name: str, number: str) -> list[CallEvent]:
        """The dialplan gives a channel another caller's number."""
        self._channels[name] = self._channels[name]._replace(number=number)
        return self.tell(m.ChannelSeen(self._tick(), self._channels[name]))

    def dialplan_ends(self, name: str) -> list[CallEvent]:
        """The PBX itself ends a channel."""
        return self.tell(m.ChannelGone(self._tick(), self._channels.pop(name), 16))

    def set_state(self, name: str, state: int) -> None:
        """The same, and its event is lost."""
        self._channels[name] = self._channels[name]._replace(state=state)

    def dial(self, source: str | None, target: str, dialled: str | None = None) -> list[CallEvent]:
        """`source` calls `target`; the target's channel is made when there is none."""
        told = [] if target in self._channels else self.channel(target, of=source)
        facts = self._channels[source] if source else None
        return told + self.tell(m.DialBegan(self._tick(), facts, self._channels[target], dialled))

    def ring(self, source: str, target: str, dialled: str | None = None) -> list[CallEvent]:
        """The same, and it rings there."""
        return self.dial(source, target, dialled) + self.state(target, 5)

    def dial_ends(self, source: str | None, target: str, status: str) -> list[CallEvent]:
        """A dial ends."""
        facts = self._channels[source] if source else None
        return self.tell(m.DialEnded(self._tick(), facts, self._channels[target], status))

    def answer(self, source: str, target: str, bridge: str = "b1") -> list[CallEvent]:
        """The target takes the call and both talk."""
        told = self.state(target, 6) + self.dial_ends(source, target, "ANSWER") + self.state(source, 6)
        return told + self.bridge(bridge, target, source)

    def bridge(self, bridge: str, *names: str, holding: bool = False) -> list[CallEvent]:
        """The channels enter a bridge."""
        return [
            event
            for name in names
            for event in self.tell(m.BridgeEntered(self._tick(), bridge, self._channels[name], holding))
        ]

    def leave(self, bridge: str, *names: str) -> list[CallEvent]:
        """The channels leave a bridge."""
        return [
            event for name in names for event in self.tell(m.BridgeLeft(self._tick(), bridge, self._channels[name]))
        ]

    def hang_up(self, *names: str, cause: int = 16) -> list[CallEvent]:
        """The channels end; the first is the one who hung up."""
        told = self.tell(m.HangupAsked(self._tick(), self._channels[names[0]]))
        for name in names:
            told += self.tell(m.ChannelGone(self._tick(), self._channels.pop(name), cause))
        return told

    def snapshot(self, *names: str, bridge: str | None = None, periodic: bool = False) -> list[CallEvent]:
        """What `Status` shows when just these channels are left, each a minute old, and all in the bridge if given."""
        shown = tuple(m.ChannelStatus(self._channels[name], bridge, seconds=60) for name in names)
        return self.tell(m.Snapshot(self._tick(), shown, periodic))

    def heard_by_a_new_process(self) -> ScriptedPbx:
        """The same PBX with a tracker that knows nothing."""
        other = ScriptedPbx(self.tracker.numbering)
        other.now, other._made, other._channels = self.now, self._made, dict(self._channels)
        return other

    def facts(self, name: str) -> m.Facts:
        """What is said of a channel."""
        return self._channels[name]

    def _tick(self) -> datetime:
        self.now += timedelta(milliseconds=100)
        return self.now


def kinds(events: list[CallEvent]) -> list[str]:
    """The events in short, without aliases."""
    shown = []
    for event in events:
        match event:
            case LegRang(extension=extension):
                shown.append(f"{extension} rings")
            case LegAnswered(extension=extension):
                shown.append(f"{extension} answers")
            case LegEnded(extension=extension, outcome=outcome):
                shown.append(f"{extension} {outcome}")
            case CallEnded(result=result, reached=reached):
                shown.append(" ".join(["ended", result, *([reached] if reached else [])]))
            case CallStarted() | OutsideDialled() | OutsideRang() | CallIdentified() | CallQueued() | AnsweredOutside():
                shown.append(type(event).__name__)
            case _:
                pass
    return shown


def outgoing(pbx: ScriptedPbx) -> None:
    """The phone of 101 calls an outside number."""
    pbx.channel(P101, state=4, number="101", exten="79037778899")
    pbx.ring(P101, LINE, f"{CLIENT}@trunk")
