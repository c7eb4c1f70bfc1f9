"""Contacts, their phones and companies. `scope` is the person whose rows may be seen; None sees all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.database import Transaction
from zeoncrm.store.errors import Conflict
from zeoncrm.store.paging import Page, decode_cursor, page_of
from zeoncrm.store.sql import at_most, fold, insert_or, matches, new_id
from zeoncrm.store.tables import callers, companies, contacts, deals, people, phones

# How many contacts of one number a person can be asked to choose from.
MOST_SHARING = 20


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """A phone: E.164 (None when it can't be read so), as it was written, and what it is."""

    number: str | None
    raw: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact with its phones and the names that a card shows."""

    id: int
    name: str
    owner_id: int | None
    owner: str | None
    owner_name: str | None
    company_id: int | None
    company: str | None
    created_at: datetime
    version: int
    phones: tuple[PhoneRow, ...] = ()
    vip: bool = False


@dataclass(frozen=True, slots=True)
class CallerRow:
    """What the dialplan is told of a contact who calls."""

    name: str
    owner_id: int | None
    vip: bool


async def add(
    tx: Transaction,
    *,
    name: str,
    owner_id: int | None,
    company_id: int | None,
    phone_rows: Sequence[PhoneRow],
    at: datetime,
) -> int:
    """Add a contact; its numbers call for it from now on, unless they already call for somebody else."""
    values = {"name": name, "owner_id": owner_id, "company_id": company_id, "created_at": at, "version": 1}
    result = await tx.connection.execute(contacts.insert().values(search=_search(name, phone_rows), **values))
    contact_id = new_id(result)
    await _put_phones(tx, contact_id, phone_rows)
    return contact_id


async def add_caller(
    tx: Transaction, *, name: str, owner_id: int | None, phone: PhoneRow, at: datetime
) -> tuple[int, bool]:
    """The contact that this number calls for, made if there is none: (id, made now). Safe against a race."""
    if phone.number is None:
        raise ValueError("a caller needs a number in E.164")
    known = await caller(tx.connection, phone.number)
    if known is not None:
        return known, False
    contact_id = await add(tx, name=name, owner_id=owner_id, company_id=None, phone_rows=[phone], at=at)
    winner = await caller(tx.connection, phone.number)
    if winner is None or winner == contact_id:
        return contact_id, True
    await tx.connection.execute(contacts.delete().where(contacts.c.id == contact_id))
    return winner, False


async def add_callers(tx: Transaction, rows: Sequence[ContactRow]) -> None:
    """Add contacts for callers, with the ids that they have, all at once.

    Raises:
        Conflict: a number calls for somebody else's contact by now: whoever else made it was faster.
    """
    if not rows:
        return
    values = [
        {
            "id": row.id,
            "name": row.name,
            "search": _search(row.name, row.phones),
            "owner_id": row.owner_id,
            "company_id": row.company_id,
            "created_at": row.created_at,
            "version": row.version,
        }
        for row in rows
    ]
    await tx.connection.execute(contacts.insert(), values)
    numbers = [(row.id, phone) for row in rows for phone in row.phones]
    await tx.connection.execute(
        phones.insert(),
        [
            {"contact_id": owner, "number": phone.number, "raw": phone.raw, "label": phone.label}
            for owner, phone in numbers
        ],
    )
    calling = {phone.number: owner for owner, phone in numbers if phone.number}
    statement = insert_or(tx.connection, callers).on_conflict_do_nothing()
    await tx.connection.execute(
        statement, [{"number": number, "contact_id": owner} for number, owner in calling.items()]
    )
    if await callers_of(tx.connection, calling) != calling:
        raise Conflict("a caller became somebody else's contact meanwhile")


async def callers_of(connection: AsyncConnection, numbers: Iterable[str]) -> dict[str, int]:
    """The ids of the contacts that calls from these numbers are of, as far as there are any."""
    wanted = list(numbers)
    if not wanted:
        return {}
    rows = await connection.execute(callers.select().where(callers.c.number.in_(wanted)))
    return {row.number: row.contact_id for row in rows}


async def caller(connection: AsyncConnection, number: str) -> int | None:
    """The id of the contact that a call from this number is of."""
    query = sa.select(callers.c.contact_id).where(callers.c.number == number)
    return (await connection.execute(query)).scalar()


async def known_caller(connection: AsyncConnection, number: str) -> CallerRow | None:
    """The contact that a call from this number is of, in one read by index."""
    query = (
        sa.select(contacts.c.name, contacts.c.owner_id, contacts.c.vip)
        .select_from(callers.join(contacts, contacts.c.id == callers.c.contact_id))
        .where(callers.c.number == number)
    )
    row = (await connection.execute(query)).first()
    return None if row is None else CallerRow(row.name, row.owner_id, row.vip)


async def sharing(connection: AsyncConnection, number: str | None) -> list[ContactRow]:
    """The contacts that have this number (E.164), the one that calls from it are of first, then the oldest."""
    if number is None:
        return []
    having = sa.select(phones.c.contact_id).where(phones.c.number == number)
    first = await caller(connection, number)
    oldest = _SELECTED.where(contacts.c.id.in_(having)).order_by(contacts.c.id != first, contacts.c.id)
    return await _load(connection, oldest.limit(at_most(MOST_SHARING)))


async def make_caller(tx: Transaction, number: str, contact_id: int) -> None:
    """Calls from this number are of this contact from now on."""
    insert = insert_or(tx.connection, callers)
    statement = insert.on_conflict_do_update(index_elements=["number"], set_={"contact_id": contact_id})
    await tx.connection.execute(statement, [{"number": number, "contact_id": contact_id}])


async def change(tx: Transaction, contact_id: int, version: int | None, **values: Any) -> bool:
    """Set columns (and `phone_rows`); False when the version is stale or the contact unknown."""
    phone_rows: Sequence[PhoneRow] | None = values.pop("phone_rows", None)
    where = [contacts.c.id == contact_id]
    if version is not None:
        where.append(contacts.c.version == version)
    result = await tx.connection.execute(
        contacts.update().where(*where).values(version=contacts.c.version + 1, **values)
    )
    if not result.rowcount:
        return False
    if phone_rows is not None:
        await _replace_phones(tx, contact_id, phone_rows)
    contact = await one(tx.connection, contact_id)
    if contact is not None:
        await tx.connection.execute(
            contacts.update().where(contacts.c.id == contact_id).values(search=_search(contact.name, contact.phones))
        )
    return True


async def one(connection: AsyncConnection, contact_id: int, scope: int | None = None) -> ContactRow | None:
    """A contact, if the person may see it."""
    rows = await _load(connection, _SELECTED.where(contacts.c.id == contact_id, _visible(scope)))
    return rows[0] if rows else None


async def some(connection: AsyncConnection, ids: Iterable[int]) -> dict[int, ContactRow]:
    """Contacts by id."""
    wanted = list(set(ids))
    rows = await _load(connection, _SELECTED.where(contacts.c.id.in_(wanted))) if wanted else []
    return {row.id: row for row in rows}


async def search(
    connection: AsyncConnection,
    *,
    scope: int | None,
    phone: str | None = None,
    query: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[ContactRow]:
    """Contacts with this number (E.164) or these words, newest first; raises BadCursor."""
    conditions: list[sa.ColumnElement[bool]] = []
    if phone is not None:
        conditions.append(contacts.c.id.in_(sa.select(phones.c.contact_id).where(phones.c.number == phone)))
    if query:
        conditions.append(matches(contacts.c.search, query))
    if cursor:
        conditions.append(contacts.c.id < decode_cursor(cursor, int)[0])
    if scope is not None:
        conditions = [contacts.c.id.in_(_newest_visible(scope, conditions, limit + 1))]
    statement = _SELECTED.where(*conditions).order_by(contacts.c.id.desc()).limit(at_most(limit + 1))
    return page_of(await _load(connection, statement), limit, lambda row: (row.id,))


async def add_company(tx: Transaction, name: str, owner_id: int | None, at: datetime) -> int:
    """The company of that name, made if there is none."""
    folded = fold(name)[:400]
    query = sa.select(companies.c.id).where(companies.c.search == folded).order_by(companies.c.id).limit(at_most(1))
    known = (await tx.connection.execute(query)).scalar()
    if known is not None:
        return int(known)
    result = await tx.connection.execute(
        companies.insert().values(name=name, search=folded, owner_id=owner_id, created_at=at, version=1)
    )
    return new_id(result)


async def company_name(connection: AsyncConnection, company_id: int, scope: int | None = None) -> str | None:
    """The name of a company; None when there is no such, or the person has nothing to do with it."""
    query = sa.select(companies.c.name).where(companies.c.id == company_id)
    if scope is not None:
        of_contact = sa.select(contacts.c.id).where(contacts.c.company_id == companies.c.id, _visible(scope))
        of_deal = sa.select(deals.c.id).where(deals.c.company_id == companies.c.id, deals.c.owner_id == scope)
        query = query.where(sa.or_(companies.c.owner_id == scope, of_contact.exists(), of_deal.exists()))
    return (await connection.execute(query)).scalar()


_SELECTED = (
    sa.select(
        contacts, people.c.login.label("owner"), people.c.name.label("owner_name"), companies.c.name.label("company")
    )
    .select_from(
        contacts.outerjoin(people, people.c.id == contacts.c.owner_id).outerjoin(
            companies, companies.c.id == contacts.c.company_id
        )
    )
    .where(contacts.c.erased_at.is_(None))
)


def _visible(scope: int | None) -> sa.ColumnElement[bool]:
    """A rep sees their own contacts and those of their own deals."""
    if scope is None:
        return sa.true()
    of_own_deal = sa.select(deals.c.id).where(deals.c.contact_id == contacts.c.id, deals.c.owner_id == scope)
    return sa.or_(contacts.c.owner_id == scope, of_own_deal.exists())


def _newest_visible(scope: int, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> Any:
    """The ids of the newest contacts that a rep sees, a list for each reason, as each has an index of its own."""
    newest = (
        sa.select(contacts.c.id)
        .select_from(source)
        .where(reason, *conditions)
        .order_by(contacts.c.id.desc())
        .limit(at_most(limit))
        for source, reason in (
            (contacts, contacts.c.owner_id == scope),
            (contacts.join(deals, deals.c.contact_id == contacts.c.id), deals.c.owner_id == scope),
        )
    )
    return sa.union(*(sa.select(each.subquery().c.id) for each in newest))


async def _load(connection: AsyncConnection, statement: Any) -> list[ContactRow]:
    rows = (await connection.execute(statement)).all()
    ids = [row.id for row in rows]
    numbers = (
        (await connection.execute(phones.select().where(phones.c.contact_id.in_(ids)).order_by(phones.c.id))).all()
        if ids
        else []
    )
    by_contact: dict[int, list[PhoneRow]] = {}
    for phone in numbers:
        by_contact.setdefault(phone.contact_id, []).append(PhoneRow(phone.number, phone.raw, phone.label))
    return [
        ContactRow(
            id=row.id,
            name=row.name,
            owner_id=row.owner_id,
            owner=row.owner,
            owner_name=row.owner_name,
            company_id=row.company_id,
            company=row.company,
            created_at=row.created_at,
            version=row.version,
            phones=tuple(by_contact.get(row.id, ())),
            vip=row.vip,
        )
        for row in rows
    ]


async def _replace_phones(tx: Transaction, contact_id: int, phone_rows: Sequence[PhoneRow]) -> None:
    own = callers.c.contact_id == contact_id
    called = (await tx.connection.execute(sa.select(callers.c.number).where(own))).scalars().all()
    await tx.connection.execute(phones.delete().where(phones.c.contact_id == contact_id))
    await tx.connection.execute(callers.delete().where(own))
    await _put_phones(tx, contact_id, phone_rows)
    # A number that is gone from here calls for whoever else has had it longest.
    sharing = sa.select(phones.c.number, sa.func.min(phones.c.contact_id)).where(phones.c.number.in_(called))
    heirs = (await tx.connection.execute(sharing.group_by(phones.c.number))).all()
    if heirs:
        rows = [{"number": number, "contact_id": heir} for number, heir in heirs]
        await tx.connection.execute(insert_or(tx.connection, callers).on_conflict_do_nothing(), rows)


async def _put_phones(tx: Transaction, contact_id: int, phone_rows: Sequence[PhoneRow]) -> None:
    unique = list({phone.number or phone.raw: phone for phone in phone_rows}.values())
    if not unique:
        return
    await tx.connection.execute(
        phones.insert(),
        [{"contact_id": contact_id, "number": p.number, "raw": p.raw, "label": p.label} for p in unique],
    )
    calling = [{"number": p.number, "contact_id": contact_id} for p in unique if p.number]
    if calling:
        await tx.connection.execute(insert_or(tx.connection, callers).on_conflict_do_nothing(), calling)


def _search(name: str, phone_rows: Sequence[PhoneRow]) -> str:
    return " ".join([fold(name), *((phone.number or phone.raw) for phone in phone_rows)])[:600]
