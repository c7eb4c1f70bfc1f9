"""One call as it goes on: compares what the PBX shows with what has been told, and tells the difference.

Since events follow from the state alone, a message that comes twice, late or not at all cannot give an event twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zeoncrm.ami.caller_names import own_name
from zeoncrm.ami.channels import ANSWER, UP, Channel
from zeoncrm.ami.consult import consultation
from zeoncrm.ami.groups import Group
from zeoncrm.ami.hold import holds
from zeoncrm.ami.legs import Case, Legs
from zeoncrm.ami.outcomes import outside_result
from zeoncrm.ami.parties import Party
from zeoncrm.ami.view import View, talks
from zeoncrm.ami.waiting import Waiting
from zeoncrm.pipeline.call_events import (
    AnsweredOutside,
    CallEnded,
    CallEvent,
    CallIdentified,
    CallLinked,
    CallQueued,
    CallRecorded,
    CallResult,
    Consult,
    ConsultChanged,
    Direction,
    Hold,
    HoldChanged,
    OutsideDialled,
    OutsideRang,
    Reached,
)

# How long the end of a call waits for the call record which tells where an unanswered caller was.
RECORD_GRACE = timedelta(seconds=2)


@dataclass(slots=True, eq=False)
class LiveCall:
    """A call that has not ended. `caller` is the outside party's channel, once it is known."""

    id: str
    direction: Direction
    group: Group
    view: View
    since: datetime
    caller: Channel | None = None
    number: str | None = None
    caller_name: str | None = None
    # The name that the PBX showed last, with whatever stands before it there.
    shown_name: str | None = None
    # Our number that the caller called.
    line_called: str | None = None
    linkedids: set[str] = field(default_factory=set)
    recordings: set[str] = field(default_factory=set)
    legs: Legs = field(init=False)
    answered: bool = False
    # Other outside lines that took the call for us.
    forwards: list[Channel] = field(default_factory=list)
    consult: Consult | None = None
    on_hold: tuple[Hold, ...] = ()
    # Inbound, the number withheld: whether the PBX has called somebody outside for the caller.
    sent_out: bool = False
    # Inbound, not answered yet: where the caller is.
    waiting: Waiting = field(default_factory=Waiting)
    # The Local channels over which the PBX talked with the caller, by id: they may have led to a mailbox.
    behind: set[str] = field(default_factory=set)
    # When the caller left, while the end waits for the call record.
    left_at: datetime | None = None
    # Outbound, not answered yet: the extension that asked for it, its channel once the rep is on it, the id that a
    # click-to-call gave its channel, the outside lines that were tried, and how far that got.
    requester: str | None = None
    rep: Channel | None = None
    channel_id: str | None = None
    lines: list[Channel] = field(default_factory=list)
    dialled: bool = False
    # Whether the number is only that of the first line: somebody else may answer. What a click asked for stays.
    number_from_line: bool = False
    rang_there: bool = False
    had_channels: bool = False
    # From the store, and not found again on the PBX yet.
    restored: bool = False

    def __post_init__(self) -> None:
        self.legs = Legs(self.id, self.view)

    def channels_of(self, extension: str | None) -> list[Channel]:
        """The extension's channels in this call, those that talk first; without one, the channels of all parties."""
        found = dict.fromkeys(self._of_all_parties() if extension is None else self._of_extension(extension))
        return sorted((channel for channel in found if not channel.gone), key=lambda channel: not talks(channel))

    def _of_extension(self, extension: str) -> Iterator[Channel]:
        leg = self.legs.by_extension.get(extension)
        if leg is not None:
            yield from (*leg.talks, *leg.rings)
        yield from (channel for channel in self.group.channels if self.view.party(channel).extension == extension)

    def _of_all_parties(self) -> Iterator[Channel]:
        """All that end with the call: nobody who talks in another call of the group, or was there before the caller."""
        own = self._outside()
        others = [channel for call in self.group.calls if call is not self for channel in call._outside()]
        if others:
            kept = {channel for other in others for channel in self.view.conversation(other)}
            rung = [channel for leg in self.legs.by_extension.values() for channel in (*leg.talks, *leg.rings)]
            near = [*own, *rung, *(channel for each in own for channel in self.view.surroundings(each))]
        else:
            kept, near = set(), list(self.group.channels)
        for channel in near:
            if channel in own or not (channel in kept or self.view.is_helper(channel) or self._was_waiting(channel)):
                yield channel

    def _outside(self) -> list[Channel]:
        """The outside parties' channels."""
        channels = dict.fromkeys((self.caller, *self.lines, *self.forwards))
        return [channel for channel in channels if channel is not None and not channel.gone]

    def _was_waiting(self, channel: Channel) -> bool:
        """Whether one of ours was on the line before the caller came: an agent, or somebody in a conference."""
        return self.direction is Direction.INBOUND and not channel.outgoing and channel.since < self.since

    # What happens

    def observe(self, at: datetime) -> list[CallEvent]:
        """What has happened since the last time; of an end see `ending`."""
        events: list[CallEvent] = []
        self._link(at, events)
        if self.group.channels:
            self.had_channels = True
        if self.direction is Direction.OUTBOUND and not self.answered:
            self._follow_lines(at, events)
        if self.caller is not None and not self.caller.gone:
            self._identify(self.caller, at, events)
        self._follow_legs(at, events)
        if self.direction is Direction.INBOUND and not self.answered and self.caller is not None:
            self._follow_waiting(self.caller, at, events)
        if self.answered:
            self._follow_talk(at, events)
            self._follow_on(at, events)
        return events

    def _follow_talk(self, at: datetime, events: list[CallEvent]) -> None:
        """Whether the caller is let wait: for somebody who is asked, or on hold."""
        talking = self.legs.talking()
        consult = consultation(self.view, self.caller, talking, self.consult)
        if consult != self.consult:
            self.consult = consult
            events.append(ConsultChanged(call_id=self.id, at=at, consult=consult))
        on_hold = holds(talking, consult.extension if consult else None)
        if on_hold != self.on_hold:
            self.on_hold = on_hold
            events.append(HoldChanged(call_id=self.id, at=at, holds=on_hold))

    def _link(self, at: datetime, events: list[CallEvent]) -> None:
        for channel in self.group.channels:
            if channel.linkedid not in self.linkedids:
                self.linkedids.add(channel.linkedid)
                events.append(CallLinked(call_id=self.id, at=at, linkedid=channel.linkedid))
            for file in channel.recordings:
                if file not in self.recordings and self._is_about(channel):
                    self.recordings.add(file)
                    events.append(CallRecorded(call_id=self.id, at=at, file=file))

    def _is_about(self, channel: Channel) -> bool:
        """Whether what is said on the channel is said in this call, rather than in another one of the group."""
        if len(self.group.calls) == 1:
            return True
        centers = [each for each in {self.caller, *self.lines} if each is not None and not each.gone]
        return any(channel is each or channel in self.view.surroundings(each) for each in centers)

    def _identify(self, caller: Channel, at: datetime, events: list[CallEvent]) -> None:
        """A name or number that the dialplan found out after the start."""
        party = self.view.party(caller)
        number = party.number if self.number is None and self._is_put_right(caller, party) else None
        name = None
        if self.direction is Direction.INBOUND and caller.caller_name != self.shown_name:
            self.shown_name = caller.caller_name
            name = own_name(caller.caller_name, party.raw, self.caller_name)
        if number is None and name is None:
            return
        self.number, self.caller_name = number or self.number, name or self.caller_name
        raw = party.raw if number else None
        events.append(CallIdentified(call_id=self.id, at=at, number=number, number_raw=raw, caller_name=name))

    def _is_put_right(self, caller: Channel, party: Party) -> bool:
        """Whether the dialplan has found out the caller's number, rather than set ours to send the caller out again."""
        if self.direction is Direction.OUTBOUND:
            return True
        if self._may_show_ours(party):
            return False
        if any(character.isdigit() for character in caller.came_as or ""):
            return True  # written in a way that says nothing
        self.sent_out = self.sent_out or any(
            channel.outgoing and self.view.is_outside(channel) for channel in self.group.channels
        )
        return bool(self._ringing()) or self._queue_now() is not None

    def _may_show_ours(self, party: Party) -> bool:
        """Whether the number may be one of ours by now: of the line called, or set for the way out to somebody else."""
        return self.answered or bool(self.legs.by_extension) or party.raw == self.line_called

    def _follow_lines(self, at: datetime, events: list[CallEvent]) -> None:
        """The rep, and the outside lines on which the number is called, one after another or at once."""
        for channel in self.group.channels:
            if self.view.is_outside(channel):
                if channel.outgoing and channel.dial_status is not None:
                    self._follow_line(channel, at, events)
            elif self.rep is None and channel.state == UP and self.view.is_person(channel):
                self.rep = channel

    def _follow_line(self, line: Channel, at: datetime, events: list[CallEvent]) -> None:
        if line not in self.lines:
            self.lines = [*(other for other in self.lines if not other.gone), line]
            self.caller = line
            if line.uniqueid not in self.linkedids:  # which stays, whomever the line is connected with
                self.linkedids.add(line.uniqueid)
                events.append(CallLinked(call_id=self.id, at=at, linkedid=line.uniqueid))
        elif any(self.view.is_person(channel) and talks(channel) for channel in self.view.conversation(line)):
            self.caller = line
            self._follow_number(line, at, events)
        if not self.dialled:
            self.dialled = True
            self.number_from_line = self.channel_id is None and self.view.party(line).number == self.number
            persons = [
                self.view.party(channel).extension
                for channel in self.view.surroundings(line)
                if self.view.is_person(channel) and not channel.is_ringing
            ]
            self.requester = self.requester or next(iter(persons), None)
            events.append(OutsideDialled(call_id=self.id, at=at, extension=self.requester))
        if not self.rang_there and (line.is_heard_ringing or line.state == UP):
            self.rang_there = True
            events.append(OutsideRang(call_id=self.id, at=at))

    def _follow_number(self, line: Channel, at: datetime, events: list[CallEvent]) -> None:
        """Of several numbers that were called it is the one that answered with whom the rep talks."""
        party = self.view.party(line)
        is_dialled = self.number_from_line and line.dialled is not None
        if is_dialled and len(self.group.calls) == 1 and party.number not in {None, self.number}:
            self.number = party.number
            events.append(CallIdentified(call_id=self.id, at=at, number=party.number, number_raw=party.raw))

    def _follow_legs(self, at: datetime, events: list[CallEvent]) -> None:
        if self.caller is not None and self.caller.bridge is not None:
            hearing = self.view.conversation(self.caller)
            answers = self.legs.take_answers(hearing, at)
            self.answered = self.answered or bool(answers)
            events += answers
            self._take_forwards(hearing, at, events)
            if not self.answered:
                self.behind |= {channel.uniqueid for channel in hearing if self.view.is_helper(channel)}
        if new := self.legs.newly_called(self._ringing()):
            events += self.legs.take_ringing(new, at, self._case())
            if self._queue_now() is None:
                self.waiting.stage = Reached.RINGING
        if self.legs.have_changed:
            events += self.legs.follow(at, self._case())

    def _take_forwards(self, hearing: list[Channel], at: datetime, events: list[CallEvent]) -> None:
        """Outside lines that the call was sent on to, and that took it; those of other calls are on their own."""
        if self.direction is Direction.OUTBOUND and not self.answered:
            return
        for channel in hearing:
            if not (channel.outgoing and talks(channel) and self.view.is_outside(channel)):
                continue
            if channel not in {*self.forwards, *self.lines, *(call.caller for call in self.group.calls)}:
                party = self.view.party(channel)
                number = party.number or party.raw
                if number is not None:
                    self.forwards.append(channel)
                    self.answered = True
                    events.append(AnsweredOutside(call_id=self.id, at=at, number=number))
                    events += self.legs.release(at)

    def _ringing(self) -> list[Channel]:
        """Our phones that are called for this call. The group of a single call is called for nobody else."""
        ringing = [each for each in self.group.channels if each.is_ringing and self.view.is_person(each)]
        if not ringing or len(self.group.calls) == 1:
            return ringing
        centers = [each for each in {self.caller, *self.lines} if each is not None and not each.gone]
        near = {channel for center in centers for channel in self.view.surroundings(center)}
        return [channel for channel in ringing if channel in near]

    def _case(self) -> Case:
        return Case(taken=self._is_taken(), held=self._is_held(), left=self._has_caller_left())

    def _is_held(self) -> bool:
        """Somebody has the call."""
        return self.legs.any_talking or any(not line.is_over for line in self.forwards)

    def _is_taken(self) -> bool:
        """Somebody answered who is not connected with the caller yet."""
        return any(
            channel.state == UP
            and not (channel.dial_ended or channel.is_over)
            and not (channel in self.forwards or self.legs.has_talked(channel))
            for channel in self._answering()
        )

    def _answering(self) -> list[Channel]:
        """Those that were called and answered."""
        return [
            channel
            for channel in self.group.channels
            if channel.dial_status == ANSWER and channel is not self.caller and not self.view.is_helper(channel)
        ]

    def _has_caller_left(self) -> bool:
        """Whoever called gave up."""
        caller = self.caller if self.direction is Direction.INBOUND else self.rep
        return caller is not None and caller.is_over

    def _follow_waiting(self, caller: Channel, at: datetime, events: list[CallEvent]) -> None:
        queue = self._queue_now()
        # Looked at when the PBX answers, and not with each event.
        asked = caller.state == UP and not self.waiting.pbx_answered
        ringing, taken = asked and self.legs.any_ringing, asked and bool(self._answering())
        if self.waiting.follow(caller, queue, ringing=ringing, taken=taken) and queue is not None:
            events.append(CallQueued(call_id=self.id, at=at, queue=queue))

    def _follow_on(self, at: datetime, events: list[CallEvent]) -> None:
        """A queue to which whoever answered handed the outside party on; the one by which it came in stays."""
        if self.caller is not None and self.caller.queue is not None and self.waiting.queue is None:
            self.waiting.queue = self.caller.queue
            events.append(CallQueued(call_id=self.id, at=at, queue=self.waiting.queue))

    def _queue_now(self) -> str | None:
        """The queue in which the caller waits, perhaps at the end of a Local channel."""
        if len(self.group.calls) > 1:
            return self.caller.queue if self.caller else None
        return next((channel.queue for channel in self.group.channels if channel.queue), None)

    def part_of(self) -> LiveCall | None:
        """The call that this one turned out to serve: the rep called only to connect the two outside parties.

        What was called is part of the call that came in, else of the one that began first.
        """
        line = self.caller
        if self.direction is Direction.INBOUND or line is None or line.gone:
            return None
        near = self.view.surroundings(line)
        if any(self.view.is_person(channel) for channel in near):
            return None
        others = [call for call in self.group.calls if call is not self and call.caller in near]
        came_in = (call for call in others if call.direction is Direction.INBOUND)
        return next(came_in, None) or next((call for call in others if call.since < self.since), None)

    # The end

    def ending(self, at: datetime) -> list[CallEvent] | None:
        """The last events, when the call is over; None while it goes on."""
        if self.restored:
            return None
        if self.direction is Direction.INBOUND or self.answered:
            over = self.caller is not None and self.caller.gone and not self._awaits_record(self.caller, at)
        else:
            over = self._is_given_up()
        return self.end(self.left_at or at) if over else None

    def end(self, at: datetime, *, provisional: bool = False) -> list[CallEvent]:
        """The last events of a call that is over now, whatever the PBX shows."""
        cause = self.caller.cause if self.caller is not None else None
        events = self.legs.last_words(at, cause, self._case())
        result = self._result()
        events += self._identified_at_last(at)
        reached = self.waiting.reached(self.caller) if result is CallResult.MISSED else None
        events.append(CallEnded(call_id=self.id, at=at, result=result, reached=reached, provisional=provisional))
        return events

    def _identified_at_last(self, at: datetime) -> list[CallEvent]:
        """The number, as the dialplan has it, of one who came without: it came late, or was found, and nobody rang."""
        caller = self.caller
        if self.direction is Direction.OUTBOUND or caller is None or self.number is not None or self.sent_out:
            return []
        party = self.view.party(caller)
        if party.number is None or self._may_show_ours(party):
            return []
        self.number = party.number
        return [CallIdentified(call_id=self.id, at=at, number=party.number, number_raw=party.raw)]

    def _result(self) -> CallResult:
        if self.answered:
            return CallResult.ANSWERED
        if self.direction is Direction.INBOUND:
            return CallResult.MISSED
        if self.lines:
            line = self.lines[-1]
            return outside_result(line.dial_status, line.cause, rang=self.rang_there, played=line.is_only_playing)
        if self.rang_there:
            return CallResult.NO_ANSWER
        # The rep was on the line, but the dialplan had none to the outside, or did not allow it.
        in_vain = self.rep is not None and not self.rep.leaving
        return CallResult.FAILED if in_vain else CallResult.CANCELLED

    def _is_given_up(self) -> bool:
        """Outbound, unanswered: nobody is left who could still call or be called."""
        if not self.had_channels:
            return False
        if not self.group.channels:
            return True
        if not self.lines or not all(line.gone for line in self.lines):
            return False
        return len(self.group.calls) > 1 or self._is_talked_on()

    def _is_talked_on(self) -> bool:
        """Those of ours who are left talk with one another: the number was only called to be asked."""
        return all(self.view.is_person(channel) and talks(channel) for channel in self.group.channels)

    def _awaits_record(self, caller: Channel, at: datetime) -> bool:
        """The PBX had answered, nobody of ours did: only the call record tells an announcement from voicemail."""
        if self.answered or caller.state != UP or caller.queue or caller.parked or caller.record_closed:
            return False
        self.left_at = self.left_at or at
        return at - self.left_at < RECORD_GRACE
