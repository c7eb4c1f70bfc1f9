"""The parts that our extensions have in one call: what they do now against what has been told of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zeoncrm.ami.channels import ANSWER, Channel
from zeoncrm.ami.outcomes import best_known, leg_outcome
from zeoncrm.ami.view import View, talks
from zeoncrm.pipeline.call_events import CallEvent, LegAnswered, LegEnded, LegOutcome, LegRang

# A phone that neither says that it rings nor refuses is taken to ring after so long.
SILENT_RING = timedelta(seconds=1)


@dataclass(slots=True)
class LiveLeg:
    """One extension's part: its channels that ring or wait to be connected, and those that talk or talked."""

    rings: dict[Channel, None] = field(default_factory=dict)
    talks: dict[Channel, None] = field(default_factory=dict)
    told_ringing: bool = False
    told_talking: bool = False

    @property
    def is_given_up(self) -> bool:
        """It rang and does no more, though the hang-up may be yet to come."""
        return bool(self.rings) and all(channel.rings_no_more or channel.dial_ended for channel in self.rings)


@dataclass(frozen=True, slots=True)
class Case:
    """In what case phones stop ringing.

    `taken`: somebody is about to be connected. `held`: somebody had the call already when these phones began to
    ring. `left`: whoever called gave up.
    """

    taken: bool
    held: bool
    left: bool


