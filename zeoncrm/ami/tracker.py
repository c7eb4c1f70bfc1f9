"""From what the PBX says to what happened to calls.

Pure: no I/O, and no clock of its own; the time is that of the messages. A call has our own id; linkedids are aliases of
it. Each call gets one `CallStarted` (none when a click-to-call made it already), then at most one `CallEnded` or
`CallMerged`, then nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from zeoncrm.ami import messages as m
from zeoncrm.ami.caller_names import own_name
from zeoncrm.ami.channels import UP, Channel, Switchboard
from zeoncrm.ami.clicks import Clicks, failed_click
from zeoncrm.ami.groups import Group
from zeoncrm.ami.heard import apply, take_record
from zeoncrm.ami.live_call import LiveCall
from zeoncrm.ami.outcomes import is_voicemail, originate_result
from zeoncrm.ami.parties import whole
from zeoncrm.ami.restored import restored_call
from zeoncrm.ami.resync import Resync
from zeoncrm.ami.view import View, is_outgoing
from zeoncrm.pipeline.call_events import CallEnded, CallEvent, CallMerged, CallResult, CallStarted, Direction, Source
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering

# A click-to-call whose channel has not come by then never rang; Asterisk makes the channel at once.
EXPECTED_WITHIN = timedelta(seconds=60)
# No conversation goes on for so long without one event or snapshot that shows it.
FORGOTTEN_AFTER = timedelta(hours=12)
_DIALS = (m.DialBegan, m.DialEnded)


class CallTracker:
    """The calls of one PBX. No method raises, whatever the PBX says in whatever order."""

    def __init__(self, pbx: str, numbering: Numbering, new_id: Callable[[datetime], str]) -> None:
        self.pbx = pbx
        # Events that could not be read.
        self.malformed = 0
        self._new_id = new_id
        self._board = Switchboard()
        self._view = View(self._board, numbering)
        self._resync = Resync(self._board)
        self._clicks = Clicks()
        self._calls: dict[str, LiveCall] = {}
        # Calls whose caller left and that wait for the call record, by the id of the caller's channel.
        self._leaving: dict[str, LiveCall] = {}

    @property
    def numbering(self) -> Numbering:
        """Whose the extensions and numbers are; may be replaced at any time."""
        return self._view.numbering

    @numbering.setter
    def numbering(self, numbering: Numbering) -> None:
        """Who is the outside party of a call that goes on stays so."""
        parties = [channel for call in self._calls.values() for channel in (call.caller, *call.lines)]
        kept = {channel: channel.party for channel in parties if channel is not None}
        self._view.numbering = numbering
        for channel, party in kept.items():
            channel.party = party

    @property
    def drift(self) -> int:
        """How many channels snapshots have shown otherwise than the events had."""
        return self._resync.drift

    @property
    def calls(self) -> Mapping[str, LiveCall]:
        """The calls that have not ended, by id."""
        return self._calls

    @property
    def is_empty(self) -> bool:
        """Nothing is kept of what has ended but that it did."""
        board = self._board
        return not (self._calls or self._leaving or board.channels or board.bridges or board.groups)

    def feed(self, message: m.Message) -> list[CallEvent]:
        """What follows from one message."""
        events: list[CallEvent] = []
        if isinstance(message, m.Snapshot):
            self._take_snapshot(message, events)
        elif isinstance(message, m.Originated):
            self._take_originated(message, events)
        elif isinstance(message, m.Malformed):
            self.malformed += 1
        else:
            for group in apply(self._board, message):
                self._look_at(group, message.at, events)
            if isinstance(message, _DIALS):
                self._clicks.note(message)
            if isinstance(message, m.CdrWritten) and is_voicemail(message.application):
                self._credit_voicemail(message)
            if self._leaving:
                self._settle_leaving(message, events)
        return events

    def expire(self, now: datetime, *, hears: bool = True) -> list[CallEvent]:
        """Closes what can't go on any more, and tells what only time tells. To be called every second or two.

        `hears`: the link is up. What was to come while it is not, may have.
        """
        events: list[CallEvent] = []
        for channel in tuple(self._board.channels.values()):
            if now - channel.seen >= FORGOTTEN_AFTER:
                self._board.remove(channel)
        for call in tuple(self._calls.values()):
            if self._calls.get(call.id) is not call:
                continue
            if call.restored and now - call.since >= FORGOTTEN_AFTER:
                self._end(call, call.end(now, provisional=True), events)
            elif hears and call.channel_id and not call.had_channels and now - call.since >= EXPECTED_WITHIN:
                self._end_unheard(call, CallResult.FAILED, now, events)
            else:
                self._look_at(call.group, now, events)
        return events

    # Calls that are known before the PBX tells of them

    def expect(self, call_id: str, *, channel_id: str, extension: str, number: str, at: datetime) -> None:
        """A click-to-call is about to be originated with this channel id: its channels are this call's."""
        call = LiveCall(
            call_id,
            Direction.OUTBOUND,
            self._board.groups.of(channel_id),
            self._view,
            at,
            number=number,
            linkedids={channel_id},
            requester=extension,
            channel_id=channel_id,
        )
        self._add(call)

    def unexpect(self, call_id: str) -> None:
        """The click-to-call was not originated after all. Nothing is told of it: who asked knows."""
        call = self._calls.get(call_id)
        if call is not None:
            self._remove(call)

    def resume(self, calls: Iterable[Call]) -> None:
        """Calls that had not ended when they were last stored. The next snapshot tells which of them go on."""
        for call in calls:
            if call.id not in self._calls:
                self._add(restored_call(call, self._view))

    # Their channels, for those who control calls

    def live_channel(self, call_id: str, extension: str) -> str | None:
        """The name of the channel by which this extension takes part in the call: talking, else ringing."""
        return next(iter(self.channels_of(call_id, extension)), None)

    def channels_of(self, call_id: str, extension: str | None) -> list[str]:
        """The names of the extension's channels in the call, those that talk first; without one, of all parties'."""
        call = self._calls.get(call_id)
        return [channel.name for channel in call.channels_of(extension)] if call else []

    def is_left_to(self, call_id: str, extension: str) -> bool:
        """The extension talks with the outside party, and no other one of ours does."""
        call = self._calls.get(call_id)
        return call is not None and {each for each, channel in call.legs.talking() if not channel.is_over} == {
            extension
        }

    def outside_channel(self, call_id: str) -> str | None:
        """The name of the outside party's channel."""
        call = self._calls.get(call_id)
        return call.caller.name if call and call.caller and not call.caller.gone else None

    def has_let_go(self, call_id: str, extension: str) -> bool:
        """The extension hands the call on: it lets the outside party wait or has left it, or it rings elsewhere."""
        call = self._calls.get(call_id)
        if call is None or call.caller is None or call.caller.gone:
            return True
        if any(leg.rings for each, leg in call.legs.by_extension.items() if each != extension):
            return True
        hearing = self._view.conversation(call.caller)
        return not any(self._view.party(channel).extension == extension for channel in hearing)

    def consulting_channel(self, call_id: str, extension: str) -> str | None:
        """The name of the channel by which the extension consults somebody about the call."""
        call = self._calls.get(call_id)
        if call is None or call.consult is None or call.consult.extension != extension:
            return None
        talking = call.legs.talking()
        return next((channel.name for each, channel in talking if each == extension and not channel.gone), None)

    def call_of(self, uniqueid: str) -> str | None:
        """The id of the call with whose outside party this channel has to do."""
        channel = self._board.channels.get(uniqueid)
        calls = channel.group.calls if channel else []
        return next((call.id for call in calls if call.caller is channel), calls[0].id if calls else None)

    def goes_on(self, ids: AbstractSet[str], channels: Collection[str]) -> bool:
        """Whether a channel is there that has one of these ids or names (of a Local channel, without its half)."""
        return any(
            not ids.isdisjoint((channel.uniqueid, channel.linkedid)) or whole(channel.name) in channels
            for channel in self._board.channels.values()
        ) or any(not ids.isdisjoint(call.linkedids) for call in self._calls.values())

    # Groups and the calls in them

    def _look_at(self, group: Group, at: datetime, events: list[CallEvent]) -> None:
        if not group.calls:
            self._start_call(group, at, events)
        if len(group.calls) > 1:
            self._merge_calls(group, at, events)
        for call in tuple(group.calls):
            if call.left_at is None:
                events += call.observe(at)
            last = call.ending(at)
            if last is not None:
                self._end(call, last, events)
            elif call.left_at is not None and call.caller is not None:
                self._leaving[call.caller.uniqueid] = call
        self._board.groups.forget_if_empty(group)

    def _start_call(self, group: Group, at: datetime, events: list[CallEvent]) -> None:
        for channel in group.channels:
            if self._view.is_outside(channel) and _is_under_way(channel) and self._is_news(channel):
                self._start(channel, at, events)
                return

    def _start(self, channel: Channel, at: datetime, events: list[CallEvent]) -> None:
        began = channel.since if channel.recovered else at
        call = self._new_call(channel, began)
        self._add(call)
        events.append(self._started(call, channel, began))

    def _is_news(self, channel: Channel) -> bool:
        """Nothing that still comes of a call that has ended; but one of ours who was in it may call somebody else."""
        if not channel.group.closed:
            return True
        return not channel.told and is_outgoing(channel) and self._view.is_called_by_person(channel)

    def _merge_calls(self, group: Group, at: datetime, events: list[CallEvent]) -> None:
        for call in tuple(group.calls):
            whole = call.part_of()
            if whole is not None:
                events.append(CallMerged(call_id=call.id, at=at, into=whole.id))
                self._remove(call)

    def _new_call(self, channel: Channel, at: datetime) -> LiveCall:
        inbound = not is_outgoing(channel)
        if not inbound and channel.dial_status is None:
            self._board.dial(None, channel)  # its dialling was not heard of
        party = self._view.party(channel)
        return LiveCall(
            self._new_id(at),
            Direction.INBOUND if inbound else Direction.OUTBOUND,
            channel.group,
            self._view,
            at,
            caller=channel if inbound else None,
            number=party.number,
            caller_name=own_name(channel.caller_name, party.raw) if inbound else None,
            line_called=_line_called(channel.exten) if inbound else None,
            linkedids={channel.uniqueid if inbound else channel.linkedid},
        )

    def _started(self, call: LiveCall, channel: Channel, at: datetime) -> CallStarted:
        return CallStarted(
            call_id=call.id,
            at=at,
            pbx=self.pbx,
            direction=call.direction,
            # The linkedid of a channel that was in another call before is that call's, or that of an older channel that
            # the caller met.
            linkedid=channel.uniqueid if channel.group.closed or call.caller is channel else channel.linkedid,
            number=call.number,
            number_raw=self._view.party(channel).raw,
            caller_name=call.caller_name,
            did=call.line_called,
            source=Source.RECOVERED if channel.recovered else Source.LIVE,
        )

    def _add(self, call: LiveCall) -> None:
        self._calls[call.id] = call
        call.group.calls.append(call)

    def _end(self, call: LiveCall, last: list[CallEvent], events: list[CallEvent]) -> None:
        events += last
        call.group.closed = True
        for channel in call.group.channels:
            channel.told = True
        self._clicks.ended(call)
        self._remove(call)

    def _end_unheard(self, call: LiveCall, result: CallResult, at: datetime, events: list[CallEvent]) -> None:
        self._end(call, [CallEnded(call_id=call.id, at=at, result=result)], events)

    def _remove(self, call: LiveCall) -> None:
        self._calls.pop(call.id, None)
        if call.caller is not None:
            self._leaving.pop(call.caller.uniqueid, None)
        call.group.calls.remove(call)
        self._board.groups.forget_if_empty(call.group)

    def _credit_voicemail(self, message: m.CdrWritten) -> None:
        """Whoever came to a mailbox over a Local channel has no record of it: that of the channel tells."""
        for call in self._calls.values():
            if call.caller is not None and message.uniqueid in call.behind:
                take_record(call.caller, message)

    def _settle_leaving(self, message: m.Message, events: list[CallEvent]) -> None:
        """Ends calls for which the call record has come, or comes no more."""
        if isinstance(message, m.CdrWritten):
            waiting = self._leaving.get(message.uniqueid)
            if waiting is not None and waiting.caller is not None:
                take_record(waiting.caller, message)
        for call in tuple(self._leaving.values()):
            self._look_at(call.group, message.at, events)

    # Messages that are not about one group

    def _take_originated(self, message: m.Originated, events: list[CallEvent]) -> None:
        if message.success:
            return
        call = self._clicks.asked_for(message, self._calls.values(), self.numbering.region)
        if call is None:
            number = self._clicks.is_news(message, self.numbering)
            if number is not None:
                linkedid = self._clicks.linkedid(message)
                events += failed_click(message, self._new_id(message.at), self.pbx, number, linkedid)
        elif not call.had_channels:
            self._end_unheard(call, originate_result(message.reason), message.at, events)

    def _take_snapshot(self, snapshot: m.Snapshot, events: list[CallEvent]) -> None:
        groups = self._resync.apply(snapshot)
        for call in self._resync.lost(self._calls.values()):
            self._end(call, call.end(snapshot.at, provisional=True), events)
        for channel in self._resync.new:  # whoever is there now was not told of with a call that is over
            channel.told = False
        for call in self._calls.values():
            if call.restored:
                call.restored = False
                own = {extension: call.channels_of(extension) for extension in call.legs.by_extension}
                events += call.legs.adopt(own, snapshot.at)
        for channel in self._resync.came_in:  # to others, perhaps, who were talking already
            if self._view.is_outside(channel) and all(call.caller is not channel for call in channel.group.calls):
                self._start(channel, snapshot.at, events)
        for group in groups:
            self._look_at(group, snapshot.at, events)


def _is_under_way(channel: Channel) -> bool:
    """It called the PBX, or is being called; of one that was only just made the number is not known yet."""
    if not is_outgoing(channel) or channel.dial_status is not None:
        return True
    return channel.bridge is not None or channel.state == UP


def _line_called(exten: str | None) -> str | None:
    """The number that the outside party called, if the dialplan was entered by it."""
    return exten if exten and any(character.isdigit() for character in exten) else None
