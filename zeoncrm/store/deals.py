"""Deals and the board. `scope` is the person whose deals may be seen; None sees all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.database import Transaction
from zeoncrm.store.paging import Page, decode_cursor, page_of
from zeoncrm.store.sql import at_most, fold, insert_or, matches, new_id
from zeoncrm.store.tables import companies, contacts, deals, people, phones, stage_totals, stages
from zeoncrm.store.types import Id, UtcDateTime


@dataclass(frozen=True, slots=True)
class DealRow:
    """A deal with the names that a card shows."""

    id: int
    title: str
    type: str | None
    pipeline_id: int
    stage_id: int
    stage: str
    stage_kind: str
    owner_id: int | None
    owner: str | None
    owner_name: str | None
    contact_id: int | None
    contact: str | None
    phone: str | None
    company_id: int | None
    company: str | None
    amount: Decimal | None
    currency: str
    source: str | None
    priority: str
    next_step: str | None
    next_step_at: datetime | None
    created_at: datetime
    stage_entered_at: datetime
    closed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class ColumnTotal:
    """How many deals stand in a stage, and the sum of their amounts for each currency."""

    deals: int
    sums: Mapping[str, Decimal]


async def add(tx: Transaction, *, search: str = "", **values: Any) -> int:
    """Add a deal; raises Conflict when the contact has an open deal that a call made and this would be another."""
    result = await tx.connection.execute(
        deals.insert().values(search=_search(values["title"], search), version=1, **values)
    )
    await _count(tx, **{name: values[name] for name in _COUNTED}, step=1)
    return new_id(result)


async def add_for_calls(tx: Transaction, rows: Sequence[DealRow]) -> None:
    """Add the deals that calls make, with the ids that they have, all at once.

    Raises:
        Conflict: a contact has an open deal that a call made by now: whoever else made it was faster.
    """
    if not rows:
        return
    plain = [name for name in DealRow.__slots__ if name in deals.c]
    values = [
        {
            **{name: getattr(row, name) for name in plain},
            "search": _search(row.title, ""),
            "call_contact_id": row.contact_id,
        }
        for row in rows
    ]
    await tx.connection.execute(deals.insert(), values)
    counts = Counter((row.stage_id, row.owner_id, row.currency) for row in rows)
    for (stage_id, owner_id, currency), count in counts.items():
        await _count(tx, stage_id=stage_id, owner_id=owner_id, currency=currency, amount=None, step=count)


async def known_for_calls(
    connection: AsyncConnection, deal_ids: Iterable[int], contact_ids: Iterable[int]
) -> dict[int, DealRow]:
    """These deals, and the open deals of these contacts, by id."""
    by_id, of_contacts = list(deal_ids), list(contact_ids)
    if not by_id and not of_contacts:
        return {}
    open_of_contact = sa.and_(deals.c.contact_id.in_(of_contacts), deals.c.closed_at.is_(None))
    rows = await _load(connection, _SELECTED.where(sa.or_(deals.c.id.in_(by_id), open_of_contact)))
    return {row.id: row for row in rows}


async def change(tx: Transaction, deal: DealRow, search: str | None = None, **values: Any) -> bool:
    """Set columns of the deal as it was read; False when it has changed since then."""
    if search is not None or "title" in values:
        values["search"] = _search(values.get("title", deal.title), search or "")
    result = await tx.connection.execute(
        deals.update()
        .where(deals.c.id == deal.id, deals.c.version == deal.version)
        .values(version=deals.c.version + 1, **values)
    )
    if not result.rowcount:
        return False
    before = {name: getattr(deal, name) for name in _COUNTED}
    after = {name: values.get(name, before[name]) for name in _COUNTED}
    if after != before:
        await _count(tx, **before, step=-1)
        await _count(tx, **after, step=1)
    return True


async def one(connection: AsyncConnection, deal_id: int, scope: int | None = None) -> DealRow | None:
    """A deal, if the person may see it."""
    rows = await _load(connection, _SELECTED.where(deals.c.id == deal_id, _visible(scope)))
    return rows[0] if rows else None


async def open_of_contact(connection: AsyncConnection, contact_id: int, scope: int | None = None) -> list[DealRow]:
    """The contact's deals that are neither won nor lost, the newest first."""
    statement = _SELECTED.where(deals.c.contact_id == contact_id, deals.c.closed_at.is_(None), _visible(scope))
    return await _load(connection, statement.order_by(deals.c.id.desc()))


