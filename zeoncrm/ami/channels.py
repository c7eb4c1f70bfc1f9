"""What the PBX is doing now: channels, the bridges that they share, and who dials whom."""

from __future__ import annotations

from datetime import datetime

from zeoncrm.ami.groups import Group, Groups, Recent
from zeoncrm.ami.messages import Facts
from zeoncrm.ami.parties import Party, device_of

DOWN, RESERVED, RING, RINGING, UP = 0, 1, 4, 5, 6
# What Asterisk writes when a dialled channel answers; every other final status is why it did not.
ANSWER = "ANSWER"

# How much is remembered of what has ended, so that late and repeated messages do not bring it back.
_REMEMBERED = 20_000
# More channels than any PBX has: beyond it the ones not heard of for longest are lost messages' remains.
MAX_CHANNELS = 20_000


class Channel:
    """One channel, alive or just ended. Times in UTC."""

    __slots__ = (
        "application",
        "bridge",
        "caller_name",
        "came_as",
        "cause",
        "dial_ended",
        "dial_status",
        "dialled",
        "dialler",
        "exten",
        "gone",
        "group",
        "held_since",
        "leaving",
        "linkedid",
        "missing",
        "name",
        "number",
        "outgoing",
        "parked",
        "party",
        "picked_up",
        "plays",
        "queue",
        "record_closed",
        "recordings",
        "recovered",
        "rings",
        "seen",
        "settled",
        "since",
        "sip",
        "state",
        "targets",
        "told",
        "uniqueid",
    )

    def __init__(self, facts: Facts, at: datetime, group: Group) -> None:
        self.uniqueid = facts.uniqueid
        self.name = facts.name
        self.linkedid = facts.linkedid
        self.group = group
        self.since = self.seen = at
        self.state = DOWN
        # The number now, and the first that it had; empty if it came with none.
        self.number: str | None = None
        self.came_as: str | None = None
        self.caller_name: str | None = None
        self.exten = facts.exten
        # Whether the PBX called it, rather than it the PBX; None: not known yet.
        self.outgoing: bool | None = None
        self.party: Party | None = None
        self.bridge: Bridge | None = None
        self.queue: str | None = None
        self.parked = False
        # Since when it lets the others in its bridge wait.
        self.held_since: datetime | None = None
        # Whether it was first seen in a snapshot, and whether the last snapshot lacked it.
        self.recovered = False
        self.missing = False
        # How it was dialled: by whom, with which dial string, whether it rings or plays something, and how that ended.
        self.dialler: Channel | None = None
        self.dialled: str | None = None
        self.rings = False
        self.plays = False
        self.dial_ended = False
        self.dial_status: str | None = None
        self.targets: dict[Channel, None] = {}
        # How it ends.
        self.leaving = False
        self.gone = False
        self.cause: int | None = None
        self.sip: int | None = None
        # Taken by somebody else; its leg has been told of.
        self.picked_up = False
        self.settled = False
        # It was there when a call that it had to do with ended.
        self.told = False
        # From the call record: the last application, and whether it is the channel's last record.
        self.application: str | None = None
        self.record_closed = False
        # The files in which it is recorded.
        self.recordings: tuple[str, ...] = ()

    def note_recording(self, file: str | None) -> None:
        """It is recorded in this file."""
        if file is not None and file not in self.recordings:
            self.recordings += (file,)

    @property
    def is_ringing(self) -> bool:
        """Called, and neither answered nor given up."""
        if self.gone or self.state == UP or self.dial_ended or self.picked_up:
            return False
        return self.dial_status is not None or self.state == RINGING

    @property
    def rings_no_more(self) -> bool:
        """Gone, or taken and put down again."""
        return self.gone or (self.leaving and self.state == UP)

    @property
    def is_heard_ringing(self) -> bool:
        """It rings there, as far as the device said; carriers also play the sound of it."""
        return self.plays or self._rings_there

    @property
    def is_only_playing(self) -> bool:
        """What was heard there may have been an announcement as well as ringing."""
        return self.plays and not self._rings_there

    @property
    def _rings_there(self) -> bool:
        """The device said so. The state alone says nothing by IAX2: its channels are in it from the start."""
        return self.rings or (self.state == RINGING and not self.name.startswith("IAX2/"))

    @property
    def is_over(self) -> bool:
        """Whoever was there is not any more, though Asterisk may keep the channel for a while."""
        return self.gone or self.leaving


def _calls_in(facts: Facts) -> bool:
    """Whether a channel that nobody was heard to call has called the PBX: it rings here, or is up and its own."""
    return facts.state == RING or (facts.state == UP and facts.uniqueid == facts.linkedid)


class Bridge:
    """Channels that hear each other; in a holding bridge they do not."""

    __slots__ = ("channels", "holding", "id")

    def __init__(self, bridge_id: str, holding: bool) -> None:
        self.id = bridge_id
        self.holding = holding
        self.channels: dict[Channel, None] = {}


