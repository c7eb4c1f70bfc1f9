"""The journal: which calls were, for whoever may see them."""

from __future__ import annotations

from dataclasses import replace

from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import calls as store
from zeoncrm.store.calls import CallFilter
from zeoncrm.store.database import Database
from zeoncrm.store.paging import Page


async def find_calls(
    database: Database, viewer: Viewer, wanted: CallFilter, *, limit: int = 50, cursor: str | None = None
) -> Page[CallView]:
    """Calls that the viewer may see, newest first; raises BadCursor."""
    async with database.read() as connection:
        page = await store.search(connection, wanted, scope=viewer.scope, limit=limit, cursor=cursor)
    return Page([view_of(row) for row in page.items], page.next)


async def get_call_with_linkedids(database: Database, viewer: Viewer, call_id: str) -> Call:
    """A call with what the PBX knew it by; raises NotFound."""
    view = await get_call(database, viewer, call_id)
    async with database.read() as connection:
        return replace(view.call, linkedids=await store.linkedids_of(connection, call_id))


async def get_call(database: Database, viewer: Viewer, call_id: str) -> CallView:
    """A call; raises NotFound when there is none or it is not the viewer's to see."""
    async with database.read() as connection:
        row = await store.one(connection, call_id, viewer.scope)
    if row is None:
        raise NotFound("no such call")
    return view_of(row)
