"""Missed calls and whether they were called back, worked out from the later calls to and from their numbers.

A line is a number's last missed call before somebody talked with it, and stands for those before it. What follows a
missed call is found by the index of numbers, one step for a call, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.tables import calls, deals, legs, people

Lines = Literal["all", "open", "done"]

# In these very words it is the condition of an index.
MISSED = calls.c.result == sa.literal_column("'missed'")
TRIED = ("no_answer", "busy", "failed")
_FIRST, _LAST = "", "~"


@dataclass(frozen=True, slots=True)
class CallBackRow:
    """What came of a missed call. `misses`: with those before it since somebody last talked with the number; `tries`:
    calls to it since that it did not take. The others tell of the first talk since: whose it was, when (UTC), and
    whether we had called (`outbound`)."""

    misses: int
    tries: int
    direction: str | None
    at: datetime | None
    login: str | None
    name: str | None


def lines(which: Lines) -> list[sa.ColumnElement[bool]]:
    """The conditions of a missed call that is a line; `open`: nobody has talked with the number since."""
    later = calls.alias()
    talked = later.c.answered_at.is_not(None)
    missed = sa.and_(later.c.result == "missed", later.c.screened.is_(None))
    next_one = (
        sa.select(sa.case((talked, "talked"), else_="missed"))
        .where(later.c.number == calls.c.number, later.c.id > calls.c.id, sa.or_(talked, missed))
        .order_by(later.c.id)
        .limit(sa.literal_column("1"))
        .correlate(calls)
        .scalar_subquery()
    )
    kinds: dict[Lines, list[sa.ColumnElement[bool]]] = {
        "all": [sa.func.coalesce(next_one, "talked") == "talked"],
        "open": [calls.c.number.is_not(None), next_one.is_(None)],
        "done": [next_one == "talked"],
    }
    # Nobody waits for a call back whose number is ignored or blocked.
    return [MISSED, calls.c.screened.is_(None), *kinds[which]]


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


async def count_open(
    connection: AsyncConnection, visible: sa.ColumnElement[bool], since_id: str
) -> dict[int | None, int]:
    """How many numbers wait for a call since then, by the id of whose calls they are."""
    query = (
        sa.select(calls.c.owner_id, sa.func.count())
        .select_from(calls.outerjoin(deals, deals.c.id == calls.c.deal_id))
        .where(calls.c.id >= since_id, visible, *lines("open"))
        .group_by(calls.c.owner_id)
    )
    return {row[0]: row[1] for row in await connection.execute(query)}


async def people_who_missed(
    connection: AsyncConnection, number: str, since_id: str, before_id: str
) -> frozenset[int] | None:
    """Who may see the missed calls of this number in that time; None when there are none."""
    of_number = sa.and_(calls.c.number == number, calls.c.id >= since_id, calls.c.id < before_id, MISSED)
    owners = sa.select(calls.c.owner_id, deals.c.owner_id, sa.null()).select_from(
        calls.outerjoin(deals, deals.c.id == calls.c.deal_id)
    )
    rang = sa.select(sa.null(), sa.null(), legs.c.person_id).join(calls, calls.c.id == legs.c.call_id)
    found = [row for query in (owners, rang) for row in await connection.execute(query.where(of_number))]
    return frozenset(person for row in found for person in row if person is not None) if found else None


def _facts(call_ids: Sequence[str]) -> sa.Select[Any]:
    """Of each missed call: the calls before and after it that matter."""
    before = _talk(lambda other: other.c.id < calls.c.id, last=True)
    after = _talk(lambda other: other.c.id > calls.c.id, last=False)
    known = (
        sa.select(calls.c.id, calls.c.number, before.label("before"), after.label("talk"))
        .where(calls.c.id.in_(call_ids), MISSED, calls.c.number.is_not(None))
        .subquery()
    )
    missed, tried = calls.alias(), calls.alias()
    misses = (
        sa.select(sa.func.count())
        .select_from(missed)
        .where(
            missed.c.number == known.c.number,
            missed.c.id > sa.func.coalesce(known.c.before, _FIRST),
            missed.c.id <= known.c.id,
            missed.c.result == "missed",
        )
        .scalar_subquery()
    )
    tries = (
        sa.select(sa.func.count())
        .select_from(tried)
        .where(
            tried.c.number == known.c.number,
            tried.c.id > known.c.id,
            tried.c.id < sa.func.coalesce(known.c.talk, _LAST),
            tried.c.direction == "outbound",
            tried.c.result.in_(TRIED),
        )
        .scalar_subquery()
    )
    return sa.select(known.c.id, known.c.talk, misses.label("misses"), tries.label("tries"))


def _talk(side: Any, *, last: bool) -> Any:
    """The nearest call with the same number on this side of a call, that somebody talked in."""
    other = calls.alias()
    return (
        sa.select(other.c.id)
        .where(other.c.number == calls.c.number, side(other), other.c.answered_at.is_not(None))
        .order_by(other.c.id.desc() if last else other.c.id)
        .limit(sa.literal_column("1"))
        .correlate(calls)
        .scalar_subquery()
    )
