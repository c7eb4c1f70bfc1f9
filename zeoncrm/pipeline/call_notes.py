"""What a person writes about a call while it lasts and after it, and the wrap-up when it is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from zeoncrm.pipeline.deals import change_deal, checked_note
from zeoncrm.pipeline.errors import Invalid, NotFound
from zeoncrm.pipeline.events import NoteWritten, concerning
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import calls, timeline
from zeoncrm.store.calls import CallRow
from zeoncrm.store.database import Database
from zeoncrm.store.deals import DealRow


async def write_call_note(database: Database, viewer: Viewer, call_id: str, text: str, at: datetime) -> None:
    """Keep the viewer's note of a call in place of the one before; an empty text removes it.

    Raises:
        NotFound: no such call that the viewer took part in (a supervisor: no such call). Invalid: overlong.
    """
    kept = checked_note(text) if text.strip() else ""
    async with database.write() as tx:
        row = await calls.one(tx.connection, call_id, viewer.scope)
        if row is None or not takes_part(row, viewer):
            raise NotFound("no such call")
        contact_id, deal_id = row.values["contact_id"], row.values["deal_id"]
        await timeline.put_call_note(tx, call_id, viewer.id, kept, at=at, contact_id=contact_id, deal_id=deal_id)
        tx.emit(NoteWritten(people=concerning(viewer.id), deal_id=None, contact_id=None, call_id=call_id))
        # Whoever is responsible hears where it stands; a colleague who only wrote it does not.
        people = concerning(row.deal_owner_id or row.contact_owner_id)
        tx.emit(NoteWritten(people=people, deal_id=deal_id, contact_id=contact_id, call_id=call_id))


async def wrap_up(
    database: Database,
    viewer: Viewer,
    call_id: str,
    *,
    text: str | None,
    changes: dict[str, Any],
    version: int | None,
    at: datetime,
) -> DealRow | None:
    """Close a call's matter: the note, and what follows for its deal (stage, next step). The deal, if it has one.

    Raises:
        NotFound: as for a note. Stale: the deal was changed since `version`; then the note is not written either.
        Invalid: `deal_id` when there is something to change but the call is on no deal of the viewer's.
    """
    async with database.read() as connection:
        row = await calls.one(connection, call_id, viewer.scope)
    if row is None or not takes_part(row, viewer):
        raise NotFound("no such call")
    deal: DealRow | None = None
    if changes:
        if row.values["deal_id"] is None or not (viewer.sees_all or row.deal_owner_id == viewer.id):
            raise Invalid("deal_id", "this call is on no deal of yours")
        deal = await change_deal(database, viewer, row.values["deal_id"], changes, version, at)
    if text is not None:
        await write_call_note(database, viewer, call_id, text, at)
    return deal


def takes_part(row: CallRow, viewer: Viewer) -> bool:
    """Whether the viewer had to do with the call: it is theirs, they asked for it, or it rang at them."""
    own = {row.values["owner_id"], row.values["requested_by"], *(leg["person_id"] for leg in row.legs)}
    return viewer.sees_all or viewer.id in own
