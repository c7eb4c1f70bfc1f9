"""The rules for incoming calls, whose turn it is among their people, and the numbers that are listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.database import Transaction
from zeoncrm.store.paging import Page, decode_cursor, page_of
from zeoncrm.store.sql import at_most, new_id
from zeoncrm.store.tables import incoming_rule_people, incoming_rules, listed_numbers, people


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """A rule as kept. `begins`, `ends`: minutes since midnight; `weekdays`: 1 is Monday; `group`: ids of people."""

    id: int
    name: str
    active: bool = True
    dids: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    begins: int | None = None
    ends: int | None = None
    callers: str = "any"
    pipeline_id: int | None = None
    source: str | None = None
    create_deals: str | None = None
    missed_owner: str = "responsible"
    person_id: int | None = None
    group: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRow:
    """A number, or all that begin with it (`*` at the end), and what becomes of its calls: ignored or blocked."""

    id: int
    pattern: str
    listing: str
    note: str
    added_by: str | None
    created_at: datetime


_LISTS = ("dids", "queues", "weekdays")
# How long the beginning of numbers may be: the plus and 1 to 15 digits.
_BEGINNINGS = range(2, 17)


async def rules(connection: AsyncConnection) -> list[RuleRow]:
    """Every rule, in order."""
    query = incoming_rules.select().order_by(incoming_rules.c.position, incoming_rules.c.id)
    rows = (await connection.execute(query)).mappings().all()
    members = incoming_rule_people.select().order_by(incoming_rule_people.c.position)
    groups: dict[int, list[int]] = {}
    for member in await connection.execute(members) if rows else ():
        groups.setdefault(member.rule_id, []).append(member.person_id)
    return [_rule_of(row, groups.get(row["id"], ())) for row in rows]


async def add_rule(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Add a rule behind the others; give its id."""
    columns, group = _columns(values)
    last = (await tx.connection.execute(sa.select(sa.func.max(incoming_rules.c.position)))).scalar()
    position = 0 if last is None else last + 1
    result = await tx.connection.execute(incoming_rules.insert().values(position=position, **columns))
    rule_id = new_id(result)
    await _set_group(tx, rule_id, group or ())
    return rule_id


async def change_rule(tx: Transaction, rule_id: int, values: Mapping[str, Any]) -> bool:
    """Set what is given of a rule; False when there is none. Whoever stays in the group keeps their turn."""
    columns, group = _columns(values)
    where = incoming_rules.c.id == rule_id
    if (await tx.connection.execute(sa.select(incoming_rules.c.id).where(where))).first() is None:
        return False
    if columns:
        await tx.connection.execute(incoming_rules.update().where(where).values(**columns))
    if group is not None:
        await _set_group(tx, rule_id, group)
    return True


async def remove_rule(tx: Transaction, rule_id: int) -> bool:
    """Remove a rule; False when there is none."""
    return bool((await tx.connection.execute(incoming_rules.delete().where(incoming_rules.c.id == rule_id))).rowcount)


async def order_rules(tx: Transaction, ids: Sequence[int]) -> None:
    """Put the rules into this order."""
    for position, rule_id in enumerate(ids):
        statement = incoming_rules.update().where(incoming_rules.c.id == rule_id)
        await tx.connection.execute(statement.values(position=position))


async def turns(connection: AsyncConnection) -> dict[tuple[int, int], int]:
    """The last turn of each person of each rule's group, by (rule, person)."""
    rows = await connection.execute(incoming_rule_people.select())
    return {(row.rule_id, row.person_id): row.last_turn for row in rows}


async def save_turns(tx: Transaction, taken: Mapping[tuple[int, int], int]) -> None:
    """Keep turns that were taken; those of people who have left the group meanwhile are forgotten."""
    for (rule_id, person_id), turn in taken.items():
        where = (incoming_rule_people.c.rule_id == rule_id, incoming_rule_people.c.person_id == person_id)
        await tx.connection.execute(incoming_rule_people.update().where(*where).values(last_turn=turn))


async def listed(connection: AsyncConnection) -> list[ListedRow]:
    """Every listed number."""
    return await _load_listed(connection, _LISTED)