@dataclass(slots=True)
class Legs:
    """The legs of the call `call_id`, by extension. Each method returns what is news."""

    call_id: str
    view: View
    by_extension: dict[str, LiveLeg] = field(default_factory=dict)

    @property
    def any_talking(self) -> bool:
        """Somebody of ours has the call."""
        return any(leg.told_talking for leg in self.by_extension.values())

    def talking(self) -> list[tuple[str, Channel]]:
        """Who has the call, and by which channels."""
        return [
            (extension, channel)
            for extension, leg in self.by_extension.items()
            if leg.told_talking
            for channel in leg.talks
        ]

    @property
    def any_ringing(self) -> bool:
        """A phone of ours is being called."""
        return any(channel.is_ringing for leg in self.by_extension.values() for channel in leg.rings)

    @property
    def have_changed(self) -> bool:
        """Something of them may be to be told."""
        for leg in self.by_extension.values():
            if leg.rings and not leg.told_ringing and not leg.told_talking:
                return True
            # Asked with each event: loops are twice as quick as generators.
            for channel in leg.rings:
                if channel.rings_no_more:
                    return True
            for channel in leg.talks:
                if channel.is_over:
                    return True
        return False

    def has_talked(self, channel: Channel) -> bool:
        """Somebody of ours talks at this channel with the outside party."""
        leg = self.by_extension.get(self._extension(channel))
        return leg is not None and channel in leg.talks

    def take_answers(self, hearing: Iterable[Channel], at: datetime) -> list[CallEvent]:
        """Persons among those that hear the outside party."""
        events: list[CallEvent] = []
        for channel in hearing:
            if self.view.is_person(channel) and talks(channel) and self._is_there(channel):
                leg = self._of(channel)
                leg.talks[channel] = None
                leg.rings.pop(channel, None)
                if not leg.told_talking:
                    leg.told_talking, leg.told_ringing = True, False
                    events.append(LegAnswered(call_id=self.call_id, at=at, extension=self._extension(channel)))
        if events:
            events += self.release(at)
        return events

    def release(self, at: datetime) -> list[CallEvent]:
        """Somebody took the call: all others stop ringing, whenever their phones are told so."""
        events: list[CallEvent] = []
        for extension, leg in self.by_extension.items():
            for channel in leg.rings:
                channel.settled = True
            if leg.rings and not leg.told_talking:
                leg.told_ringing = False
                events.append(self._ended(extension, LegOutcome.ANSWERED_ELSEWHERE, at))
            leg.rings.clear()
        return events

    def newly_called(self, ringing: Iterable[Channel]) -> list[Channel]:
        """Which of these phones were not called for this call before."""
        return [channel for channel in ringing if not channel.settled and channel not in self._of(channel).rings]

    def take_ringing(self, new: Iterable[Channel], at: datetime, case: Case) -> list[CallEvent]:
        """Phones are called for this call. Where it rang before that is over, though the hang-up may be yet to come:
        a dialplan that dials once more does not wait for it.
        """
        events: list[CallEvent] = []
        for channel in new:
            leg = self._of(channel)
            if leg.is_given_up:
                self._end_ringing(self._extension(channel), leg, at, case, events)
            leg.rings[channel] = None
        return events

    def follow(self, at: datetime, case: Case) -> list[CallEvent]:
        """What became of those that rang or talked."""
        events: list[CallEvent] = []
        for extension, leg in self.by_extension.items():
            if leg.rings and not leg.told_ringing and not leg.told_talking and _is_heard(leg, at):
                leg.told_ringing = True
                events.append(LegRang(call_id=self.call_id, at=at, extension=extension))
            if leg.rings and all(channel.rings_no_more for channel in leg.rings):
                self._end_ringing(extension, leg, at, case, events)
            if leg.told_talking and leg.talks and all(channel.is_over for channel in leg.talks):
                leg.talks.clear()
                leg.told_talking = False
                events.append(self._ended(extension, LegOutcome.ANSWERED, at))
        return events

    def last_words(self, at: datetime, cause: int | None, case: Case) -> list[CallEvent]:
        """Why phones no longer ring whose hang-ups come after the end. `cause`: why the caller's channel ended."""
        events: list[CallEvent] = []
        for extension, leg in self.by_extension.items():
            if leg.is_given_up and not leg.told_talking:
                events.append(self._ended(extension, _outcome(leg, cause, case), at))
        return events

    def adopt(self, channels: dict[str, list[Channel]], at: datetime) -> list[CallEvent]:
        """The channels that the legs of a restored call have now; those without one ended meanwhile."""
        events: list[CallEvent] = []
        attended = any(leg.told_talking and channels[each] for each, leg in self.by_extension.items())
        for extension, leg in tuple(self.by_extension.items()):
            if leg.told_talking:
                leg.talks = {channel: None for channel in channels[extension] if not channel.is_ringing}
            else:
                leg.rings = dict.fromkeys(channels[extension])
            if not leg.talks and not leg.rings:
                outcome = LegOutcome.ANSWERED_ELSEWHERE if attended else LegOutcome.NO_ANSWER
                events.append(self._ended(extension, LegOutcome.ANSWERED if leg.told_talking else outcome, at))
                del self.by_extension[extension]
        return events

    def _is_there(self, channel: Channel) -> bool:
        """Not one that hung up before Asterisk put it into the conversation, as it may do all the same."""
        return not channel.leaving or self.has_talked(channel)

    def _of(self, channel: Channel) -> LiveLeg:
        extension = self._extension(channel)
        leg = self.by_extension.get(extension)
        if leg is None:
            leg = self.by_extension[extension] = LiveLeg()
        return leg

    def _extension(self, channel: Channel) -> str:
        return self.view.party(channel).extension or ""

    def _end_ringing(self, extension: str, leg: LiveLeg, at: datetime, case: Case, events: list[CallEvent]) -> None:
        outcome = _outcome(leg, None, case)
        leg.rings.clear()
        if not leg.told_talking:
            leg.told_ringing = False
            events.append(self._ended(extension, outcome, at))

    def _ended(self, extension: str, outcome: LegOutcome, at: datetime) -> LegEnded:
        return LegEnded(call_id=self.call_id, at=at, extension=extension, outcome=outcome)


def _is_heard(leg: LiveLeg, at: datetime) -> bool:
    return any(
        channel.is_ringing and (channel.is_heard_ringing or at - channel.since >= SILENT_RING) for channel in leg.rings
    )


def _outcome(leg: LiveLeg, cause: int | None, case: Case) -> LegOutcome:
    outcomes = [
        LegOutcome.ANSWERED_ELSEWHERE
        if channel.picked_up
        else leg_outcome(
            channel.dial_status,
            cause if channel.cause is None else channel.cause,
            channel.sip,
            # Whoever was only consulted leaves the call to whom it had.
            elsewhere=case.taken or (case.held and channel.dial_status == ANSWER),
            caller_left=case.left,
        )
        for channel in leg.rings
    ]
    return best_known(outcomes)
