"""Which rule an incoming call falls under, and whether its number is listed. Pure functions of values.

Rules are tried in their order, and the first that fits counts. What a rule leaves empty it does not ask for. Times of
day and weekdays are the company's: they are looked up in its time zone, by what the clock on the wall shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.store.incoming import ListedRow, RuleRow

MINUTES_A_DAY = 24 * 60
_SHORTEST, _LONGEST = 2, 20


class Callers(StrEnum):
    """Whose calls a rule is for. Known is who was a contact before the call began."""

    ANY = "any"
    KNOWN = "known"
    UNKNOWN = "unknown"


class MissedOwner(StrEnum):
    """Whose an incoming call becomes that nobody answered."""

    RESPONSIBLE = "responsible"
    PERSON = "person"
    GROUP = "group"


class BadPattern(ValueError):
    """The text is neither a number nor the beginning of some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What rules ask of a call. `at`: when it began. `final`: it was answered or is over, so that it goes to no queue
    any more that we do not know of."""

    at: datetime
    did: str | None = None
    queue: str | None = None
    known: bool = False
    final: bool = True


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rule that a call falls under, if any. Not `settled`: a rule before it may fit yet, if a queue is reached."""

    rule: RuleRow | None = None
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """The listed numbers: the very number counts before beginnings, a longer beginning before a shorter one."""

    exact: dict[str, ListedRow] = field(default_factory=dict)
    beginnings: tuple[tuple[str, ListedRow], ...] = ()

    @classmethod
    def of(cls, rows: Iterable[ListedRow]) -> Listed:
        """The lists made of these rows."""
        known = {row.pattern: row for row in rows}
        begin = [(pattern[:-1], row) for pattern, row in known.items() if pattern.endswith("*")]
        exact = {pattern: row for pattern, row in known.items() if not pattern.endswith("*")}
        return cls(exact, tuple(sorted(begin, key=lambda each: -len(each[0]))))

    def find(self, number: str | None, raw: str | None) -> ListedRow | None:
        """The entry for a number: E.164, or what the PBX said of one that can't be read so."""
        asked = number or raw
        if not asked:
            return None
        return self.exact.get(asked) or next((row for start, row in self.beginnings if asked.startswith(start)), None)


@dataclass(frozen=True, slots=True)
class Incoming:
    """All that supervisors decided about incoming calls, as a value that is replaced when they change it."""

    rules: tuple[RuleRow, ...] = ()
    listed: Listed = Listed()

    def screening(self, number: str | None, raw: str | None) -> Screening | None:
        """What becomes of this number's calls, when it is listed."""
        found = self.listed.find(number, raw)
        return None if found is None else Screening(found.listing)

    @property
    def has_groups(self) -> bool:
        """Whether people take turns by any rule."""
        return any(rule.missed_owner == MissedOwner.GROUP for rule in self.rules)


def ruling(rules: Iterable[RuleRow], asked: Asked, zone: tzinfo, region: str) -> Ruling:
    """The first rule that fits the call."""
    for rule in rules:
        if not rule.active or not fits(rule, asked, zone, region):
            continue
        if rule.queues and asked.queue is None:
            if asked.final:
                continue
            return Ruling(None, settled=False)
        if not rule.queues or _is_among(asked.queue, rule.queues, str.casefold):
            return Ruling(rule)
    return Ruling()


def fits(rule: RuleRow, asked: Asked, zone: tzinfo, region: str) -> bool:
    """Whether the call is what the rule asks for, its queue left aside."""
    if rule.callers != Callers.ANY and (rule.callers == Callers.KNOWN) is not asked.known:
        return False
    if rule.dids and not _is_among(asked.did, rule.dids, lambda did: _line(did, region)):
        return False
    return is_within(asked.at.astimezone(zone), rule.begins, rule.ends, rule.weekdays)


def is_within(local: datetime, begins: int | None, ends: int | None, weekdays: Sequence[int]) -> bool:
    """Whether a time on the wall's clock lies in these hours (minutes since midnight, the end left out) of these days.

    Hours that end before they begin go over midnight, and belong to the day on which they begin: Friday 22:00 to 6:00
    holds Saturday's early morning and not Friday's. Hours that end when they begin are a whole day's.
    """
    start, end = begins or 0, ends or 0
    minute, day = local.hour * 60 + local.minute, local
    if end <= start:
        end += MINUTES_A_DAY
        if minute < start:
            minute, day = minute + MINUTES_A_DAY, local - timedelta(days=1)
    return start <= minute < end and (not weekdays or day.isoweekday() in weekdays)


def whose_turn(group: Sequence[int], last_turns: Callable[[int], int], is_there: Callable[[int], bool]) -> int | None:
    """The person of the group whose last turn is longest ago; of those who are there, if anybody is."""
    present = [person for person in group if is_there(person)] or list(group)
    return min(present, key=lambda person: (last_turns(person), group.index(person)), default=None)


def pattern_of(text: str, region: str) -> str:
    """A number as it is listed: E.164, bare digits for one that is too short for that, or a beginning with its `*`.

    Raises:
        BadPattern: it is neither; a beginning needs its country code (`+7800*`).
    """
    plain = re.sub(r"[\s().\-]", "", text)
    if plain.endswith("*"):
        if re.fullmatch(r"\+[0-9]{1,15}\*", plain):
            return plain
        raise BadPattern("the beginning of numbers is written as +7800*")
    number = normalise(text.strip(), region)
    if number is not None:
        return number
    if re.fullmatch(rf"[0-9]{{{_SHORTEST},{_LONGEST}}}", plain):
        return plain
    raise BadPattern("not a telephone number")


def _is_among(value: str | None, wanted: Sequence[str], key: Callable[[str], str]) -> bool:
    return value is not None and key(value) in {key(each) for each in wanted}


def _line(did: str, region: str) -> str:
    """A line of ours: carriers and people write it with and without its country code."""
    return normalise(did, region) or re.sub(r"[^0-9a-z]", "", did.casefold())
