"""What deals and contacts have in common on a page: notes above what happened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiohttp import web

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


def names(request: web.Request) -> dict[str, str]:
    """Whose extension is whose: what calls are told with."""
    rows = request_services(request).directory().rows
    return {number: row.name for row in rows for _, number in row.extensions}
