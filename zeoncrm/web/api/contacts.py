"""Contacts."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from zeoncrm.pipeline.contacts import (
    NewPhone,
    add_contact_note,
    change_contact,
    create_contact,
    find_contacts,
    get_contact,
)
from zeoncrm.pipeline.erasure import erase_contact
from zeoncrm.pipeline.errors import Stale
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.pipeline.timelines import contact_timeline
from zeoncrm.web.api.deals import BAD_CURSOR, WRONG, NoteIn, entry_out
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.owners import owner_to_set, with_owner_id
from zeoncrm.web.api.schemas import ContactOut, ContactPage, EntryPage, contact_out
from zeoncrm.web.errors import Problem
from zeoncrm.web.filters import ERASED
from zeoncrm.web.inputs import Flag, Input, PageQuery, Patch, RowId, Text
from zeoncrm.web.language import translate


class ContactQuery(PageQuery):
    """`phone`: a number, however it is written. `q`: words of the name, or digits of a number."""

    phone: Annotated[Text, Field(max_length=64)] | None = None
    q: Annotated[Text, Field(max_length=200)] | None = None


class PhoneIn(Input):
    """A number as a person writes it, in `number`; or one as it was given out, `raw` being what was written."""

    number: Annotated[Text, Field(max_length=64)] | None = None
    raw: Annotated[Text, Field(max_length=64)] | None = None
    label: Annotated[Text, Field(max_length=40)] = ""

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if not (self.number or self.raw):
            raise ValueError("a phone needs its number")
        return self

    def written(self, region: str) -> str:
        """The number as it was written: `raw`, unless `number` was changed since it was given out."""
        if self.raw and (self.number is None or normalise(self.raw, region) == normalise(self.number, region)):
            return self.raw
        return self.number or ""


class ContactIn(Input):
    """A new contact. `company`: a name, made if there is none; or `company_id`."""

    name: Text
    phones: tuple[PhoneIn, ...] = ()
    owner: Text | None = None
    company: Text | None = None
    company_id: RowId | None = None


class ContactPatch(Patch):
    """What to change (`phones`: all of them), and the `version` that one has read."""

    version: Annotated[int, Field(ge=1)]
    name: Text = ""
    phones: tuple[PhoneIn, ...] = ()
    owner: Text | None = None
    company: Text | None = None
    company_id: RowId | None = None
    vip: Flag = False


async def list_contacts(ask: Ask[ContactQuery, None]) -> ContactPage:
    """The contacts that one may see."""
    query = ask.query
    page = await find_contacts(
        ask.services.database,
        ask.viewer,
        phone=query.phone,
        query=query.q,
        region=ask.services.region,
        limit=query.limit,
        cursor=query.cursor,
    )
    return ContactPage(items=[contact_out(contact) for contact in page.items], next=page.next)


async def read_contact(ask: Ask[None, None]) -> ContactOut:
    """One contact."""
    return contact_out(await get_contact(ask.services.database, ask.viewer, ask.row_id()))


async def make_contact(ask: Ask[None, ContactIn]) -> ContactOut:
    """A new contact."""
    body, services = ask.body, ask.services
    contact = await create_contact(
        services.database,
        ask.viewer,
        name=body.name,
        phones=_phones(body.phones, ask.services.region),
        owner_id=owner_to_set(ask, body.owner),
        company=body.company,
        company_id=body.company_id,
        region=services.region,
        at=services.now(),
    )
    return contact_out(contact)


async def patch_contact(ask: Ask[None, ContactPatch]) -> ContactOut:
    """Change a contact, or say how it is now."""
    services = ask.services
    changes: dict[str, Any] = with_owner_id(ask, ask.body.given)
    version = changes.pop("version")
    if "phones" in changes:
        changes["phones"] = _phones(changes["phones"], ask.services.region)
    try:
        contact = await change_contact(
            services.database,
            ask.viewer,
            ask.row_id(),
            changes,
            version,
            region=services.region,
            at=services.now(),
        )
    except Stale as error:
        now = await get_contact(services.database, ask.viewer, ask.row_id())
        raise Problem(409, str(error), contact=contact_out(now).model_dump(mode="json")) from error
    return contact_out(contact)


async def delete_contact(ask: Ask[None, None]) -> None:
    """Erase a contact."""
    services = ask.services
    title = translate(ask.request, ERASED)
    await erase_contact(services.database, ask.viewer, ask.row_id(), title=title, at=services.now())


async def note_contact(ask: Ask[None, NoteIn]) -> None:
    """A note on a contact."""
    await add_contact_note(ask.services.database, ask.viewer, ask.row_id(), ask.body.text, ask.services.now())


async def list_contact_timeline(ask: Ask[PageQuery, None]) -> EntryPage:
    """What happened to a contact."""
    query = ask.query
    page = await contact_timeline(
        ask.services.database, ask.viewer, ask.row_id(), limit=query.limit, cursor=query.cursor
    )
    return EntryPage(items=[entry_out(ask, entry) for entry in page.items], next=page.next)


def _phones(phones: tuple[PhoneIn, ...], region: str) -> list[NewPhone]:
    return [NewPhone(phone.written(region), phone.label) for phone in phones]


NOT_FOUND = {404: "There is no such contact, or it is not yours to see."}

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/contacts",
        handle=list_contacts,
        summary="Contacts, the newest first",
        query=ContactQuery,
        answer=ContactPage,
        errors=BAD_CURSOR | WRONG,
    ),
    Endpoint(
        method="POST",
        path="/contacts",
        handle=make_contact,
        summary="Make a contact",
        body=ContactIn,
        answer=ContactOut,
        status=201,
        errors=WRONG,
    ),
    Endpoint(
        method="GET",
        path="/contacts/{id}",
        handle=read_contact,
        summary="A contact",
        answer=ContactOut,
        errors=NOT_FOUND,
    ),
    Endpoint(
        method="PATCH",
        path="/contacts/{id}",
        handle=patch_contact,
        summary="Change a contact",
        body=ContactPatch,
        answer=ContactOut,
        errors=NOT_FOUND | WRONG | {409: "Somebody changed the contact since `version`; `contact` is how it is now."},
        conflict=ContactOut,
    ),
    Endpoint(
        method="DELETE",
        path="/contacts/{id}",
        handle=delete_contact,
        summary="Erase a person: name, numbers, notes and recordings go, their calls and deals stay without them",
        answer=None,
        status=204,
        errors=NOT_FOUND | {403: "Only a supervisor may.", 409: "A call with them goes on."},
    ),
    Endpoint(
        method="GET",
        path="/contacts/{id}/timeline",
        handle=list_contact_timeline,
        summary="What happened to a contact and its deals, newest first",
        query=PageQuery,
        answer=EntryPage,
        errors=NOT_FOUND | BAD_CURSOR | WRONG,
    ),
    Endpoint(
        method="POST",
        path="/contacts/{id}/notes",
        handle=note_contact,
        summary="Write a note on a contact",
        body=NoteIn,
        answer=None,
        status=204,
        errors=NOT_FOUND | WRONG,
    ),
)