async def find_listed(
    connection: AsyncConnection, *, listing: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page[ListedRow]:
    """Listed numbers, the newest first; raises BadCursor."""
    statement = _LISTED.order_by(listed_numbers.c.id.desc()).limit(at_most(limit + 1))
    if listing is not None:
        statement = statement.where(listed_numbers.c.listing == listing)
    if cursor:
        statement = statement.where(listed_numbers.c.id < decode_cursor(cursor, int)[0])
    return page_of(await _load_listed(connection, statement), limit, lambda row: (row.id,))


async def listed_as(connection: AsyncConnection, pattern: str) -> ListedRow | None:
    """What this very pattern is listed as."""
    rows = await _load_listed(connection, _LISTED.where(listed_numbers.c.pattern == pattern))
    return rows[0] if rows else None


async def put_listed(
    tx: Transaction, *, pattern: str, listing: str, note: str, added_by: int | None, at: datetime
) -> None:
    """List a number, or list it otherwise than before."""
    await tx.connection.execute(listed_numbers.delete().where(listed_numbers.c.pattern == pattern))
    values = {"pattern": pattern, "listing": listing, "note": note, "added_by": added_by, "created_at": at}
    await tx.connection.execute(listed_numbers.insert().values(**values))


async def remove_listed(tx: Transaction, listed_id: int) -> bool:
    """Take a number off its list; False when there is none."""
    return bool((await tx.connection.execute(listed_numbers.delete().where(listed_numbers.c.id == listed_id))).rowcount)


def is_listed(number: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a number (E.164, or what the PBX said of it) is listed, itself or by its beginning.

    Each beginning that it has is looked up in the index of patterns; LIKE would read the whole list for each number.
    Counted, because PostgreSQL takes EXISTS for cheap and asks it of rows that cheaper conditions rule out.
    """
    beginnings = [sa.func.substr(number, 1, length).concat("*") for length in _BEGINNINGS]
    entries = sa.select(sa.func.count()).where(listed_numbers.c.pattern.in_([number, *beginnings]))
    return entries.correlate_except(listed_numbers).scalar_subquery() > 0


async def count_listed(connection: AsyncConnection) -> int:
    """How many numbers are listed."""
    return int((await connection.execute(sa.select(sa.func.count()).select_from(listed_numbers))).scalar_one())


_LISTED = sa.select(listed_numbers, people.c.name.label("added_by_name")).select_from(
    listed_numbers.outerjoin(people, people.c.id == listed_numbers.c.added_by)
)


async def _load_listed(connection: AsyncConnection, statement: Any) -> list[ListedRow]:
    rows = await connection.execute(statement)
    return [
        ListedRow(
            id=row.id,
            pattern=row.pattern,
            listing=row.listing,
            note=row.note,
            added_by=row.added_by_name,
            created_at=row.created_at,
        )
        for row in rows
    ]


def _rule_of(row: Mapping[Any, Any], group: Iterable[int]) -> RuleRow:
    values: dict[str, Any] = {name: row[name] for name in RuleRow.__slots__ if name != "group"}
    lists = {name: tuple(values[name]) for name in _LISTS}
    return RuleRow(**values | lists, group=tuple(group))


def _columns(values: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[int] | None]:
    """The columns among the values, and the group if it is given."""
    columns = {name: list(value) if name in _LISTS else value for name, value in values.items() if name != "group"}
    return columns, values.get("group")


async def _set_group(tx: Transaction, rule_id: int, group: Sequence[int]) -> None:
    of_rule = incoming_rule_people.c.rule_id == rule_id
    known = await tx.connection.execute(incoming_rule_people.select().where(of_rule))
    last_turns = {row.person_id: row.last_turn for row in known}
    await tx.connection.execute(incoming_rule_people.delete().where(of_rule))
    rows = [
        {"rule_id": rule_id, "person_id": each, "position": position, "last_turn": last_turns.get(each, 0)}
        for position, each in enumerate(dict.fromkeys(group))
    ]
    if rows:
        await tx.connection.execute(incoming_rule_people.insert(), rows)
