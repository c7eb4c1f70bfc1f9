"""Erases people outside, as the law gives them the right to be, and keeps them erased."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.errors import NotFound, Unavailable
from zeoncrm.pipeline.events import ContactErased, DealChanged, concerning
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import contacts, deals, erasure
from zeoncrm.store.database import Database

log = structlog.get_logger(__name__)


async def erase_contact(database: Database, viewer: Viewer, contact_id: int, *, title: str, at: datetime) -> None:
    """Erase a person: name, numbers, notes and recordings go; their calls and deals stay without them, to be counted.

    `title`: what their deals are called from now on.

    Raises:
        NotFound: there is no such contact, or it is not the viewer's to see. Forbidden: for a rep. Unavailable: a call
            with them goes on.
    """
    async with database.write() as tx:
        contact = await contacts.one(tx.connection, contact_id, viewer.scope)
        if contact is None:
            raise NotFound("no such contact")
        viewer.must_supervise()
        if await erasure.has_open_call(tx.connection, contact):
            raise Unavailable("a call with them goes on: erase them when it is over")
        theirs = await deals.of_contact(tx.connection, contact_id, None)
        await erasure.erase(tx, contact, title=title, at=at)
        for before in theirs:
            deal = await deals.one(tx.connection, before.id)
            if deal is not None:
                tx.emit(DealChanged(people=concerning(deal.owner_id), deal=deal))
        people = concerning(contact.owner_id, *(deal.owner_id for deal in theirs))
        tx.emit(ContactErased(people=people, contact_id=contact_id))
    log.info("a contact was erased", contact=contact_id, by=viewer.login)


def kept_erased(told: Iterable[Call], erased_at: Mapping[str, datetime]) -> tuple[Call, ...]:
    """Calls that records tell of, those without a number that are of people who were erased since."""
    return tuple(_nobodys(call) if _is_erased(call, erased_at) else call for call in told)


def number_of(call: Call) -> str | None:
    """By what the outside party of a call is recognised as erased."""
    return call.number or call.number_raw


def _is_erased(call: Call, erased_at: Mapping[str, datetime]) -> bool:
    at = erased_at.get(number_of(call) or "")
    return at is not None and call.started_at < at


def _nobodys(call: Call) -> Call:
    return replace(call, number=None, number_raw=None, caller_name=None, erased=True, files=())
