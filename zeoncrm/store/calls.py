"""Calls with their legs and linkedids. `scope` is the person whose calls may be seen; None sees all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store import missed, recordings
from zeoncrm.store.call_scope import visible
from zeoncrm.store.database import Transaction
from zeoncrm.store.paging import Page, decode_cursor, page_of
from zeoncrm.store.recordings import RecordingRow
from zeoncrm.store.sql import at_most, first_call_id, insert_into, insert_or
from zeoncrm.store.tables import call_aliases, calls, contacts, deals, legs, people
from zeoncrm.store.timeline import move_call_notes

CHUNK = 400
# In these very words it is the condition of an index.
_OPEN = calls.c.state != sa.literal_column("'ended'")
_MILLISECOND = timedelta(milliseconds=1)
_JOINED = ("owner", "contact", "contact_owner_id", "deal_owner_id")


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call's columns with its legs (in order) and, when asked for, its linkedids."""

    values: Mapping[str, Any]
    legs: Sequence[Mapping[str, Any]]
    linkedids: frozenset[str] = frozenset()
    owner: str | None = None
    contact: str | None = None
    contact_owner_id: int | None = None
    deal_owner_id: int | None = None
    recordings: Sequence[RecordingRow] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """What a journal asks for; None asks for everything. `since` in UTC, `owner_id` 0 for nobody's.

    `lines`: missed calls only, one for each number that was missed until somebody talked with it.
    """

    state: str | None = None
    number: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    direction: str | None = None
    result: str | None = None
    owner_id: int | None = None
    contact_id: int | None = None
    lines: missed.Lines | None = None


async def save(tx: Transaction, rows: Sequence[Mapping[str, Any]], leg_rows: Sequence[Mapping[str, Any]]) -> None:
    """Add or update calls and their legs, all at once."""
    await _upsert(tx, calls, rows, ["id"])
    await _upsert(tx, legs, leg_rows, ["call_id", "extension"])


async def link(tx: Transaction, aliases: Sequence[Mapping[str, Any]]) -> None:
    """Add linkedids of calls; one that is some call's already stays that call's."""
    if aliases:
        await tx.connection.execute(insert_or(tx.connection, call_aliases).on_conflict_do_nothing(), list(aliases))


async def merge(tx: Transaction, call_id: str, into: str | None) -> None:
    """Remove a call that turned out to be part of another, which gets its linkedids and notes (None: nobody)."""
    if into is not None:
        await move_call_notes(tx, call_id, into)
        aliases = call_aliases.update().where(call_aliases.c.call_id == call_id)
        await tx.connection.execute(aliases.values(call_id=into))
        await recordings.move(tx, call_id, into)
    await tx.connection.execute(calls.delete().where(calls.c.id == call_id))


async def put_on_deal(tx: Transaction, call_id: str, contact_id: int | None, deal_id: int | None) -> None:
    """Put a call on a contact and a deal."""
    await tx.connection.execute(
        calls.update().where(calls.c.id == call_id).values(contact_id=contact_id, deal_id=deal_id)
    )


async def others_on_deal(connection: AsyncConnection, deal_id: int, call_id: str) -> bool:
    """Whether the deal has another call than this."""
    query = sa.select(calls.c.id).where(calls.c.deal_id == deal_id, calls.c.id != call_id).limit(at_most(1))
    return (await connection.execute(query)).scalar() is not None


async def linkedids_of(connection: AsyncConnection, call_id: str) -> frozenset[str]:
    """By which linkedids the PBX knew the call."""
    query = sa.select(call_aliases.c.linkedid).where(call_aliases.c.call_id == call_id)
    return frozenset((await connection.execute(query)).scalars())


async def open_calls(connection: AsyncConnection) -> list[CallRow]:
    """The calls that have not ended, with their linkedids, oldest first."""
    return await _with_linkedids(connection, await _load(connection, _SELECTED.where(_OPEN).order_by(calls.c.id)))


