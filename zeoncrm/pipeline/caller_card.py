"""The caller's card: what a person whose phone rings is shown of the caller, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zeoncrm.pipeline.call_notes import takes_part
from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import calls, contacts, deals, timeline
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.database import Database
from zeoncrm.store.deals import DealRow
from zeoncrm.store.timeline import TimelineRow

NOTES = 3
CALLS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerCard:
    """A call with its caller. `is_open`: the viewer sees the contact; else only names of it may be shown."""

    view: CallView
    contact: ContactRow | None = None
    is_open: bool = False
    deal: DealRow | None = None
    notes: Sequence[TimelineRow] = ()
    calls: Sequence[CallView] = ()
    own_note: str = ""
    # Those who share the number, when several do: which of them it is, the person is asked. The likeliest first.
    sharing: Sequence[ContactRow] = ()


async def caller_card(database: Database, viewer: Viewer, call_id: str) -> CallerCard:
    """The card of a call; raises NotFound when there is none or it is not the viewer's to see."""
    async with database.read() as connection:
        row = await calls.one(connection, call_id, viewer.scope)
        if row is None:
            raise NotFound("no such call")
        own_note = await timeline.call_note(connection, call_id, viewer.id) or ""
        view = view_of(row)
        contact_id = view.call.contact_id
        contact = None if contact_id is None else await contacts.one(connection, contact_id)
        if contact is None:
            return CallerCard(view=view, own_note=own_note)
        sharing = await contacts.sharing(connection, view.call.number) if takes_part(row, viewer) else []
        sharing = sharing if len(sharing) > 1 else []
        if await contacts.one(connection, contact.id, viewer.scope) is None:
            return CallerCard(view=view, contact=contact, own_note=own_note, sharing=sharing)
        seen = await deals.of_contact(connection, contact.id, viewer.scope)
        notes = await timeline.notes_of_contact(connection, contact.id, [deal.id for deal in seen], NOTES)
        last = await calls.last_of_contact(connection, contact.id, scope=viewer.scope, but=call_id, limit=CALLS)
        return CallerCard(
            view=view,
            contact=contact,
            is_open=True,
            deal=_deal_of(view, seen),
            notes=notes,
            calls=[view_of(each) for each in last],
            own_note=own_note,
            sharing=sharing,
        )


def _deal_of(view: CallView, seen: Sequence[DealRow]) -> DealRow | None:
    """The deal that the call is on, else the newest open one."""
    of_call = [deal for deal in seen if deal.id == view.call.deal_id]
    return next(iter([*of_call, *(deal for deal in seen if deal.closed_at is None)]), None)
