"""Takes what is known of a person outside out of the database. What is left are calls and deals that are nobody's.

Numbers of those who were erased are kept as fingerprints: whether a number is one of them can be told, but not which
they are without the key, which is the database's own.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store import contacts as contact_store
from zeoncrm.store import recordings, settings
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.database import Transaction
from zeoncrm.store.sql import at_most, fold, insert_or
from zeoncrm.store.tables import calls, contacts, deals, erased_numbers, phones, timeline

_KEY = "erasure.key"


async def has_open_call(connection: AsyncConnection, contact: ContactRow) -> bool:
    """Whether a call with the person goes on."""
    query = sa.select(calls.c.id).where(_theirs(contact), calls.c.state != sa.literal_column("'ended'"))
    return (await connection.execute(query.limit(at_most(1)))).first() is not None


async def erase(tx: Transaction, contact: ContactRow, *, title: str, at: datetime) -> None:
    """Take the person out of contacts, deals, calls, notes and recordings; `title` is what their deals are called."""
    theirs = sa.select(calls.c.id).where(_theirs(contact))
    of_deals = sa.select(deals.c.id).where(deals.c.contact_id == contact.id)
    await _forget_story(tx, contact.id, theirs, of_deals)
    await recordings.erase(tx, theirs)
    await _note_numbers(tx, await _unshared(tx.connection, contact), at)
    await _run(
        tx,
        calls.update().where(_theirs(contact)),
        number=None,
        number_raw=None,
        caller_name=None,
        contact_id=None,
        erased=True,
    )
    await _run(
        tx,
        deals.update().where(deals.c.contact_id == contact.id),
        title=title,
        search=fold(title),
        next_step=None,
        contact_id=None,
        call_contact_id=None,
        version=deals.c.version + 1,
    )
    # Those who share a number with the person get the calls from it.
    await contact_store.change(tx, contact.id, None, phone_rows=(), name="", vip=False, owner_id=None, company_id=None)
    await _run(tx, contacts.update().where(contacts.c.id == contact.id), search="", erased_at=at)


async def erased_at(connection: AsyncConnection, numbers: Iterable[str]) -> dict[str, datetime]:
    """When (UTC) whose numbers these were was erased, as far as they were; as E.164, else as the PBX wrote them."""
    key = await settings.get(connection, _KEY)
    if key is None:
        return {}
    by_fingerprint = {_fingerprint(key, number): number for number in numbers}
    query = erased_numbers.select().where(erased_numbers.c.fingerprint.in_(list(by_fingerprint)))
    return {by_fingerprint[row.fingerprint]: row.erased_at for row in await connection.execute(query)}


def _theirs(contact: ContactRow) -> sa.ColumnElement[bool]:
    """The calls on the contact, and those on none from a number that is theirs alone."""
    numbers = [phone.number for phone in contact.phones if phone.number]
    shared = sa.select(phones.c.number).where(phones.c.number.in_(numbers), phones.c.contact_id != contact.id)
    strange = sa.and_(calls.c.contact_id.is_(None), calls.c.number.in_(numbers), calls.c.number.not_in(shared))
    return sa.or_(calls.c.contact_id == contact.id, strange)


async def _unshared(connection: AsyncConnection, contact: ContactRow) -> list[str]:
    """The numbers that no other contact has."""
    numbers = {phone.number or phone.raw for phone in contact.phones}
    known = sa.func.coalesce(phones.c.number, phones.c.raw)
    others = sa.select(known).where(known.in_(numbers), phones.c.contact_id != contact.id)
    return sorted(numbers.difference((await connection.execute(others)).scalars()))


async def _forget_story(tx: Transaction, contact_id: int, call_ids: Any, deal_ids: Any) -> None:
    """What people wrote, and what was changed from what to what, goes; how deals moved stays."""
    of_contact = timeline.c.contact_id == contact_id
    concerned = sa.or_(of_contact, timeline.c.deal_id.in_(deal_ids), timeline.c.call_id.in_(call_ids))
    await _run(tx, timeline.delete().where(concerned, timeline.c.kind.in_(("note", "changed"))))
    await _run(tx, timeline.delete().where(of_contact, timeline.c.deal_id.is_(None)))
    await _run(tx, timeline.update().where(of_contact), contact_id=None)


async def _note_numbers(tx: Transaction, numbers: Sequence[str], at: datetime) -> None:
    key = await settings.get(tx.connection, _KEY)
    if key is None:
        key = secrets.token_hex(32)
        await settings.put(tx, _KEY, key)
    rows = [{"fingerprint": each, "erased_at": at} for each in sorted({_fingerprint(key, each) for each in numbers})]
    if rows:
        statement = insert_or(tx.connection, erased_numbers)
        changed = {"erased_at": statement.excluded.erased_at}
        statement = statement.on_conflict_do_update(index_elements=["fingerprint"], set_=changed)
        await tx.connection.execute(statement, rows)


def _fingerprint(key: str, number: str) -> str:
    return hmac.new(bytes.fromhex(key), number.encode(), hashlib.sha256).hexdigest()


async def _run(tx: Transaction, statement: Any, **values: Any) -> None:
    await tx.connection.execute(statement.values(**values) if values else statement)
