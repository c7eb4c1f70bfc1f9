"""What happened to a deal or a contact, newest first: by when it happened, which may be long before it became known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.database import Transaction
from zeoncrm.store.paging import Page, decode_cursor, page_of
from zeoncrm.store.sql import at_most, new_id
from zeoncrm.store.tables import calls, people, timeline
from zeoncrm.store.types import Id, UtcDateTime


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """An entry. `kind`: note, call, created, moved, changed."""

    id: int
    kind: str
    contact_id: int | None
    deal_id: int | None
    call_id: str | None
    author_id: int | None
    author_name: str | None
    at: datetime
    text: str | None
    data: Mapping[str, Any] | None


async def add(
    tx: Transaction,
    kind: str,
    *,
    at: datetime,
    contact_id: int | None = None,
    deal_id: int | None = None,
    call_id: str | None = None,
    author_id: int | None = None,
    text: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> int:
    """Add an entry; give its id."""
    result = await tx.connection.execute(
        timeline.insert().values(
            kind=kind,
            at=at,
            contact_id=contact_id,
            deal_id=deal_id,
            call_id=call_id,
            author_id=author_id,
            text=text,
            data=None if data is None else dict(data),
        )
    )
    return new_id(result)


async def add_all(tx: Transaction, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add entries all at once; what one does not give is empty."""
    if entries:
        columns = [column.name for column in timeline.columns if column.name != "id"]
        await tx.connection.execute(timeline.insert(), [{n: entry.get(n) for n in columns} for entry in entries])


async def put_call(tx: Transaction, call_id: str, *, at: datetime, contact_id: int | None, deal_id: int | None) -> None:
    """The one entry of a call: added, or moved to the contact and deal that the call is on now."""
    entry = timeline.update().where(timeline.c.call_id == call_id, timeline.c.kind == "call")
    changed = await tx.connection.execute(entry.values(contact_id=contact_id, deal_id=deal_id))
    if not changed.rowcount:
        await add(tx, "call", at=at, contact_id=contact_id, deal_id=deal_id, call_id=call_id)


async def place_notes(tx: Transaction, call_ids: Sequence[str]) -> None:
    """Put the notes of these calls where the calls are now: they are written while it is not yet known where."""
    of_call = calls.c.id == timeline.c.call_id
    place = {name: sa.select(calls.c[name]).where(of_call).scalar_subquery() for name in ("contact_id", "deal_id")}
    notes = timeline.update().where(timeline.c.kind == "note", timeline.c.call_id.in_(call_ids))
    if call_ids:
        await tx.connection.execute(notes.values(**place))


async def put_call_note(tx: Transaction, call_id: str, author_id: int, text: str, **where: Any) -> None:
    """A person's note of a call, one each: written while they talk, saved again and again. Empty removes it."""
    mine = (timeline.c.call_id == call_id, timeline.c.kind == "note", timeline.c.author_id == author_id)
    if not text:
        await tx.connection.execute(timeline.delete().where(*mine))
        return
    changed = await tx.connection.execute(timeline.update().where(*mine).values(text=text))
    if not changed.rowcount:
        await add(tx, "note", call_id=call_id, author_id=author_id, text=text, **where)


async def move_call_notes(tx: Transaction, call_id: str, into: str) -> None:
    """Give the notes of a call to another. Of each person there is one: theirs there goes on with it."""
    notes = sa.select(timeline.c.id, timeline.c.author_id, timeline.c.text).where(timeline.c.kind == "note")
    moved = (await tx.connection.execute(notes.where(timeline.c.call_id == call_id))).all()
    kept = (await tx.connection.execute(notes.where(timeline.c.call_id == into))).all()
    for note in moved:
        own = next((each for each in kept if note.author_id is not None and each.author_id == note.author_id), None)
        change = timeline.update().where(timeline.c.id == (own or note).id)
        if own is None:
            await tx.connection.execute(change.values(call_id=into))
            continue
        await tx.connection.execute(change.values(text=f"{own.text}\n{note.text}"))
        await tx.connection.execute(timeline.delete().where(timeline.c.id == note.id))


async def call_note(connection: AsyncConnection, call_id: str, author_id: int) -> str | None:
    """What this person wrote about a call."""
    query = sa.select(timeline.c.text).where(
        timeline.c.call_id == call_id, timeline.c.kind == "note", timeline.c.author_id == author_id
    )
    return (await connection.execute(query)).scalar()


async def of_deal(
    connection: AsyncConnection, deal_id: int, *, limit: int = 50, cursor: str | None = None
) -> Page[TimelineRow]:
    """What happened to a deal, newest first; raises BadCursor."""
    return await _page(connection, timeline.c.deal_id == deal_id, limit, cursor)


async def of_contact(
    connection: AsyncConnection, contact_id: int, deal_ids: Sequence[int], *, limit: int = 50, cursor: str | None = None
) -> Page[TimelineRow]:
    """What happened to a contact: entries of no deal, or of one of these deals; newest first; raises BadCursor."""
    return await _page(connection, _of_contact(contact_id, deal_ids), limit, cursor)


async def notes_of_contact(
    connection: AsyncConnection, contact_id: int, deal_ids: Sequence[int], limit: int
) -> Sequence[TimelineRow]:
    """The last notes on a contact or on these of its deals, newest first."""
    where = sa.and_(_of_contact(contact_id, deal_ids), timeline.c.kind == "note")
    return (await _page(connection, where, limit, None)).items


def _of_contact(contact_id: int, deal_ids: Sequence[int]) -> sa.ColumnElement[bool]:
    return sa.and_(
        timeline.c.contact_id == contact_id,
        sa.or_(timeline.c.deal_id.is_(None), timeline.c.deal_id.in_(list(deal_ids))),
    )


async def _page(
    connection: AsyncConnection, where: sa.ColumnElement[bool], limit: int, cursor: str | None
) -> Page[TimelineRow]:
    statement = (
        sa.select(timeline, people.c.name.label("author_name"))
        .select_from(timeline.outerjoin(people, people.c.id == timeline.c.author_id))
        .where(where)
        .order_by(timeline.c.at.desc(), timeline.c.id.desc())
        .limit(at_most(limit + 1))
    )
    if cursor:
        before = sa.tuple_(*decode_cursor(cursor, datetime, int), types=[UtcDateTime(), Id()])
        statement = statement.where(sa.tuple_(timeline.c.at, timeline.c.id) < before)
    rows = [TimelineRow(**row) for row in (await connection.execute(statement)).mappings()]
    return page_of(rows, limit, lambda row: (row.at, row.id))
