"""A call and its states.

Two rules: a call moves only along `TRANSITIONS`; an event that is not allowed in a call's state changes nothing and
says why (`IllegalTransition`). Everything here is a value or a pure function: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from zeoncrm.pipeline.call_events import (
    AnsweredOutside,
    CallEnded,
    CallEvent,
    CallIdentified,
    CallInterrupted,
    CallLinked,
    CallQueued,
    CallRequested,
    CallResult,
    CallStarted,
    Consult,
    ConsultChanged,
    Direction,
    Hold,
    HoldChanged,
    LegAnswered,
    LegEnded,
    LegOutcome,
    LegRang,
    OutsideDialled,
    OutsideRang,
    Reached,
    Source,
)


class CallState(StrEnum):
    """Where a call stands."""

    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class Progress(StrEnum):
    """How far an outbound call got that is not answered yet."""

    OWN_PHONE = "own_phone"
    CALLING = "calling"
    RINGING_THERE = "ringing_there"


class Screening(StrEnum):
    """What a supervisor decided about a number: its calls are nobody's work. A blocked one is hung up by the PBX."""

    IGNORED = "ignored"
    BLOCKED = "blocked"


class IllegalTransition(Exception):
    """An event that the call's state does not allow. The call is unchanged."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One extension's part in a call. Times in UTC; `rang_at` is None when it never rang (it called, or picked up).

    `rings`: how often it rang; several devices that ring at once are one ring.
    """

    extension: str
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    left_at: datetime | None = None
    outcome: LegOutcome | None = None
    rings: int = 0

    @property
    def is_talking(self) -> bool:
        """It has answered and is there; one that had left and is called again has not."""
        return self.left_at is None and self.outcome is LegOutcome.ANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One conversation thread with one outside party. Times in UTC."""

    id: str
    pbx: str
    direction: Direction
    started_at: datetime
    state: CallState = CallState.RINGING
    number: str | None = None
    number_raw: str | None = None
    caller_name: str | None = None
    did: str | None = None
    queue: str | None = None
    result: CallResult | None = None
    answered_by: str | None = None
    last_extension: str | None = None
    answered_outside: str | None = None
    reached: Reached | None = None
    progress: Progress | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    source: Source = Source.LIVE
    # Some of it happened while the link was away, and may be completed from the PBX's records.
    partly_heard: bool = False
    legs: tuple[Leg, ...] = ()
    linkedids: frozenset[str] = field(default_factory=frozenset)
    # An attended transfer under way; not kept in the database, since it is nothing once it is over.
    consult: Consult | None = None
    # Nor is who of ours has the caller on hold.
    on_hold: tuple[Hold, ...] = ()
    # What the CRM made of it; ids of rows. `requested_by`: the person whose click asked for the call.
    contact_id: int | None = None
    deal_id: int | None = None
    owner_id: int | None = None
    requested_by: int | None = None
    # What the rules for incoming calls say: the number is listed; the name of the rule that the call falls under.
    screened: Screening | None = None
    rule: str | None = None
    # Whose call it was has been erased: nobody is to be known by it again.
    erased: bool = False
    # The files that it was recorded in, as the PBX's records name them; they are kept beside calls.
    files: tuple[str, ...] = field(default=(), compare=False)
    # Ids of something older that it met, of a rep who waited say: others who met it may be known by them too.
    shared_ids: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def wait_seconds(self) -> int | None:
        """Whole seconds from the start to the answer, or to the end when nobody answered; None while it rings."""
        until = self.answered_at or self.ended_at
        return None if until is None else max(0, int((until - self.started_at).total_seconds()))

    @property
    def talk_seconds(self) -> int | None:
        """Whole seconds from the answer to the end: 0 without an answer, None while it goes on."""
        if self.ended_at is None:
            return None
        return 0 if self.answered_at is None else max(0, int((self.ended_at - self.answered_at).total_seconds()))

    def leg(self, extension: str) -> Leg | None:
        """The extension's leg, if it has one."""
        return next((leg for leg in self.legs if leg.extension == extension), None)


R, T, E = CallState.RINGING, CallState.TALKING, CallState.ENDED

# The state machine: (state, event) -> next state. What is not here is not allowed.
TRANSITIONS: dict[tuple[CallState, type[CallEvent]], CallState] = {
    (R, CallLinked): R,
    (T, CallLinked): T,
    (E, CallLinked): E,
    (R, CallIdentified): R,
    (T, CallIdentified): T,
    (R, CallQueued): R,
    (T, CallQueued): T,
    (R, LegRang): R,
    (T, LegRang): T,
    (R, OutsideDialled): R,
    (T, OutsideDialled): T,
    (R, OutsideRang): R,
    (R, LegAnswered): T,
    (T, LegAnswered): T,
    (R, AnsweredOutside): T,
    (T, AnsweredOutside): T,
    (T, ConsultChanged): T,
    (T, HoldChanged): T,
    (R, LegEnded): R,
    (T, LegEnded): T,
    (R, CallInterrupted): R,
    (T, CallInterrupted): T,
    (R, CallEnded): E,
    (T, CallEnded): E,
}


