"""What happened to a deal or a contact, with the calls as far as the viewer may see them."""

from __future__ import annotations

from dataclasses import dataclass

from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import calls, contacts, deals, timeline
from zeoncrm.store.database import Database
from zeoncrm.store.paging import Page
from zeoncrm.store.timeline import TimelineRow


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with its call, if it is of one that the viewer may see."""

    row: TimelineRow
    call: CallView | None


async def deal_timeline(
    database: Database, viewer: Viewer, deal_id: int, *, limit: int = 50, cursor: str | None = None
) -> Page[Entry]:
    """What happened to a deal, newest first; raises NotFound, BadCursor."""
    async with database.read() as connection:
        if await deals.one(connection, deal_id, viewer.scope) is None:
            raise NotFound("no such deal")
        page = await timeline.of_deal(connection, deal_id, limit=limit, cursor=cursor)
    return await _with_calls(database, viewer, page)


async def contact_timeline(
    database: Database, viewer: Viewer, contact_id: int, *, limit: int = 50, cursor: str | None = None
) -> Page[Entry]:
    """What happened to a contact and to those of its deals that the viewer sees; raises NotFound, BadCursor."""
    async with database.read() as connection:
        if await contacts.one(connection, contact_id, viewer.scope) is None:
            raise NotFound("no such contact")
        seen = [deal.id for deal in await deals.of_contact(connection, contact_id, viewer.scope)]
        page = await timeline.of_contact(connection, contact_id, seen, limit=limit, cursor=cursor)
    return await _with_calls(database, viewer, page)


async def _with_calls(database: Database, viewer: Viewer, page: Page[TimelineRow]) -> Page[Entry]:
    ids = [row.call_id for row in page.items if row.call_id is not None]
    async with database.read() as connection:
        found = await calls.some(connection, ids, viewer.scope)
    views = {call_id: view_of(row) for call_id, row in found.items()}
    return Page([Entry(row, views.get(row.call_id or "")) for row in page.items], page.next)
