"""Our people's parts in a call, as its records tell them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zeoncrm.ami.cdr.groups import in_order
from zeoncrm.ami.cdr.rows import CdrRow
from zeoncrm.ami.cdr.story import MEETING, Story
from zeoncrm.ami.outcomes import best_known
from zeoncrm.ami.parties import whole
from zeoncrm.pipeline.call_events import LegOutcome
from zeoncrm.pipeline.calls import Leg

_REFUSED = {"BUSY": LegOutcome.BUSY, "FAILED": LegOutcome.FAILED, "CONGESTION": LegOutcome.FAILED}


@dataclass(frozen=True, slots=True)
class Part:
    """One channel of ours in a call. `row`: the record of its answer, else its last."""

    extension: str
    row: CdrRow
    rang_at: datetime | None
    answered_at: datetime | None
    left_at: datetime

    @property
    def turn(self) -> tuple[Any, ...]:
        """The order of answers; those who did not answer come by when they were called."""
        return (self.answered_at or self.rang_at or self.row.start, in_order(self.row))


def parts_of(story: Story, centers: list[str]) -> list[Part]:
    """The parts of the call whose outside party is at these channels, the answers in their order."""
    hearing = story.hearing(centers)
    alone = len(story.callers) <= 1
    parts = []
    for name, extension in story.people.items():
        rows = story.of(name)
        talks = name in hearing and not story.never_answered(name)
        connected = [row for row in rows if talks and row.answered and _are_in(row, hearing)]
        if connected:
            row = min(connected, key=lambda row: (story.answered_at(row), in_order(row)))
            left_at = max(row.end for row in connected)
            parts.append(Part(extension, row, _rang_at(rows, name), story.answered_at(row), left_at))
        elif alone or any(_leads_to(story, row, centers) for row in rows):
            own = [row for row in rows if row.peer == name] or rows
            parts.append(Part(extension, own[-1], _rang_at(rows, name), None, own[-1].end))
    return sorted(parts, key=lambda part: part.turn)


def legs_of(story: Story, parts: list[Part], forwards: list[CdrRow], ended_at: datetime) -> tuple[Leg, ...]:
    """The legs, one an extension, however many channels and attempts it had. `forwards`: answers by outside lines."""
    winners = [*(part.row for part in parts if part.answered_at is not None), *forwards]
    by_extension: dict[str, list[Part]] = {}
    for part in sorted(parts, key=lambda part: (part.rang_at or part.row.start, in_order(part.row))):
        by_extension.setdefault(part.extension, []).append(part)
    return tuple(_leg(story, extension, each, winners, ended_at) for extension, each in by_extension.items())


def _leg(story: Story, extension: str, parts: list[Part], winners: list[CdrRow], ended_at: datetime) -> Leg:
    return Leg(
        extension,
        rang_at=min((part.rang_at for part in parts if part.rang_at), default=None),
        answered_at=min((part.answered_at for part in parts if part.answered_at), default=None),
        left_at=max(part.left_at for part in parts),
        outcome=best_known([_outcome(story, part, winners, ended_at) for part in parts]),
        rings=_rings(parts),
    )


def _rings(parts: list[Part]) -> int:
    """How often the extension rang: devices that were called at once, or while another rang, are one ring."""
    rings = 0
    last: tuple[datetime, datetime] | None = None
    for part in parts:
        if part.rang_at is None:
            continue
        stopped = part.answered_at or part.left_at
        if last is None or (part.rang_at > last[0] and part.rang_at >= last[1]):
            rings, last = rings + 1, (part.rang_at, stopped)
        else:
            last = (last[0], max(last[1], stopped))
    return rings


def _outcome(story: Story, part: Part, winners: list[CdrRow], ended_at: datetime) -> LegOutcome:
    if part.answered_at is not None:
        return LegOutcome.ANSWERED
    if part.row.disposition in _REFUSED:
        return _REFUSED[part.row.disposition]
    if any(_is_elsewhere(story, part, winner) for winner in winners):
        return LegOutcome.ANSWERED_ELSEWHERE
    gave_up = part.rang_at is None or (part.left_at >= ended_at and not story.went_on(part.row))
    return LegOutcome.CANCELLED if gave_up else LegOutcome.NO_ANSWER


def _is_elsewhere(story: Story, part: Part, winner: CdrRow) -> bool:
    """Whether the part rang until somebody else answered."""
    answered_at = story.answered_at(winner)
    if part.left_at < answered_at:
        return False
    began = part.rang_at or part.row.start
    return story.dial_of(part.row) == story.dial_of(winner) or began < answered_at < part.left_at


def _rang_at(rows: list[CdrRow], name: str) -> datetime | None:
    """When it was called, if the PBX called it."""
    return next((row.start for row in rows if row.peer == name and row.app not in MEETING), None)


def _are_in(row: CdrRow, hearing: set[str]) -> bool:
    return whole(row.channel) in hearing and whole(row.peer) in hearing


def _leads_to(story: Story, row: CdrRow, centers: list[str]) -> bool:
    return story.dial_of(row)[0] in centers