def start(event: CallStarted | CallRequested) -> Call:
    """The call that begins."""
    if isinstance(event, CallRequested):
        return Call(
            id=event.call_id,
            pbx=event.pbx,
            direction=Direction.OUTBOUND,
            started_at=event.at,
            number=event.number,
            number_raw=event.number_raw,
            progress=Progress.OWN_PHONE,
            linkedids=frozenset({event.linkedid}),
            requested_by=event.requested_by,
            owner_id=event.requested_by,
            deal_id=event.deal_id,
        )
    return Call(
        id=event.call_id,
        pbx=event.pbx,
        direction=event.direction,
        started_at=event.at,
        number=event.number,
        number_raw=event.number_raw,
        caller_name=event.caller_name,
        did=event.did,
        source=event.source,
        partly_heard=event.source is Source.RECOVERED,
        linkedids=frozenset({event.linkedid}),
    )


def advance(call: Call, event: CallEvent) -> Call:
    """The call after the event.

    Raises:
        IllegalTransition: the call's state does not allow the event.
    """
    state = TRANSITIONS.get((call.state, type(event)))
    if state is None:
        raise IllegalTransition(f"{type(event).__name__} is not allowed: call {call.id} is {call.state}")
    return replace(_APPLY[type(event)](call, event), state=state)


def _linked(call: Call, event: CallLinked) -> Call:
    return replace(call, linkedids=call.linkedids | {event.linkedid})


def _identified(call: Call, event: CallIdentified) -> Call:
    if call.number is not None and event.number not in {None, call.number}:
        # Somebody else than was thought: what was known of that one is not theirs.
        call = replace(call, contact_id=None, deal_id=None)
    return replace(
        call,
        number=event.number or call.number,
        number_raw=event.number_raw or call.number_raw,
        caller_name=event.caller_name or call.caller_name,
        did=event.did or call.did,
    )


def _queued(call: Call, event: CallQueued) -> Call:
    return replace(call, queue=event.queue)


def _leg_rang(call: Call, event: LegRang) -> Call:
    leg = call.leg(event.extension) or Leg(event.extension)
    rung = replace(leg, rang_at=leg.rang_at or event.at, left_at=None, outcome=None, rings=leg.rings + 1)
    progress = Progress.OWN_PHONE if call.direction is Direction.OUTBOUND and not call.progress else call.progress
    return replace(call, legs=_with_leg(call, rung), progress=progress)


def _outside_dialled(call: Call, event: OutsideDialled) -> Call:
    call = replace(call, progress=call.progress if call.progress is Progress.RINGING_THERE else Progress.CALLING)
    if event.extension is None or call.leg(event.extension):
        return call
    return replace(call, legs=_with_leg(call, Leg(event.extension)))


def _outside_rang(call: Call, event: OutsideRang) -> Call:
    return replace(call, progress=Progress.RINGING_THERE)


def _leg_answered(call: Call, event: LegAnswered) -> Call:
    leg = call.leg(event.extension) or Leg(event.extension)
    answered = replace(leg, answered_at=leg.answered_at or event.at, left_at=None, outcome=LegOutcome.ANSWERED)
    return replace(
        call,
        legs=_with_leg(call, answered),
        answered_by=call.answered_by or event.extension,
        last_extension=event.extension,
        answered_at=call.answered_at or event.at,
        progress=None,
    )


def _answered_outside(call: Call, event: AnsweredOutside) -> Call:
    return replace(call, answered_outside=event.number, answered_at=call.answered_at or event.at, progress=None)


def _consult_changed(call: Call, event: ConsultChanged) -> Call:
    return replace(call, consult=event.consult)


def _hold_changed(call: Call, event: HoldChanged) -> Call:
    return replace(call, on_hold=event.holds)


def _leg_ended(call: Call, event: LegEnded) -> Call:
    leg = call.leg(event.extension) or Leg(event.extension)
    outcome = LegOutcome.ANSWERED if leg.answered_at else event.outcome
    return replace(call, legs=_with_leg(call, replace(leg, left_at=event.at, outcome=outcome)))


def _interrupted(call: Call, event: CallInterrupted) -> Call:
    return replace(call, partly_heard=True)


def _ended(call: Call, event: CallEnded) -> Call:
    legs = tuple(leg if leg.left_at else _closed(leg, call, event) for leg in call.legs)
    reached = event.reached if event.result is CallResult.MISSED else None
    partly_heard = call.partly_heard or event.provisional
    return replace(
        call,
        legs=legs,
        result=event.result,
        reached=reached,
        ended_at=event.at,
        progress=None,
        partly_heard=partly_heard,
        consult=None,
        on_hold=(),
    )


def _closed(leg: Leg, call: Call, event: CallEnded) -> Leg:
    """A leg that was still open when the call ended."""
    in_vain = LegOutcome.ANSWERED_ELSEWHERE if call.answered_at else LegOutcome.CANCELLED
    return replace(leg, left_at=event.at, outcome=LegOutcome.ANSWERED if leg.answered_at else leg.outcome or in_vain)


def _with_leg(call: Call, leg: Leg) -> tuple[Leg, ...]:
    if call.leg(leg.extension) is None:
        return (*call.legs, leg)
    return tuple(leg if each.extension == leg.extension else each for each in call.legs)


_APPLY: dict[type[CallEvent], Callable[[Call, Any], Call]] = {
    CallLinked: _linked,
    CallIdentified: _identified,
    CallQueued: _queued,
    LegRang: _leg_rang,
    OutsideDialled: _outside_dialled,
    OutsideRang: _outside_rang,
    LegAnswered: _leg_answered,
    AnsweredOutside: _answered_outside,
    ConsultChanged: _consult_changed,
    HoldChanged: _hold_changed,
    LegEnded: _leg_ended,
    CallInterrupted: _interrupted,
    CallEnded: _ended,
}