async def one(connection: AsyncConnection, call_id: str, scope: int | None = None) -> CallRow | None:
    """A call, if the person may see it."""
    rows = await _load(connection, _SELECTED.where(calls.c.id == call_id, visible(scope)))
    return rows[0] if rows else None


async def some(connection: AsyncConnection, ids: Iterable[str], scope: int | None = None) -> dict[str, CallRow]:
    """Those of these calls that the person may see, by id."""
    wanted = list(set(ids))
    found = [
        row
        for part in _chunks(wanted)
        for row in await _load(connection, _SELECTED.where(calls.c.id.in_(part), visible(scope)))
    ]
    return {row.values["id"]: row for row in found}


async def some_whole(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, CallRow]:
    """These calls with their linkedids, by id."""
    rows = list((await some(connection, ids)).values())
    return {row.values["id"]: row for row in await _with_linkedids(connection, rows)}


async def aliased(connection: AsyncConnection, pbx: str, linkedids: Iterable[str]) -> dict[str, str]:
    """Which calls of a PBX these linkedids are of."""
    found: dict[str, str] = {}
    for part in _chunks(list(set(linkedids))):
        query = call_aliases.select().where(call_aliases.c.pbx == pbx, call_aliases.c.linkedid.in_(part))
        found |= {alias.linkedid: alias.call_id for alias in await connection.execute(query)}
    return found


async def begun_between(connection: AsyncConnection, pbx: str, since: datetime, until: datetime) -> set[str]:
    """The ids of a PBX's calls that began then (UTC)."""
    begun = (calls.c.id >= first_call_id(since), calls.c.id < first_call_id(until + _MILLISECOND), calls.c.pbx == pbx)
    return set((await connection.execute(sa.select(calls.c.id).where(*begun))).scalars())


