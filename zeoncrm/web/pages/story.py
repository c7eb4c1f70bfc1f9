"""What deals and contacts have in common on a page: notes above what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.timelines import Entry
from zeoncrm.store.deals import DealRow
from zeoncrm.store.paging import Page
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import Input, Text
from zeoncrm.web.pages.recordings import heard


class StoryQuery(Input):
    """Which page of what happened."""

    cursor: Text | None = None


class NoteForm(Input):
    """A note as it was typed."""

    text: Text = ""


def story_context(request: web.Request, story: Page[Entry], path: str, deals: Iterable[DealRow] = ()) -> dict[str, Any]:
    """What the templates of a story need. `deals`: those that are named in it."""
    return {
        "story": story,
        "record_path": path,
        "names": names(request),
        "hears": lambda view: heard(view, viewer(request)),
        "titles": {deal.id: deal.title for deal in deals},
    }


def names(request: web.Request) -> Callable[[Call, str | None], str | None]:
    """Whose the extensions of calls are, on the PBX of each: one number is one person's here and another's there."""
    rows = sorted(request_services(request).directory().rows, key=lambda row: row.active)
    known = {where: row.name for row in rows for where in row.extensions}

    def name(call: Call, extension: str | None) -> str | None:
        return known.get((call.pbx, extension or "")) or known.get(("", extension or ""))

    return name