async def of_contact(connection: AsyncConnection, contact_id: int, scope: int | None) -> list[DealRow]:
    """All of the contact's deals that the person may see, open ones first, the newest first."""
    statement = _SELECTED.where(deals.c.contact_id == contact_id, _visible(scope))
    return await _load(
        connection, statement.order_by(deals.c.closed_at.is_not(None), deals.c.id.desc()).limit(at_most(100))
    )


async def search(
    connection: AsyncConnection,
    *,
    scope: int | None,
    pipeline_id: int | None = None,
    stage_id: int | None = None,
    owner_id: int | None = None,
    query: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[DealRow]:
    """Deals, the newest first; `owner_id` 0 asks for nobody's; raises BadCursor."""
    statement = _SELECTED.where(_visible(scope)).order_by(deals.c.id.desc()).limit(at_most(limit + 1))
    statement = _filtered(statement, owner_id, query)
    if pipeline_id is not None:
        statement = statement.where(deals.c.pipeline_id == pipeline_id)
    if stage_id is not None:
        statement = statement.where(deals.c.stage_id == stage_id)
    if cursor:
        statement = statement.where(deals.c.id < decode_cursor(cursor, int)[0])
    return page_of(await _load(connection, statement), limit, lambda row: (row.id,))


async def columns(
    connection: AsyncConnection,
    stage_ids: Iterable[int],
    *,
    limit: int = 30,
    cursor: str | None = None,
    **narrowed: Any,
) -> dict[int, Page[DealRow]]:
    """A page of each stage's column: what came into the stage last stands first.

    `cursor` belongs to one column; `narrowed` as for `totals`; raises BadCursor.
    """
    ids = list(stage_ids)
    # In one query: a board has many columns, and each way to the database and back takes longer than to read one.
    pages = (sa.select(_column(stage_id, limit + 1, cursor, **narrowed).subquery()) for stage_id in ids)
    found: dict[int, list[DealRow]] = {stage_id: [] for stage_id in ids}
    for row in await _load(connection, sa.union_all(*pages)):
        found[row.stage_id].append(row)
    return {
        stage_id: page_of(sorted(rows, key=_place, reverse=True), limit, _place) for stage_id, rows in found.items()
    }


async def column(connection: AsyncConnection, stage_id: int, **options: Any) -> Page[DealRow]:
    """A page of one column; as `columns`."""
    return (await columns(connection, [stage_id], **options))[stage_id]


def _column(
    stage_id: int,
    limit: int,
    cursor: str | None,
    *,
    scope: int | None,
    owner_id: int | None = None,
    query: str | None = None,
    priority: str | None = None,
) -> Any:
    statement = _SELECTED.where(deals.c.stage_id == stage_id, _visible(scope))
    statement = _filtered(statement, owner_id, query, priority)
    if cursor:
        entered, deal_id = decode_cursor(cursor, datetime, int)
        # As one comparison of rows: the index then begins where the page before ended.
        place = sa.tuple_(deals.c.stage_entered_at, deals.c.id)
        statement = statement.where(place < sa.tuple_(entered, deal_id, types=[UtcDateTime(), Id()]))
    return statement.order_by(deals.c.stage_entered_at.desc(), deals.c.id.desc()).limit(at_most(limit))


def _place(row: DealRow) -> tuple[datetime, int]:
    return row.stage_entered_at, row.id


async def in_stages(
    connection: AsyncConnection,
    stage_ids: Iterable[int],
    deal_ids: Iterable[int],
    *,
    scope: int | None,
    owner_id: int | None = None,
    query: str | None = None,
    priority: str | None = None,
) -> list[DealRow]:
    """Those of these deals that stand in one of the stages and that a board with this filter shows."""
    wanted = deals.c.id.in_(list(deal_ids)), deals.c.stage_id.in_(list(stage_ids))
    statement = _filtered(_SELECTED.where(*wanted, _visible(scope)), owner_id, query, priority)
    return await _load(connection, statement.order_by(deals.c.stage_entered_at.desc(), deals.c.id.desc()))


async def totals(
    connection: AsyncConnection,
    stage_ids: Iterable[int],
    *,
    scope: int | None,
    owner_id: int | None = None,
    query: str | None = None,
    priority: str | None = None,
) -> dict[int, ColumnTotal]:
    """Counts and sums by stage, from the kept totals unless a search asks for other rows."""
    ids = list(stage_ids)
    if query or priority:
        statement = _filtered(
            sa.select(
                deals.c.stage_id, deals.c.currency, sa.func.count().label("deals"), sa.func.sum(deals.c.amount)
            ).where(deals.c.stage_id.in_(ids), _visible(scope)),
            owner_id,
            query,
            priority,
        ).group_by(deals.c.stage_id, deals.c.currency)
    else:
        statement = sa.select(
            stage_totals.c.stage_id,
            stage_totals.c.currency,
            sa.func.sum(stage_totals.c.deals),
            sa.func.sum(stage_totals.c.amount),
        ).where(stage_totals.c.stage_id.in_(ids))
        for wanted in (scope, owner_id):
            if wanted is not None:
                statement = statement.where(stage_totals.c.owner_id == wanted)
        statement = statement.group_by(stage_totals.c.stage_id, stage_totals.c.currency)
    found: dict[int, tuple[int, dict[str, Decimal]]] = {stage_id: (0, {}) for stage_id in ids}
    for stage_id, currency, count, amount in await connection.execute(statement):
        if not count:
            continue
        sums = {**found[stage_id][1], currency: amount} if amount else found[stage_id][1]
        found[stage_id] = (found[stage_id][0] + int(count), sums)
    return {stage_id: ColumnTotal(count, sums) for stage_id, (count, sums) in found.items()}


# What the kept totals of a deal depend on.
_COUNTED = ("stage_id", "owner_id", "currency", "amount")
_FROM = (
    deals.join(stages, stages.c.id == deals.c.stage_id)
    .outerjoin(people, people.c.id == deals.c.owner_id)
    .outerjoin(contacts, contacts.c.id == deals.c.contact_id)
    .outerjoin(companies, companies.c.id == deals.c.company_id)
)
_FIRST_PHONE = (
    sa.select(sa.func.coalesce(phones.c.number, phones.c.raw))
    .where(phones.c.contact_id == deals.c.contact_id)
    .order_by(phones.c.id)
    .limit(at_most(1))
    .correlate(deals)
    .scalar_subquery()
)


_SELECTED = sa.select(
    *(deals.c[name] for name in DealRow.__slots__ if name in deals.c),
    stages.c.name.label("stage"),
    stages.c.kind.label("stage_kind"),
    people.c.login.label("owner"),
    people.c.name.label("owner_name"),
    contacts.c.name.label("contact"),
    companies.c.name.label("company"),
    _FIRST_PHONE.label("phone"),
).select_from(_FROM)


def _visible(scope: int | None) -> sa.ColumnElement[bool]:
    return sa.true() if scope is None else deals.c.owner_id == scope


def _filtered(statement: Any, owner_id: int | None, query: str | None, priority: str | None = None) -> Any:
    if priority is not None:
        statement = statement.where(deals.c.priority == priority)
    if owner_id is not None:
        statement = statement.where(deals.c.owner_id.is_(None) if owner_id == 0 else deals.c.owner_id == owner_id)
    if query:
        of_contact = sa.select(contacts.c.id).where(matches(contacts.c.search, query))
        statement = statement.where(sa.or_(matches(deals.c.search, query), deals.c.contact_id.in_(of_contact)))
    return statement


async def _load(connection: AsyncConnection, statement: Any) -> list[DealRow]:
    return [DealRow(**row) for row in (await connection.execute(statement)).mappings()]


async def _count(
    tx: Transaction, *, stage_id: int, owner_id: int | None, currency: str, amount: Decimal | None, step: int
) -> None:
    statement = insert_or(tx.connection, stage_totals).values(
        stage_id=stage_id, owner_id=owner_id or 0, currency=currency, deals=step, amount=step * (amount or Decimal(0))
    )
    await tx.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["stage_id", "owner_id", "currency"],
            set_={
                "deals": stage_totals.c.deals + statement.excluded.deals,
                "amount": stage_totals.c.amount + statement.excluded.amount,
            },
        )
    )


def _search(title: str, more: str) -> str:
    return fold(f"{title} {more}")[:600]