class Switchboard:
    """All channels, bridges and groups of one PBX."""

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, Bridge] = {}
        self.groups = Groups(_REMEMBERED)
        self._ended = Recent(_REMEMBERED)
        self._locals: dict[str, Channel] = {}

    def other_half(self, channel: Channel) -> Channel | None:
        """The other end of a Local channel."""
        name = channel.name
        if name.endswith(";1"):
            return self._locals.get(name[:-1] + "2")
        return self._locals.get(name[:-1] + "1") if name.endswith(";2") else None

    def remove(self, channel: Channel) -> None:
        """The channel has ended. Who still holds it sees `gone`."""
        self._ended.add(channel.uniqueid)
        self.channels.pop(channel.uniqueid, None)
        if self._locals.get(channel.name) is channel:
            del self._locals[channel.name]
        self.leave(channel)
        for target in channel.targets:
            target.dialler = None
        channel.targets.clear()
        self.undial(channel)
        channel.group.channels.pop(channel, None)
        channel.gone = True

    def note(self, facts: Facts | None, at: datetime) -> Channel | None:
        """The channel with what is now known of it; None when it has ended already, or nothing was said."""
        if facts is None:
            return None
        channel = self.channels.get(facts.uniqueid)
        if channel is None:
            if facts.uniqueid in self._ended:
                return None
            channel = self._add(facts, at)
        elif channel.linkedid != facts.linkedid:
            channel.linkedid = facts.linkedid
            self.groups.union(channel.group, self.groups.of(facts.linkedid))
        channel.seen = at
        channel.missing = False
        self._take_facts(channel, facts)
        return channel

    def join(self, one: Channel | None, other: Channel | None) -> None:
        """Both belong to the same group from now on."""
        if one is not None and other is not None:
            self.groups.union(one.group, other.group)

    def dial(self, source: Channel | None, target: Channel) -> None:
        """`source` calls `target`."""
        target.outgoing = True
        target.party = None
        if target.dial_status is None:
            target.dial_status = "CALLING"
        if source is None or target.dial_ended or source is target:
            return
        self.join(source, target)
        if target.dialler is not source:
            if target.dialler is not None:
                target.dialler.targets.pop(target, None)
            target.dialler = source
            source.targets[target] = None

    def recall(self, target: Channel, number: str) -> None:
        """`target` is called, on nobody's behalf, to talk with a number: perhaps a transfer that nobody took.

        Asterisk then calls the one who made it, whose former channel it has kept; nothing else tells so.
        """
        device = device_of(target.name)
        for former in self.channels.values():
            known = former.leaving and former is not target and device_of(former.name) == device
            if known and any(channel.number == number for channel in former.group.channels):
                self.join(former, target)
                return

    def undial(self, target: Channel) -> None:
        """Nobody calls it any more."""
        if target.dialler is not None:
            target.dialler.targets.pop(target, None)
            target.dialler = None

    def enter(self, channel: Channel, bridge_id: str, holding: bool) -> None:
        """The channel is in this bridge and no other."""
        bridge = self.bridges.get(bridge_id)
        if bridge is None:
            bridge = self.bridges[bridge_id] = Bridge(bridge_id, holding)
        bridge.holding = holding
        if channel.bridge is not bridge:
            self.leave(channel)
            channel.bridge = bridge
            bridge.channels[channel] = None
        if not holding:
            for member in bridge.channels:
                if member.group is not channel.group:
                    self.join(member, channel)
                # They are connected: the dial is done, and where each of them goes from here is its own affair.
                for target in (member, channel):
                    if target.dialler is not None and target.dialler.bridge is bridge:
                        self.undial(target)

    def leave(self, channel: Channel) -> None:
        """The channel is in no bridge."""
        bridge = channel.bridge
        if bridge is not None:
            channel.bridge = None
            channel.held_since = None
            bridge.channels.pop(channel, None)
            if not bridge.channels:
                self.bridges.pop(bridge.id, None)

    def _add(self, facts: Facts, at: datetime) -> Channel:
        channel = Channel(facts, at, self.groups.of(facts.linkedid))
        channel.group.channels[channel] = None
        self.channels[facts.uniqueid] = channel
        if facts.uniqueid != facts.linkedid:
            # Its own id is an alias of the group too: a click-to-call knows its channels by it.
            self.groups.union(channel.group, self.groups.of(facts.uniqueid))
        if facts.name.startswith("Local/"):
            self._locals[facts.name] = channel
        return channel

    def _take_facts(self, channel: Channel, facts: Facts) -> None:
        if facts.name != channel.name:
            self.rename(channel, facts.name)
        # Beyond UP there are states in which nobody talks: Busy() gives a caller who was not answered one of them.
        if facts.state is not None and facts.state <= UP != channel.state:
            channel.state = max(channel.state, facts.state)
            if channel.outgoing is not False and channel.dial_status is None and _calls_in(facts):
                channel.outgoing, channel.party = False, None
        if facts.number is not None and facts.number != channel.number:
            channel.came_as = facts.number if channel.came_as is None else channel.came_as
            channel.number = facts.number
            channel.party = None
        if channel.came_as is None and facts.state in {RING, UP}:
            channel.came_as = ""
        if facts.caller_name is not None:
            channel.caller_name = facts.caller_name

    def rename(self, channel: Channel, name: str) -> None:
        """A masquerade gives channels other names."""
        if self._locals.get(channel.name) is channel:
            del self._locals[channel.name]
        channel.name = name
        channel.party = None
        if name.startswith("Local/"):
            self._locals[name] = channel

    def shed(self) -> list[Group]:
        """Lets go of the tenth that was not heard of for longest, when there are too many."""
        if len(self.channels) <= MAX_CHANNELS:
            return []
        oldest = sorted(self.channels.values(), key=lambda channel: channel.seen)[: MAX_CHANNELS // 10]
        for channel in oldest:
            self.remove(channel)
        return [channel.group for channel in oldest]
