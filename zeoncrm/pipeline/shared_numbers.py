"""Numbers that several contacts share: whoever talks with the caller says which of them it is.

Until then the call is on the contact that was chosen last; a choice goes with the call, with the deal that the call
made, and with the calls to come, which ask again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from zeoncrm.pipeline.call_access import audience
from zeoncrm.pipeline.call_notes import takes_part
from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.calls_to_deals import Rules, attach
from zeoncrm.pipeline.errors import Invalid, NotFound
from zeoncrm.pipeline.events import CallChanged, CallView, DealChanged, concerning
from zeoncrm.pipeline.ledger import Ledger, Wanted, ids
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import calls, contacts, deals, timeline
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.deals import DealRow
from zeoncrm.store.errors import Conflict


async def choose_contact(
    database: Database, viewer: Viewer, call_id: str, contact_id: int, *, rules: Rules, at: datetime
) -> None:
    """Put the call on this one of the contacts that share its number.

    The deal that the call made goes along. From another deal it moves to the contact's open one; when there is none,
    one is made if a call such as this makes one.

    Raises:
        NotFound: no such call that the viewer took part in. Invalid: the contact does not have the number.
    """
    async with database.write() as tx:
        row = await calls.one(tx.connection, call_id, viewer.scope)
        if row is None or not takes_part(row, viewer):
            raise NotFound("no such call")
        view = view_of(row)
        sharing = await contacts.sharing(tx.connection, view.call.number)
        chosen = next((each for each in sharing if each.id == contact_id), None)
        if chosen is None or view.call.number is None:
            raise Invalid("contact_id", "this contact does not have the number")
        await contacts.make_caller(tx, view.call.number, contact_id)
        if view.call.contact_id != contact_id:
            await _move(tx, viewer, view, chosen, rules, at)


async def _move(
    tx: Transaction, viewer: Viewer, view: CallView, chosen: ContactRow, rules: Rules, at: datetime
) -> None:
    made = await _deal_made_by(tx, view)
    if made is not None:
        await _take_along(tx, made, view, chosen)
    call = replace(view.call, contact_id=chosen.id, deal_id=None if made is None else made.id)
    wanted = Wanted(contact_ids=frozenset({chosen.id}), deal_ids=ids([call.deal_id]), most_new=1)
    ledger = await Ledger.open(tx, rules.directory, wanted)
    placed = replace(view, call=call, contact=chosen.name, contact_owner_id=chosen.owner_id)
    after = attach(ledger, rules, placed, at, tx.emit)
    await ledger.save_contacts_and_deals()
    contact_id, deal_id = after.call.contact_id, after.call.deal_id
    await calls.put_on_deal(tx, call.id, contact_id, deal_id)
    await timeline.put_call(tx, call.id, at=call.started_at, contact_id=contact_id, deal_id=deal_id)
    await ledger.save_timeline()
    await timeline.place_notes(tx, [call.id])
    stored = await calls.one(tx.connection, call.id)
    if stored is not None:
        told = view_of(stored)
        people = audience(rules.directory, told) | audience(rules.directory, view)
        tx.emit(CallChanged(people=people, view=told, by=viewer.id))


async def _deal_made_by(tx: Transaction, view: CallView) -> DealRow | None:
    """The deal of the call, if it was made since the call began and no other call is on it."""
    call = view.call
    deal = None if call.deal_id is None else await deals.one(tx.connection, call.deal_id)
    if deal is None or deal.contact_id != call.contact_id or deal.created_at < call.started_at:
        return None
    return None if await calls.others_on_deal(tx.connection, deal.id, call.id) else deal


async def _take_along(tx: Transaction, deal: DealRow, view: CallView, chosen: ContactRow) -> None:
    """Make it the chosen contact's deal; it keeps a title that somebody gave it."""
    title = chosen.name if deal.title == view.contact else deal.title
    if not await deals.change(tx, deal, contact_id=chosen.id, company_id=chosen.company_id, title=title):
        raise Conflict("the deal was changed meanwhile")
    changed = await deals.one(tx.connection, deal.id)
    if changed is not None:
        tx.emit(DealChanged(people=concerning(changed.owner_id), deal=changed))
