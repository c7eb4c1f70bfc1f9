"""A deal that a person makes from a call: for its contact, which is made too when the caller is a stranger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from zeoncrm.pipeline.call_access import audience
from zeoncrm.pipeline.call_notes import takes_part
from zeoncrm.pipeline.call_rows import call_of, view_of
from zeoncrm.pipeline.calls_to_deals import name_of_caller
from zeoncrm.pipeline.deals import NewDeal, add_deal
from zeoncrm.pipeline.errors import Forbidden, NotFound
from zeoncrm.pipeline.events import CallChanged, ContactChanged, concerning
from zeoncrm.pipeline.people import Directory, Viewer
from zeoncrm.store import calls, contacts, deals, timeline
from zeoncrm.store.calls import CallRow
from zeoncrm.store.contacts import ContactRow, PhoneRow
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.deals import DealRow


async def create_deal_from_call(
    database: Database,
    viewer: Viewer,
    call_id: str,
    new: NewDeal,
    *,
    directory: Directory,
    region: str,
    at: datetime,
) -> DealRow:
    """Make a deal and put the call on it. An empty title becomes the caller's name.

    Raises:
        NotFound: no such call that the viewer took part in. Forbidden: it is on a colleague's open deal, or its
        contact is a colleague's and the viewer did not talk with them. Invalid: as for any deal.
    """
    async with database.write() as tx:
        row = await calls.one(tx.connection, call_id, viewer.scope)
        if row is None or not takes_part(row, viewer):
            raise NotFound("no such call")
        await _check_deal(tx, viewer, row)
        contact = await _contact(tx, viewer, row, region, at)
        title = new.title or (contact.name if contact else name_of_caller(call_of(row), region))
        contact_id = contact.id if contact else None
        wanted = replace(new, title=title, contact_id=contact_id, source=new.source or "call")
        deal = await add_deal(tx, viewer, wanted, at, call_id=call_id, open_contact_id=contact_id)
        await calls.put_on_deal(tx, call_id, contact_id, deal.id)
        await timeline.put_call(tx, call_id, at=row.values["started_at"], contact_id=contact_id, deal_id=deal.id)
        await timeline.place_notes(tx, [call_id])
        after = await calls.one(tx.connection, call_id)
        if after is not None:
            view = view_of(after)
            tx.emit(CallChanged(people=audience(directory, view), view=view, by=viewer.id))
    return deal


async def _check_deal(tx: Transaction, viewer: Viewer, row: CallRow) -> None:
    deal_id = row.values["deal_id"]
    deal = None if deal_id is None else await deals.one(tx.connection, deal_id)
    if deal is not None and deal.closed_at is None and not viewer.sees_all and deal.owner_id not in (None, viewer.id):
        raise Forbidden("this call is on a colleague's deal")


async def _contact(tx: Transaction, viewer: Viewer, row: CallRow, region: str, at: datetime) -> ContactRow | None:
    contact_id, number = row.values["contact_id"], row.values["number"]
    if contact_id is None and number is not None:
        phone = PhoneRow(number, row.values["number_raw"] or number)
        contact_id, made = await contacts.add_caller(
            tx, name=name_of_caller(call_of(row), region), owner_id=viewer.id, phone=phone, at=at
        )
        if made:
            await timeline.add(tx, "created", at=at, contact_id=contact_id, author_id=viewer.id)
            contact = await contacts.one(tx.connection, contact_id)
            if contact is not None:
                tx.emit(ContactChanged(people=concerning(viewer.id), contact=contact))
    contact = None if contact_id is None else await contacts.one(tx.connection, contact_id)
    if contact is not None and not await _may_take(tx, viewer, row, contact):
        raise Forbidden("this contact is a colleague's")
    return contact


async def _may_take(tx: Transaction, viewer: Viewer, row: CallRow, contact: ContactRow) -> bool:
    """A contact is seen by whoever has a deal with it: so a deal is made with one's own, with nobody's, and with
    those who called and were answered; not with whoever one dials or hears ring."""
    if contact.owner_id is None or await contacts.one(tx.connection, contact.id, viewer.scope) is not None:
        return True
    talked = any(leg["person_id"] == viewer.id and leg["answered_at"] is not None for leg in row.legs)
    return talked and row.values["direction"] == "inbound"
