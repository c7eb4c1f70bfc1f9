"""The deal card: in the drawer, or as a page of its own."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from zeoncrm.pipeline.contacts import get_contact
from zeoncrm.pipeline.deals import add_deal_note, get_deal
from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.stages import get_pipeline
from zeoncrm.pipeline.timelines import deal_timeline
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.deals import DealRow
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import read_form, read_query, row_id
from zeoncrm.web.pages.frame import page, part, wants_part
from zeoncrm.web.pages.story import NoteForm, StoryQuery, story_context


async def deal_page(request: web.Request) -> web.Response:
    """A deal."""
    services, who, deal_id = request_services(request), viewer(request), row_id(request)
    deal = await get_deal(services.database, who, deal_id)
    pipeline = await get_pipeline(services.database, deal.pipeline_id)
    context: dict[str, Any] = {
        "deal": deal,
        "stages": pipeline.stages,
        "contact": await _contact(request, deal),
        "people": [row for row in services.directory().rows if row.active],
        **story_context(request, await deal_timeline(services.database, who, deal_id), f"/deals/{deal_id}"),
    }
    if wants_part(request):
        return part(request, "deal/record.html", **context)
    context |= {"title": deal.title, "record_template": "deal/record.html"}
    return page(request, "record_page.html", section="board", **context)


async def deal_story(request: web.Request) -> web.Response:
    """What happened to a deal before what is shown."""
    asked, deal_id = read_query(request, StoryQuery), row_id(request)
    story = await deal_timeline(request_services(request).database, viewer(request), deal_id, cursor=asked.cursor)
    return part(request, "deal/more_story.html", **story_context(request, story, f"/deals/{deal_id}"))


async def write_deal_note(request: web.Request) -> web.Response:
    """Keep a note; the story with it."""
    services, who, deal_id = request_services(request), viewer(request), row_id(request)
    note = await read_form(request, NoteForm)
    await add_deal_note(services.database, who, deal_id, note.text, services.now())
    story = await deal_timeline(services.database, who, deal_id)
    return part(request, "deal/story.html", **story_context(request, story, f"/deals/{deal_id}"))


async def _contact(request: web.Request, deal: DealRow) -> ContactRow | None:
    """The deal's contact, if the viewer may see it."""
    if deal.contact_id is None:
        return None
    try:
        return await get_contact(request_services(request).database, viewer(request), deal.contact_id)
    except NotFound:
        return None
