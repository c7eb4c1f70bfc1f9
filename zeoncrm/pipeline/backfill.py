"""Calls that the PBX's records tell of: which of them are known, and what becomes of those. Pure functions of values.

A call is made once, however often its records are read; one of which everything was heard stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from zeoncrm.pipeline.call_events import CallEvent, CallResult, Direction, LegOutcome, Source
from zeoncrm.pipeline.calls import Call, CallState, Leg

# Such an alias is made of a call's first record, where records have no ids: the PBX does not know the call by it.
MADE_UP = "cdr:"
# What the CRM made of a call; the records know nothing of it.
_OURS = ("id", "contact_id", "deal_id", "owner_id", "screened", "rule")


@dataclass(frozen=True, slots=True)
class Filled:
    """What came of records: how many calls were made, and how many completed."""

    made: int = 0
    completed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsTold(CallEvent):
    """What records of a PBX say of calls that are over, and how far they have been read: kept all at once, or not.

    The calls have `linkedids` and `shared_ids`, but no id yet. `at`: when they were read. `mark` is the source's own.
    """

    pbx: str
    calls: tuple[Call, ...]
    mark: Mapping[str, Any]


def completed(known: Call, told: Call) -> Call:
    """What is known of a call with what its records say; `known` itself when there is nothing to complete."""
    linkedids = known.linkedids | told.linkedids
    if known.state is not CallState.ENDED or known.erased or _is_a_part(known, told):
        return known
    if known.source is Source.BACKFILLED or _was_mistaken(known, told):
        after = replace(told, **{name: getattr(known, name) for name in _OURS}, linkedids=linkedids)
        return known if replace(after, linkedids=known.linkedids) == known else after
    if not known.partly_heard:
        return known
    if known.source is Source.LIVE:
        # The clocks differ: times of the records become times of ours.
        told = _shifted(told, known.started_at - told.started_at)
    return replace(
        known,
        number=known.number or told.number,
        number_raw=known.number_raw or told.number_raw,
        caller_name=known.caller_name or told.caller_name,
        did=known.did or told.did,
        queue=known.queue or told.queue,
        started_at=min(known.started_at, told.started_at),
        ended_at=told.ended_at,
        linkedids=linkedids,
        partly_heard=False,
        legs=_legs(known, told),
        **_answer(known, told),
    )


def _is_a_part(known: Call, told: Call) -> bool:
    """Whether these are some records of the call, written later than its others: a forward's, whose channels outlived
    the caller's. By themselves they look like a call of their own."""
    if told.direction is not known.direction:
        return not _was_mistaken(known, told)
    return known.source is Source.BACKFILLED and not told.linkedids >= known.linkedids


def _was_mistaken(known: Call, told: Call) -> bool:
    """Whether a call that was found in progress when its caller had just gone was taken for one to where it was
    forwarded."""
    return (
        known.source is Source.RECOVERED
        and known.partly_heard
        and (known.direction, told.direction) == (Direction.OUTBOUND, Direction.INBOUND)
    )


def _answer(known: Call, told: Call) -> dict[str, Any]:
    """Who answered. What was heard did happen, but of a call found in progress the first answer was not heard."""
    if told.answered_at is None and known.answered_at is not None:
        return {}
    heard = known.source is Source.LIVE and known.answered_at is not None
    first = known if heard else told
    return {
        "answered_at": first.answered_at,
        "answered_by": first.answered_by or told.answered_by,
        "last_extension": told.last_extension or known.last_extension,
        "answered_outside": known.answered_outside or told.answered_outside,
        "result": CallResult.ANSWERED if heard else told.result,
        "reached": None if heard else told.reached,
    }


def _legs(known: Call, told: Call) -> tuple[Leg, ...]:
    """The legs of both; of one that is in both the first times that are known, and how the records say it ended."""
    legs = []
    for leg in told.legs:
        heard = known.leg(leg.extension) or leg
        answered_at = heard.answered_at or leg.answered_at
        outcome = LegOutcome.ANSWERED if answered_at else leg.outcome
        rang_at, rings = heard.rang_at or leg.rang_at, max(heard.rings, leg.rings)
        legs.append(replace(leg, rang_at=rang_at, answered_at=answered_at, outcome=outcome, rings=rings))
    return (*legs, *(leg for leg in known.legs if told.leg(leg.extension) is None))


def _shifted(call: Call, by: timedelta) -> Call:
    def moved(at: datetime | None) -> datetime | None:
        return None if at is None else at + by

    legs = tuple(
        replace(leg, rang_at=moved(leg.rang_at), answered_at=moved(leg.answered_at), left_at=moved(leg.left_at))
        for leg in call.legs
    )
    return replace(
        call,
        started_at=call.started_at + by,
        answered_at=moved(call.answered_at),
        ended_at=moved(call.ended_at),
        legs=legs,
    )