async def search(
    connection: AsyncConnection,
    wanted: CallFilter,
    *,
    scope: int | None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[CallRow]:
    """Calls, newest first; raises BadCursor."""
    conditions = _conditions(wanted, scope)
    if cursor:
        conditions.append(calls.c.id < decode_cursor(cursor, str)[0])
    if scope is not None:
        conditions = [calls.c.id.in_(_newest_visible(scope, conditions, limit + 1))]
    statement = _SELECTED.where(*conditions).order_by(calls.c.id.desc()).limit(at_most(limit + 1))
    return page_of(await _load(connection, statement), limit, lambda row: (row.values["id"],))


async def names_heard(connection: AsyncConnection, numbers: Iterable[str]) -> dict[str, str]:
    """By which name each of these numbers called last, of those that called by one."""
    found: dict[str, str] = {}
    for part in _chunks(list(set(numbers))):
        named = (calls.c.number.in_(part), calls.c.direction == "inbound", calls.c.caller_name.is_not(None))
        last = sa.select(sa.func.max(calls.c.id)).where(*named).group_by(calls.c.number)
        query = sa.select(calls.c.number, calls.c.caller_name).where(calls.c.id.in_(last))
        found |= {row.number: row.caller_name for row in await connection.execute(query)}
    return found


async def last_of_contact(
    connection: AsyncConnection, contact_id: int, *, scope: int | None, but: str, limit: int = 3
) -> list[CallRow]:
    """The contact's last calls but for one, newest first."""
    statement = _SELECTED.where(calls.c.contact_id == contact_id, calls.c.id != but, visible(scope))
    return await _load(connection, statement.order_by(calls.c.id.desc()).limit(at_most(limit)))


def _conditions(wanted: CallFilter, scope: int | None) -> list[sa.ColumnElement[bool]]:
    equal = {
        "state": wanted.state,
        "direction": wanted.direction,
        "result": wanted.result,
        "contact_id": wanted.contact_id,
    }
    conditions: list[sa.ColumnElement[bool]] = [calls.c[name] == value for name, value in equal.items() if value]
    if wanted.result == "missed":
        conditions.append(missed.MISSED)
    if wanted.lines is not None:
        conditions += missed.lines(wanted.lines, scope)
    if wanted.state in ("ringing", "talking"):
        conditions.append(_OPEN)
    if wanted.number is not None:
        column = calls.c.number if wanted.number.startswith("+") else calls.c.number_raw
        conditions.append(column == wanted.number)
    if wanted.since is not None:
        conditions += [calls.c.id >= first_call_id(wanted.since), calls.c.started_at >= wanted.since]
    if wanted.until is not None:
        conditions += [calls.c.id < first_call_id(wanted.until + _MILLISECOND), calls.c.started_at < wanted.until]
    if wanted.owner_id is not None:
        conditions.append(calls.c.owner_id.is_(None) if wanted.owner_id == 0 else calls.c.owner_id == wanted.owner_id)
    return conditions


def _newest_visible(scope: int, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> Any:
    """The ids of the newest calls that a rep sees, a list for each reason to see one: each has an index that gives it
    in order, while all reasons at once would have every call looked at."""
    reasons = (
        (calls, calls.c.owner_id == scope, calls.c.id),
        (calls, calls.c.requested_by == scope, calls.c.id),
        (calls.join(legs, legs.c.call_id == calls.c.id), legs.c.person_id == scope, legs.c.call_id),
        (calls.join(deals, deals.c.id == calls.c.deal_id), deals.c.owner_id == scope, calls.c.id),
    )
    newest = (
        sa.select(order.label("id"))
        .select_from(source)
        .where(reason, *conditions)
        .order_by(order.desc())
        .limit(at_most(limit))
        for source, reason, order in reasons
    )
    return sa.union(*(sa.select(each.subquery().c.id) for each in newest))


_SELECTED = sa.select(
    calls,
    people.c.login.label("owner"),
    contacts.c.name.label("contact"),
    contacts.c.owner_id.label("contact_owner_id"),
    deals.c.owner_id.label("deal_owner_id"),
).select_from(
    calls.outerjoin(people, people.c.id == calls.c.owner_id)
    .outerjoin(contacts, contacts.c.id == calls.c.contact_id)
    .outerjoin(deals, deals.c.id == calls.c.deal_id)
)


async def _load(connection: AsyncConnection, statement: Any) -> list[CallRow]:
    rows = (await connection.execute(statement)).mappings().all()
    leg_rows: dict[str, list[Mapping[str, Any]]] = {row["id"]: [] for row in rows}
    recorded: dict[str, list[RecordingRow]] = {}
    for some in _chunks(list(leg_rows)):
        recorded |= await recordings.ready_of_calls(connection, some)
        query = legs.select().where(legs.c.call_id.in_(some)).order_by(legs.c.call_id, legs.c.position)
        for leg in (await connection.execute(query)).mappings():
            leg_rows[leg["call_id"]].append(dict(leg))
    return [
        CallRow(
            dict(row),
            leg_rows[row["id"]],
            **{name: row[name] for name in _JOINED},
            recordings=recorded.get(row["id"], ()),
        )
        for row in rows
    ]


async def _with_linkedids(connection: AsyncConnection, rows: Sequence[CallRow]) -> list[CallRow]:
    aliases: dict[str, set[str]] = {row.values["id"]: set() for row in rows}
    for some in _chunks(list(aliases)):
        query = call_aliases.select().where(call_aliases.c.call_id.in_(some))
        for alias in await connection.execute(query):
            aliases[alias.call_id].add(alias.linkedid)
    return [replace(row, linkedids=frozenset(aliases[row.values["id"]])) for row in rows]


async def _upsert(tx: Transaction, table: sa.Table, rows: Sequence[Mapping[str, Any]], key: list[str]) -> None:
    if rows:
        statement = _upserting(tx.connection.dialect.name, table, tuple(rows[0]), tuple(key))
        await tx.connection.execute(statement, list(rows))


@lru_cache
def _upserting(dialect: str, table: sa.Table, columns: tuple[str, ...], key: tuple[str, ...]) -> Any:
    statement = insert_into(dialect, table)
    changed = {name: statement.excluded[name] for name in columns if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


def _chunks(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
