"""Who is free, rings, talks or is away: from the states of the phones, from the calls that go on, and from what each
person said of themselves. Pure functions of values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from zeoncrm.pipeline.call_events import Direction
from zeoncrm.pipeline.calls import Call, CallState, Leg, Progress
from zeoncrm.pipeline.queues import Queue
from zeoncrm.store.people import PersonRow


class PhoneState(StrEnum):
    """What a phone does, as its PBX knows."""

    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    FREE = "free"
    RINGING = "ringing"
    TALKING = "talking"


class PresenceState(StrEnum):
    """How a person stands. `away` is said by the person; a phone that rings or talks counts for more."""

    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    FREE = "free"
    RINGING = "ringing"
    TALKING = "talking"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Presence:
    """A person at the phone. `since`: when the state began, UTC, as far as we have seen it. `phones`: the extensions
    each with its PBX (empty: on every one), for the same number may be somebody else's on another. `on_hold_since`:
    when the last of those they talk with was put on hold, while they all are."""

    person_id: int
    login: str
    name: str
    extensions: tuple[str, ...]
    state: PresenceState
    away: bool
    since: datetime
    phones: tuple[tuple[str, str], ...] = ()
    on_hold_since: datetime | None = None


class Watched(Protocol):
    """A PBX as far as it shows what goes on. Nothing is known of one that is not connected."""

    @property
    def is_up(self) -> bool:
        """Whether it is connected now."""

    @property
    def phones(self) -> Mapping[str, PhoneState]:
        """The state of each phone that the PBX tells of, by extension."""

    @property
    def queues(self) -> tuple[Queue, ...]:
        """Its queues, with who waits."""


# The one that counts of several phones of a person: later ones before earlier ones.
_RANK = {state: rank for rank, state in enumerate(PhoneState)}


def presence_of(
    person: PersonRow, phones: Mapping[str, Mapping[str, PhoneState]], calls: Collection[Call], at: datetime
) -> Presence:
    """How the person stands now. `phones`: the states by extension, of each PBX that is connected; `calls`: those that
    go on there."""
    states = {PhoneState.UNKNOWN}
    numbers = [(pbx, number) for pbx in phones for where, number in person.extensions if where in ("", pbx)]
    states.update(phones[pbx].get(number, PhoneState.UNKNOWN) for pbx, number in numbers)
    parts = [(call, leg) for call in calls for leg in call.legs if (call.pbx, leg.extension) in numbers]
    states.update(_of_leg(call, leg) for call, leg in parts)
    phone = max(states, key=_RANK.__getitem__)
    busy = phone in (PhoneState.RINGING, PhoneState.TALKING)
    state = PresenceState.AWAY if person.away and not busy else PresenceState(phone.value)
    extensions = tuple(dict.fromkeys(number for _, number in person.extensions))
    return Presence(
        person.id,
        person.login,
        person.name,
        extensions,
        state,
        person.away,
        at,
        tuple(person.extensions),
        _on_hold_since(parts) if state is PresenceState.TALKING else None,
    )


def _of_leg(call: Call, leg: Leg) -> PhoneState:
    """What a call says of one of its phones: one that talks on a mobile is busy though its desk phone is free."""
    if call.state is CallState.ENDED or leg.left_at is not None:
        return PhoneState.UNKNOWN
    dialling = call.direction is Direction.OUTBOUND and call.progress in (Progress.CALLING, Progress.RINGING_THERE)
    if leg.is_talking or dialling:
        return PhoneState.TALKING
    return PhoneState.RINGING if leg.rang_at is not None else PhoneState.UNKNOWN


def _on_hold_since(parts: Sequence[tuple[Call, Leg]]) -> datetime | None:
    talking = [(call, leg) for call, leg in parts if leg.is_talking]
    held = [hold.since for call, leg in talking for hold in call.on_hold if hold.extension == leg.extension]
    return max(held) if held and len(held) == len(talking) else None
