"""Contacts: the list, the card, and a new one."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from zeoncrm.pipeline.contacts import NewPhone, add_contact_note, create_contact, find_contacts, get_contact
from zeoncrm.pipeline.deals import deals_of_contact
from zeoncrm.pipeline.erasure import erase_contact
from zeoncrm.pipeline.errors import Invalid
from zeoncrm.pipeline.timelines import contact_timeline
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.filters import ERASED
from zeoncrm.web.inputs import Input, Text, read_form, read_query, row_id
from zeoncrm.web.language import translate
from zeoncrm.web.pages.forms import messages, typed
from zeoncrm.web.pages.frame import page, part, wants_part
from zeoncrm.web.pages.story import NoteForm, StoryQuery, story_context
from zeoncrm.web.pages.whereabouts import there


class ContactsQuery(Input):
    """Which contacts: words of the name or digits of a number. `rows`: only the next page's rows. `erased`: somebody
    just was."""

    q: Annotated[Text, Field(max_length=200)] | None = None
    cursor: Text | None = None
    rows: bool = False
    erased: bool = False


async def contacts_page(request: web.Request) -> web.Response:
    """The contacts that one may see."""
    return await _list(request, read_query(request, ContactsQuery))


async def new_contact(request: web.Request) -> web.Response:
    """Make a contact and go to it; or show the form again, with what is wrong."""
    services = request_services(request)
    given = await typed(request, "name", "phone", "company")
    try:
        contact = await create_contact(
            services.database,
            viewer(request),
            name=given["name"],
            phones=[NewPhone(given["phone"])] if given["phone"].strip() else [],
            region=services.region,
            at=services.now(),
            company=given["company"],
        )
    except Invalid as error:
        return await _list(request, ContactsQuery(), status=422, given=given, errors=messages(request, error))
    raise web.HTTPSeeOther(f"/contacts/{contact.id}")


async def contact_page(request: web.Request) -> web.Response:
    """A contact."""
    services, who, contact_id = request_services(request), viewer(request), row_id(request)
    contact = await get_contact(services.database, who, contact_id)
    context: dict[str, Any] = {
        "contact": contact,
        "there": there(request),
        "people": [row for row in services.directory().rows if row.active],
        **await _story(request, contact_id),
    }
    if wants_part(request):
        return part(request, "contact/record.html", **context)
    context |= {"title": contact.name, "record_template": "contact/record.html"}
    return page(request, "record_page.html", section="contacts", **context)


async def erase(request: web.Request) -> web.Response:
    """Erase a contact and go to the others."""
    services, title = request_services(request), translate(request, ERASED)
    await erase_contact(services.database, viewer(request), row_id(request), title=title, at=services.now())
    raise web.HTTPSeeOther("/contacts?erased=1")


async def contact_story(request: web.Request) -> web.Response:
    """What happened to a contact before what is shown."""
    asked = read_query(request, StoryQuery)
    return part(request, "deal/more_story.html", **await _story(request, row_id(request), asked.cursor))


async def write_contact_note(request: web.Request) -> web.Response:
    """Keep a note; the story with it."""
    services, who, contact_id = request_services(request), viewer(request), row_id(request)
    note = await read_form(request, NoteForm)
    await add_contact_note(services.database, who, contact_id, note.text, services.now())
    return part(request, "deal/story.html", **await _story(request, contact_id))


async def _story(request: web.Request, contact_id: int, cursor: str | None = None) -> dict[str, Any]:
    database, who = request_services(request).database, viewer(request)
    story = await contact_timeline(database, who, contact_id, cursor=cursor)
    deals = await deals_of_contact(database, who, contact_id)
    return {"deals": deals, **story_context(request, story, f"/contacts/{contact_id}", deals)}


async def _list(
    request: web.Request,
    asked: ContactsQuery,
    *,
    status: int = 200,
    given: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> web.Response:
    services = request_services(request)
    found = await find_contacts(
        services.database, viewer(request), query=asked.q, region=services.region, cursor=asked.cursor
    )
    context = {"contacts": found, "asked": asked}
    if wants_part(request):
        return part(request, "contact/rows.html" if asked.rows else "contact/table.html", **context)
    form = {"given": given or {"name": "", "phone": "", "company": ""}, "errors": errors or {}}
    return page(request, "contact/list.html", section="contacts", status=status, **context, **form)
