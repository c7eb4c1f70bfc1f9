"""Brings the switchboard into line with a snapshot: after a reconnect, a restart, or now and then to be sure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from zeoncrm.ami import messages as m
from zeoncrm.ami.channels import RINGING, UP, Channel, Switchboard
from zeoncrm.ami.groups import Group
from zeoncrm.ami.live_call import LiveCall
from zeoncrm.ami.parties import dial_strings
from zeoncrm.ami.view import is_outgoing
from zeoncrm.pipeline.call_events import Direction

# What Asterisk shows as the application of a channel that was dialled, and of those that dial.
_DIALLED = frozenset({"AppDial", "AppDial2", "AppQueue"})
_DIALLING = frozenset({"Dial", "Queue", "RetryDial", "FollowMe", "Page"})
_HOLDING = frozenset({"Park", "ParkAndAnnounce", "Parked Call", "BridgeWait", "Hold"})
_PARKED = frozenset({"Park", "ParkAndAnnounce", "Parked Call"})
# How much younger than its call a caller's channel may look; events that come late make the call look younger.
_CLOCKS_DIFFER = timedelta(seconds=5)


class Resync:
    """Applies snapshots. Of the last one, `new` are the channels that had not been heard of, the oldest first, and
    `came_in` those of them that have called the PBX.

    `drift` counts the channels that they showed otherwise than the events had told.
    """

    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self._vanished: set[Channel] = set()
        self._first = True
        self.drift = 0
        self.new: list[Channel] = []
        self.came_in: list[Channel] = []

    def apply(self, snapshot: m.Snapshot) -> list[Group]:
        """Makes the board what the snapshot shows, but for what was heard since it was asked; gives what changed."""
        vanished = self._missing_in(snapshot)
        for channel in vanished:
            self._board.remove(channel)
        self._vanished = set(vanished)
        new: list[tuple[Channel, m.ChannelStatus]] = []
        # In the order of their ages: which came first decides what is whose.
        statuses = sorted(snapshot.channels, key=lambda status: (-status.seconds, status.channel.uniqueid))
        changed = [self._take(status, snapshot, new) for status in statuses]
        known = [(self._board.channels.get(status.channel.uniqueid), status) for status in statuses]
        shown = [(channel, status) for channel, status in known if channel is not None]
        self.new = [channel for channel, _ in new]
        for channel, status in shown:
            unheard = not snapshot.periodic and channel.dialled is None and channel.seen <= snapshot.at
            if channel in self.new or unheard:
                self._connect(channel, status, shown)
        self.came_in = [channel for channel, status in new if status.dnid and not channel.outgoing]
        touched = [*vanished, *(channel for channel in changed if channel is not None)]
        if not self._first:
            self.drift += len(touched)
        self._first = False
        return list(dict.fromkeys(channel.group for channel in touched))

    def lost(self, calls: Iterable[LiveCall]) -> list[LiveCall]:
        """The calls that the PBX no longer has: they ended while nobody looked."""
        lost = []
        for call in tuple(calls):
            if call.restored:
                self._find_caller(call)
            if call.left_at is None and self._is_lost(call):
                lost.append(call)
        return lost

    def _is_lost(self, call: LiveCall) -> bool:
        if call.direction is Direction.OUTBOUND and not call.answered:
            return (call.had_channels or call.restored) and not call.group.channels
        return call.caller is None or call.caller in self._vanished

    def _find_caller(self, call: LiveCall) -> None:
        """The outside party's channel of a restored call, among those that the snapshot shows of its group."""
        call.had_channels = bool(call.group.channels)
        if call.direction is Direction.OUTBOUND:
            self._recognise(call)
        taken = {other.caller for other in call.group.calls}
        inbound = call.direction is Direction.INBOUND
        fitting = [
            channel
            for channel in call.group.channels
            if channel not in taken
            and call.view.is_outside(channel)
            and (_may_have_begun(call, channel) if inbound else is_outgoing(channel) or self._is_line(call, channel))
        ]
        # Several callers may be in one conference.
        own = (channel for channel in fitting if channel.uniqueid in call.linkedids)
        call.caller = next(own, None) or next(iter(fitting), None)
        if call.caller is None:
            return
        if not inbound:
            call.lines.append(call.caller)
            if call.caller.dial_status is None:
                self._board.dial(None, call.caller)
        elif call.number is None:  # what it shows now the dialplan may have set
            call.caller.came_as, call.caller.party = "", None

    def _is_line(self, call: LiveCall, channel: Channel) -> bool:
        """Whether it is the line of a call that the PBX began with the outside party, and that runs a dialplan now."""
        return channel.uniqueid in call.linkedids and channel not in self.came_in

    def _recognise(self, call: LiveCall) -> None:
        """A rep who called the number from their own mobile: the dialplan has put our number over theirs."""
        extension = next(iter(call.legs.by_extension), None)
        outside = call.view.numbering.outside
        number = next((number for number, whose in outside.items() if whose == extension), None)
        for channel in self.came_in:
            if number is not None and channel.uniqueid in call.linkedids:
                channel.came_as, channel.party = number, None

    def _missing_in(self, snapshot: m.Snapshot) -> list[Channel]:
        """The channels that have ended. One whose end may still be told by its event gets time for that."""
        listed = {status.channel.uniqueid for status in snapshot.channels}
        missing = [
            channel
            for channel in self._board.channels.values()
            if channel.uniqueid not in listed and channel.seen < snapshot.at
        ]
        ended = [channel for channel in missing if channel.missing or not snapshot.periodic]
        for channel in missing:
            channel.missing = True
        return ended

    def _take(
        self, status: m.ChannelStatus, snapshot: m.Snapshot, new: list[tuple[Channel, m.ChannelStatus]]
    ) -> Channel | None:
        """The channel, if the snapshot shows it otherwise than it was."""
        known = self._board.channels.get(status.channel.uniqueid)
        if known is not None and known.seen >= snapshot.at:
            return None
        before = None if known is None else _shown(known)
        channel = self._board.note(status.channel, snapshot.at)
        if channel is None:
            return None
        channel.note_recording(status.recording)
        self._place(channel, status)
        if known is None:
            channel.recovered = not snapshot.periodic
            channel.since = snapshot.at - timedelta(seconds=status.seconds)
            if status.dnid is not None:  # which no channel has that the PBX called
                channel.exten, channel.outgoing, channel.party = status.dnid, False, None
            new.append((channel, status))
        if known is None or not snapshot.periodic:
            _take_history(channel, status)
        return channel if before != _shown(channel) else None

    def _place(self, channel: Channel, status: m.ChannelStatus) -> None:
        if status.bridge is None:
            self._board.leave(channel)
            return
        known = self._board.bridges.get(status.bridge)
        # Whoever was parked out of a talk runs the application of that still.
        holding = known.holding if known is not None else status.holding or status.application in _HOLDING
        self._board.enter(channel, status.bridge, holding)

    def _connect(self, channel: Channel, status: m.ChannelStatus, shown: list[tuple[Channel, m.ChannelStatus]]) -> None:
        """Who dials a channel. The snapshot does not tell, but shows who is dialling what."""
        if status.application not in _DIALLED:
            return
        dialling = [
            (other, its)
            for other, its in shown
            if other.group is channel.group and other is not channel and its.application in _DIALLING
        ]
        fitting = [(other, dial_strings(its.data or "", channel.name)) for other, its in dialling]
        # Of several numbers on one trunk nothing tells which is this one's.
        named = [(other, strings[0] if len(set(strings)) == 1 else None) for other, strings in fitting if strings]
        source, channel.dialled = named[0] if named else (dialling[0][0] if dialling else None, None)
        channel.outgoing, channel.party = True, None
        if channel.state != UP:
            self._board.dial(source, channel)
            channel.rings = channel.state == RINGING


def _may_have_begun(call: LiveCall, channel: Channel) -> bool:
    """Whether the channel may be the caller's: by its id, or by its age. Clocks may have been put right meanwhile."""
    is_own = channel.uniqueid in call.linkedids
    return not channel.outgoing and (is_own or channel.since <= call.since + _CLOCKS_DIFFER)


def _take_history(channel: Channel, status: m.ChannelStatus) -> None:
    """What the events before the snapshot would have told, or did tell and holds no longer."""
    waits = channel.bridge is None or channel.bridge.holding
    channel.parked = status.application in _PARKED and waits
    channel.queue = status.data.partition(",")[0] if status.application == "Queue" and status.data else None


def _shown(channel: Channel) -> tuple[object, ...]:
    return (channel.name, channel.state, channel.bridge.id if channel.bridge else None, channel.linkedid)
