"""Contacts: people outside, with their numbers. Rights are part of each query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zeoncrm.pipeline.deals import checked_note
from zeoncrm.pipeline.errors import Invalid, NotFound, Stale
from zeoncrm.pipeline.events import ContactChanged, NoteWritten, concerning
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.pipeline.people import Viewer
from zeoncrm.pipeline.texts import one_line
from zeoncrm.store import contacts as store
from zeoncrm.store import deals, people, timeline
from zeoncrm.store.contacts import ContactRow, PhoneRow
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.paging import Page

MOST_PHONES = 20


@dataclass(frozen=True, slots=True)
class NewPhone:
    """A number as a person writes it."""

    raw: str
    label: str = ""


async def get_contact(database: Database, viewer: Viewer, contact_id: int) -> ContactRow:
    """A contact; raises NotFound when there is none or it is not the viewer's to see."""
    async with database.read() as connection:
        contact = await store.one(connection, contact_id, viewer.scope)
    if contact is None:
        raise NotFound("no such contact")
    return contact


async def find_contacts(
    database: Database,
    viewer: Viewer,
    *,
    phone: str | None = None,
    query: str | None = None,
    region: str,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[ContactRow]:
    """The viewer's contacts with this number or these words, the newest first; raises BadCursor."""
    number = None if phone is None else normalise(phone, region) or phone
    async with database.read() as connection:
        return await store.search(connection, scope=viewer.scope, phone=number, query=query, limit=limit, cursor=cursor)


async def create_contact(
    database: Database,
    viewer: Viewer,
    *,
    name: str,
    phones: Sequence[NewPhone],
    region: str,
    at: datetime,
    owner_id: int | None = None,
    company: str | None = None,
    company_id: int | None = None,
) -> ContactRow:
    """Make a contact, the viewer's own unless a supervisor names another owner; raises Invalid."""
    async with database.write() as tx:
        owner = owner_id if viewer.sees_all and owner_id is not None else viewer.id
        await _check_owner(tx, owner)
        contact_id = await store.add(
            tx,
            name=_name(name),
            owner_id=owner,
            company_id=await _company(tx, viewer, company, company_id, owner, at),
            phone_rows=_phones(phones, region),
            at=at,
        )
        await timeline.add(tx, "created", at=at, contact_id=contact_id, author_id=viewer.id)
        return await _told(tx, contact_id)


async def change_contact(
    database: Database,
    viewer: Viewer,
    contact_id: int,
    changes: dict[str, Any],
    version: int | None,
    *,
    region: str,
    at: datetime,
) -> ContactRow:
    """Change what is given: name, phones (all of them), vip, owner_id, company (a name) or company_id.

    Raises:
        NotFound, Stale: as for deals. Invalid: a value or key that can't be set.
    """
    async with database.write() as tx:
        contact = await store.one(tx.connection, contact_id, viewer.scope)
        if contact is None:
            raise NotFound("no such contact")
        values: dict[str, Any] = {}
        for key, value in changes.items():
            values |= await _change(tx, viewer, contact, key, value, region, at)
        if not values:
            return contact
        if not await store.change(tx, contact_id, version, **values):
            raise Stale(await store.one(tx.connection, contact_id))
        return await _told(tx, contact_id, contact.owner_id)


async def add_contact_note(database: Database, viewer: Viewer, contact_id: int, text: str, at: datetime) -> None:
    """Write a note on a contact; raises NotFound, or Invalid for an empty or overlong one."""
    async with database.write() as tx:
        contact = await store.one(tx.connection, contact_id, viewer.scope)
        if contact is None:
            raise NotFound("no such contact")
        await timeline.add(tx, "note", at=at, contact_id=contact_id, author_id=viewer.id, text=checked_note(text))
        tx.emit(
            NoteWritten(
                people=concerning(contact.owner_id, viewer.id), deal_id=None, contact_id=contact_id, call_id=None
            )
        )


async def _change(
    tx: Transaction, viewer: Viewer, contact: ContactRow, key: str, value: Any, region: str, at: datetime
) -> dict[str, Any]:
    if key == "name":
        return {"name": _name(value)}
    if key == "vip":
        return {"vip": bool(value)}
    if key == "phones":
        return {"phone_rows": _phones(value, region)}
    if key == "owner_id":
        if value == contact.owner_id:
            return {}
        if not viewer.sees_all:
            raise Invalid("owner", "only a supervisor gives a contact to somebody else")
        await _check_owner(tx, value)
        return {"owner_id": value}
    if key == "company":
        return {"company_id": await _company(tx, viewer, value, None, contact.owner_id, at)}
    if key == "company_id":
        return {"company_id": await _company(tx, viewer, None, value, contact.owner_id, at)}
    raise Invalid(key, "this can't be set")


async def _told(tx: Transaction, contact_id: int, previous_owner_id: int | None = None) -> ContactRow:
    contact = await store.one(tx.connection, contact_id)
    if contact is None:
        raise NotFound("no such contact")
    dealers = [deal.owner_id for deal in await deals.of_contact(tx.connection, contact_id, None)]
    people = concerning(contact.owner_id, *dealers)
    gone_for = previous_owner_id if previous_owner_id not in people else None
    tx.emit(ContactChanged(people=people | concerning(gone_for), contact=contact, gone_for=gone_for))
    return contact


async def _check_owner(tx: Transaction, owner_id: int | None) -> None:
    if owner_id is not None:
        owner = await people.by_id(tx.connection, owner_id)
        if owner is None or not owner.active:
            raise Invalid("owner", "no such person")


async def _company(
    tx: Transaction, viewer: Viewer, name: str | None, company_id: int | None, owner_id: int | None, at: datetime
) -> int | None:
    if company_id is not None:
        if await store.company_name(tx.connection, company_id, viewer.scope) is None:
            raise Invalid("company_id", "no such company")
        return company_id
    cleaned = one_line(name or "")
    if len(cleaned) > 200:
        raise Invalid("company", "a name has 1 to 200 characters")
    return await store.add_company(tx, cleaned, owner_id, at) if cleaned else None


def _phones(phones: Sequence[NewPhone], region: str) -> list[PhoneRow]:
    if len(phones) > MOST_PHONES:
        raise Invalid("phones", "%(most)s numbers at most", most=MOST_PHONES)
    rows: list[PhoneRow] = []
    for phone in phones:
        raw = one_line(phone.raw)
        number = normalise(raw, region)
        if not raw or len(raw) > 64 or (number is None and not re.fullmatch(r"[0-9*#]+", raw)):
            raise Invalid("phones", "not a telephone number: %(number)s", number=raw[:40])
        rows.append(PhoneRow(number, raw, one_line(phone.label)[:40]))
    return rows


def _name(name: str) -> str:
    cleaned = one_line(name)
    if not cleaned or len(cleaned) > 200:
        raise Invalid("name", "a name has 1 to 200 characters")
    return cleaned
