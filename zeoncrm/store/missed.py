"""Missed calls and whether they were called back, worked out from the later calls to and from their numbers.

A line is a number's last missed call before somebody talked with it, of those that the person who asks (`scope`; None
sees all) may see, and stands for those before it. A talk counts whoever may see it, and one with the contact at another
of their numbers counts as one with the number. What follows a missed call is found by the indexes of numbers and of
contacts, one step for a call, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.call_scope import visible
from zeoncrm.store.incoming import is_listed
from zeoncrm.store.tables import calls, deals, legs, people

Lines = Literal["all", "open", "done"]

# In these very words it is the condition of an index.
MISSED = calls.c.result == sa.literal_column("'missed'")
TRIED = ("no_answer", "busy", "failed")
_SAME_CALLER = ("number", "contact_id")
_FIRST, _LAST = "", "~"


@dataclass(frozen=True, slots=True)
class CallBackRow:
    """What came of a missed call. `misses`: with those before it since somebody last talked with the caller, but
    for calls that were ignored or blocked; `tries`: calls to them since that they did not take. The others tell of the
    first talk since: whose it was, when (UTC), and whether we had called (`outbound`)."""

    misses: int
    tries: int
    direction: str | None
    at: datetime | None
    login: str | None
    name: str | None


def lines(which: Lines, scope: int | None) -> list[sa.ColumnElement[bool]]:
    """The conditions of a missed call that is a line; `open`: nobody has talked with the caller since."""
    next_kind = _next(scope, lambda later, talked: sa.case((talked, "talked"), else_="missed"))
    next_id = _next(scope, lambda later, _: later.c.id)
    later = calls.alias()
    # At another number of theirs, before what comes next at this one.
    talked_elsewhere = sa.exists().where(
        later.c.contact_id == calls.c.contact_id,
        later.c.id > calls.c.id,
        later.c.id < sa.func.coalesce(next_id, _LAST),
        later.c.answered_at.is_not(None),
    )
    kinds: dict[Lines, list[sa.ColumnElement[bool]]] = {
        "all": [sa.or_(sa.func.coalesce(next_kind, "talked") == "talked", talked_elsewhere)],
        "open": [calls.c.number.is_not(None), next_kind.is_(None), ~talked_elsewhere],
        "done": [sa.or_(next_kind == "talked", talked_elsewhere)],
    }
    # Nobody waits for a call back whose number was ignored or blocked then, or is by now.
    listed = is_listed(sa.func.coalesce(calls.c.number, calls.c.number_raw))
    return [MISSED, calls.c.screened.is_(None), *kinds[which], ~listed]


def _next(scope: int | None, wanted: Callable[[Any, Any], Any]) -> Any:
    """Of the number's next call that somebody talked in or that was missed too.

    A miss that the person doesn't see is passed over: it would hide theirs, and not be shown in its place.
    """
    later = calls.alias()
    talked = later.c.answered_at.is_not(None)
    missed = sa.and_(later.c.result == "missed", later.c.screened.is_(None), visible(scope, later))
    return (
        sa.select(wanted(later, talked))
        .where(later.c.number == calls.c.number, later.c.id > calls.c.id, sa.or_(talked, missed))
        .order_by(later.c.id)
        .limit(sa.literal_column("1"))
        .correlate(calls)
        .scalar_subquery()
    )


async def call_backs(connection: AsyncConnection, call_ids: Sequence[str]) -> dict[str, CallBackRow]:
    """What came of these missed calls; nothing of calls that were not missed or whose number was withheld."""
    if not call_ids:
        return {}
    facts = _facts(call_ids).subquery()
    talk, leg = calls.alias(), legs.alias()
    query = (
        sa.select(
            facts.c.id, facts.c.misses, facts.c.tries, talk.c.direction, talk.c.answered_at.label("at"),
            people.c.login, people.c.name,
        )
        .select_from(
            facts.outerjoin(talk, talk.c.id == facts.c.talk)
            .outerjoin(leg, sa.and_(leg.c.call_id == talk.c.id, leg.c.extension == talk.c.answered_by))
            .outerjoin(people, people.c.id == leg.c.person_id)
        )
    )  # fmt: skip
    rows = (await connection.execute(query)).mappings()
    return {row["id"]: CallBackRow(**{key: value for key, value in row.items() if key != "id"}) for row in rows}


async def count_open(connection: AsyncConnection, scope: int | None, since_id: str) -> dict[int | None, int]:
    """How many numbers wait for a call since then, by the id of whose calls they are."""
    query = (
        sa.select(calls.c.owner_id, sa.func.count())
        .where(calls.c.id >= since_id, visible(scope), *lines("open", scope))
        .group_by(calls.c.owner_id)
    )
    return {row[0]: row[1] for row in await connection.execute(query)}


async def people_who_missed(
    connection: AsyncConnection, number: str, contact_id: int | None, since_id: str, before_id: str
) -> frozenset[int] | None:
    """Who may see the missed calls of this number or contact in that time; None when there are none."""
    theirs = [calls.c.number == number, *([] if contact_id is None else [calls.c.contact_id == contact_id])]
    of_caller = sa.and_(sa.or_(*theirs), calls.c.id >= since_id, calls.c.id < before_id, MISSED)
    owners = sa.select(calls.c.owner_id, deals.c.owner_id, sa.null()).select_from(
        calls.outerjoin(deals, deals.c.id == calls.c.deal_id)
    )
    rang = sa.select(sa.null(), sa.null(), legs.c.person_id).join(calls, calls.c.id == legs.c.call_id)
    found = [row for query in (owners, rang) for row in await connection.execute(query.where(of_caller))]
    return frozenset(person for row in found for person in row if person is not None) if found else None


def _facts(call_ids: Sequence[str]) -> sa.Select[Any]:
    """Of each missed call: the calls before and after it that matter."""
    sides = {
        f"{side}_{same}": _talk(same, last=side == "before") for side in ("before", "after") for same in _SAME_CALLER
    }
    talks = (
        sa.select(calls.c.id, calls.c.number, calls.c.contact_id, *(each.label(name) for name, each in sides.items()))
        .where(calls.c.id.in_(call_ids), MISSED, calls.c.number.is_not(None))
        .subquery()
        .c
    )
    known = sa.select(
        talks.id,
        talks.number,
        talks.contact_id,
        _of_two(talks.before_number, talks.before_contact_id, last=True).label("before"),
        _of_two(talks.after_number, talks.after_contact_id, last=False).label("talk"),
    ).subquery()
    missed, tried = calls.alias(), calls.alias()
    misses = (
        sa.select(sa.func.count())
        .select_from(missed)
        .where(
            missed.c.number == known.c.number,
            missed.c.id > sa.func.coalesce(known.c.before, _FIRST),
            missed.c.id <= known.c.id,
            missed.c.result == "missed",
            # The call itself counts, whatever it was.
            sa.or_(missed.c.screened.is_(None), missed.c.id == known.c.id),
        )
        .scalar_subquery()
    )
    tries = (
        sa.select(sa.func.count())
        .select_from(tried)
        .where(
            sa.or_(tried.c.number == known.c.number, tried.c.contact_id == known.c.contact_id),
            tried.c.id > known.c.id,
            tried.c.id < sa.func.coalesce(known.c.talk, _LAST),
            tried.c.direction == "outbound",
            tried.c.result.in_(TRIED),
        )
        .scalar_subquery()
    )
    return sa.select(known.c.id, known.c.talk, misses.label("misses"), tries.label("tries"))


def _of_two(one: Any, other: Any, *, last: bool) -> Any:
    """The earlier or the later of two ids, of which either may be none."""
    first = one > other if last else one < other
    return sa.case((other.is_(None), one), (one.is_(None), other), (first, one), else_=other)


def _talk(same: str, *, last: bool) -> Any:
    """The nearest call before or after a call that somebody talked in, with the same number or contact."""
    other = calls.alias()
    side = other.c.id < calls.c.id if last else other.c.id > calls.c.id
    return (
        sa.select(other.c.id)
        .where(other.c[same] == calls.c[same], side, other.c.answered_at.is_not(None))
        .order_by(other.c.id.desc() if last else other.c.id)
        .limit(sa.literal_column("1"))
        .correlate(calls)
        .scalar_subquery()
    )
