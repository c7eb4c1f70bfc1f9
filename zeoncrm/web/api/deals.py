"""Deals."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from zeoncrm.pipeline.deals import NewDeal, add_deal_note, change_deal, create_deal, find_deals, get_deal
from zeoncrm.pipeline.errors import Stale
from zeoncrm.pipeline.timelines import Entry, deal_timeline
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.owners import owner_to_set, owner_wanted, with_owner_id
from zeoncrm.web.api.schemas import DealOut, DealPage, EntryOut, EntryPage, call_out, deal_out
from zeoncrm.web.errors import Problem
from zeoncrm.web.inputs import Input, Moment, PageQuery, Patch, RowId, Text

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Short = Annotated[Text, Field(max_length=64)]
Step = Annotated[Text, Field(max_length=200)]
Priority = Literal["normal", "hot"]


class DealQuery(PageQuery):
    """`owner`: a login, or `-` for nobody's. `q`: words of the title or the contact, or digits of a number."""

    pipeline_id: RowId | None = None
    stage_id: RowId | None = None
    owner: Text | None = None
    q: Annotated[Text, Field(max_length=200)] | None = None


class DealIn(Input):
    """A new deal. Without a stage it stands first in the pipeline; without an owner it is one's own."""

    title: Text
    type: Short | None = None
    pipeline_id: RowId | None = None
    stage_id: RowId | None = None
    owner: Text | None = None
    contact_id: RowId | None = None
    company_id: RowId | None = None
    amount: Decimal | None = None
    currency: Currency | None = None
    source: Short | None = None
    priority: Priority = "normal"
    next_step: Step | None = None
    next_step_at: Moment | None = None


class DealPatch(Patch):
    """What to change, and the `version` that one has read."""

    version: Annotated[int, Field(ge=1)]
    title: Text = ""
    type: Short | None = None
    stage_id: RowId = 1
    owner: Text | None = None
    contact_id: RowId | None = None
    company_id: RowId | None = None
    amount: Decimal | None = None
    currency: Currency = "RUB"
    source: Short | None = None
    priority: Priority = "normal"
    next_step: Step | None = None
    next_step_at: Moment | None = None


class NoteIn(Input):
    """A note, 1 to 10,000 characters."""

    text: Text


async def list_deals(ask: Ask[DealQuery, None]) -> DealPage:
    """The deals that one may see."""
    query = ask.query
    page = await find_deals(
        ask.services.database,
        ask.viewer,
        pipeline_id=query.pipeline_id,
        stage_id=query.stage_id,
        owner_id=owner_wanted(ask, query.owner),
        query=query.q,
        limit=query.limit,
        cursor=query.cursor,
    )
    return DealPage(items=[deal_out(deal) for deal in page.items], next=page.next)


async def read_deal(ask: Ask[None, None]) -> DealOut:
    """One deal."""
    return deal_out(await get_deal(ask.services.database, ask.viewer, ask.row_id()))


async def make_deal(ask: Ask[None, DealIn]) -> DealOut:
    """A new deal."""
    values = ask.body.model_dump(exclude={"owner"})
    values["currency"] = ask.body.currency or ask.services.settings().currency
    new = NewDeal(**values, owner_id=owner_to_set(ask, ask.body.owner))
    return deal_out(await create_deal(ask.services.database, ask.viewer, new, ask.services.now()))


async def patch_deal(ask: Ask[None, DealPatch]) -> DealOut:
    """Change a deal, or say how it is now."""
    changes = with_owner_id(ask, ask.body.given)
    version = changes.pop("version")
    services = ask.services
    try:
        deal = await change_deal(services.database, ask.viewer, ask.row_id(), changes, version, services.now())
    except Stale as error:
        raise stale_deal(ask, error) from error
    return deal_out(deal)


async def note_deal(ask: Ask[None, NoteIn]) -> None:
    """A note on a deal."""
    await add_deal_note(ask.services.database, ask.viewer, ask.row_id(), ask.body.text, ask.services.now())


async def list_deal_timeline(ask: Ask[PageQuery, None]) -> EntryPage:
    """What happened to a deal."""
    query = ask.query
    page = await deal_timeline(ask.services.database, ask.viewer, ask.row_id(), limit=query.limit, cursor=query.cursor)
    return EntryPage(items=[entry_out(ask, entry) for entry in page.items], next=page.next)


def stale_deal(ask: Ask[Any, Any], error: Stale) -> Problem:
    """The refusal of a stale change, with the deal as it is under `deal`; gone when it is no longer one's own."""
    deal = error.current
    if not ask.viewer.sees_all and deal.owner_id != ask.viewer.id:
        return Problem(404, "no such deal")
    return Problem(409, str(error), deal=deal_out(deal).model_dump(mode="json"))


def entry_out(ask: Ask[Any, Any], entry: Entry) -> EntryOut:
    """An entry of a timeline as the API sends it."""
    row, viewer = entry.row, ask.viewer
    values = {name: getattr(row, name) for name in EntryOut.model_fields if hasattr(row, name)}
    call = None if entry.call is None else call_out(entry.call, ask.services.region, viewer)
    return EntryOut(**values, author=row.author_name, call=call)


NOT_FOUND = {404: "There is no such deal, or it is not yours to see."}
WRONG = {422: "A value can't be taken; `field` names it."}
BAD_CURSOR = {400: "The cursor is none of this list's."}

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/deals",
        handle=list_deals,
        summary="Deals, the newest first",
        query=DealQuery,
        answer=DealPage,
        errors=BAD_CURSOR | WRONG,
    ),
    Endpoint(
        method="POST",
        path="/deals",
        handle=make_deal,
        summary="Make a deal",
        body=DealIn,
        answer=DealOut,
        status=201,
        errors=WRONG,
    ),
    Endpoint(method="GET", path="/deals/{id}", handle=read_deal, summary="A deal", answer=DealOut, errors=NOT_FOUND),
    Endpoint(
        method="PATCH",
        path="/deals/{id}",
        handle=patch_deal,
        summary="Change a deal, its stage included",
        body=DealPatch,
        answer=DealOut,
        errors=NOT_FOUND | WRONG | {409: "Somebody changed the deal since `version`; `deal` is how it is now."},
        conflict=DealOut,
    ),
    Endpoint(
        method="GET",
        path="/deals/{id}/timeline",
        handle=list_deal_timeline,
        summary="What happened to a deal, newest first",
        query=PageQuery,
        answer=EntryPage,
        errors=NOT_FOUND | BAD_CURSOR | WRONG,
    ),
    Endpoint(
        method="POST",
        path="/deals/{id}/notes",
        handle=note_deal,
        summary="Write a note on a deal",
        body=NoteIn,
        answer=None,
        status=204,
        errors=NOT_FOUND | WRONG,
    ),
)
