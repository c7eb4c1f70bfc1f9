"""Missed calls, a line for each number, and whether somebody called back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from zeoncrm.pipeline.call_backs import WAITS_FOR, CallBack, call_backs, waiting
from zeoncrm.pipeline.journal import find_calls
from zeoncrm.store.calls import CallFilter
from zeoncrm.store.paging import Page
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import Input, Text, read_query
from zeoncrm.web.pages.calls import JournalRow, journal_row
from zeoncrm.web.pages.frame import page, part, wants_part


class MissedQuery(Input):
    """Which missed calls: those of the last days that wait for a call, those that do not any more, or all; whose,
    `owner` 0 for nobody's. `rows`: only the next page's rows."""

    show: Literal["open", "done", "all"] = "open"
    owner: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    cursor: Text | None = None
    rows: bool = False


@dataclass(frozen=True, slots=True)
class MissedLine:
    """A number's last missed call, and what came of it (None: the number was withheld)."""

    row: JournalRow
    call_back: CallBack | None


async def missed_page(request: web.Request) -> web.Response:
    """The missed calls."""
    services, who, asked = request_services(request), viewer(request), read_query(request, MissedQuery)
    since = services.now() - WAITS_FOR if asked.show == "open" else None
    wanted = CallFilter(lines=asked.show, owner_id=asked.owner, since=since)
    found = await find_calls(services.database, who, wanted, cursor=asked.cursor)
    came_of = await call_backs(services.database, found.items)
    lines = [MissedLine(journal_row(request, who, view), came_of.get(view.call.id)) for view in found.items]
    kept = asked.model_dump(mode="json", exclude={"cursor", "rows"}, exclude_none=True, exclude_defaults=True)
    counts = await waiting(services.database, who, services.now())
    names = {row.id: row.name for row in services.directory().rows}
    context: dict[str, Any] = {
        "lines": Page(lines, found.next),
        "asked": asked,
        "query_string": urlencode(kept),
        "waiting": sum(counts.values()),
        # By name, and nobody's last.
        "waiting_of": sorted(
            ((names.get(owner or 0), owner or 0, count) for owner, count in counts.items()),
            key=lambda each: (each[0] is None, each[0] or ""),
        ),
    }
    if wants_part(request):
        return part(request, "calls/missed_rows.html" if asked.rows else "calls/missed_table.html", **context)
    return page(request, "calls/missed.html", section="calls", **context)
