"""What belongs to one call on the screen: the caller's card, the note, the deal made from it, the wrap-up."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from zeoncrm.pipeline.call_deals import create_deal_from_call
from zeoncrm.pipeline.call_notes import wrap_up, write_call_note
from zeoncrm.pipeline.caller_card import CallerCard, caller_card
from zeoncrm.pipeline.deals import NewDeal
from zeoncrm.pipeline.errors import Invalid, Stale
from zeoncrm.pipeline.numbers import national, whereabouts
from zeoncrm.pipeline.shared_numbers import choose_contact
from zeoncrm.pipeline.timelines import Entry
from zeoncrm.web.api.calls import NOT_FOUND
from zeoncrm.web.api.deals import WRONG, Currency, Step, entry_out, stale_deal
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.schemas import CallerOut, CardOut, DealOut, NoteOut, PhoneOut, SharingOut, call_out, deal_out
from zeoncrm.web.inputs import Input, Moment, Patch, RowId, Text


class CallNoteIn(Input):
    """One's note of a call, in place of the one before; empty removes it."""

    text: Text


class CallDealIn(Input):
    """A deal for the caller; without a title it gets the caller's name."""

    title: Text = ""
    stage_id: RowId | None = None
    pipeline_id: RowId | None = None
    currency: Currency | None = None


class WhoseIn(Input):
    """Which of the contacts that share the caller's number it is."""

    contact_id: RowId


class WrapUpIn(Patch):
    """What came of a call: a note, and what follows for its deal. `version`: of the deal, when it is changed."""

    text: Text | None = None
    stage_id: RowId = 1
    next_step: Step | None = None
    next_step_at: Moment | None = None
    version: Annotated[int, Field(ge=1)] | None = None


class WrapUpOut(NoteOut):
    """The note and the deal afterwards."""

    deal: DealOut | None


async def read_card(ask: Ask[None, None]) -> CardOut:
    """The caller's card."""
    return card_out(ask, await caller_card(ask.services.database, ask.viewer, ask.call_id()))


async def write_note(ask: Ask[None, CallNoteIn]) -> NoteOut:
    """One's note of a call."""
    text = ask.body.text
    await write_call_note(ask.services.database, ask.viewer, ask.call_id(), text, ask.services.now())
    return NoteOut(text=text.strip())


async def make_deal(ask: Ask[None, CallDealIn]) -> DealOut:
    """A deal from a call."""
    services, body = ask.services, ask.body
    deal = await create_deal_from_call(
        services.database,
        ask.viewer,
        ask.call_id(),
        NewDeal(
            title=body.title,
            stage_id=body.stage_id,
            pipeline_id=body.pipeline_id,
            currency=body.currency or services.settings().currency,
        ),
        directory=services.directory(),
        region=services.region,
        at=services.now(),
    )
    return deal_out(deal)


async def choose(ask: Ask[None, WhoseIn]) -> CardOut:
    """Whose call it is; the card afterwards."""
    services = ask.services
    await choose_contact(
        services.database,
        ask.viewer,
        ask.call_id(),
        ask.body.contact_id,
        rules=services.rules(),
        at=services.now(),
    )
    return card_out(ask, await caller_card(services.database, ask.viewer, ask.call_id()))


async def wrap_call_up(ask: Ask[None, WrapUpIn]) -> WrapUpOut:
    """The matter of a call, closed."""
    changes = ask.body.given
    text, version = changes.pop("text", None), changes.pop("version", None)
    if changes and version is None:
        raise Invalid("version", "this is required")
    services = ask.services
    try:
        deal = await wrap_up(
            services.database,
            ask.viewer,
            ask.call_id(),
            text=text,
            changes=changes,
            version=version,
            at=services.now(),
        )
    except Stale as error:
        raise stale_deal(ask, error) from error
    return WrapUpOut(text=text or "", deal=None if deal is None else deal_out(deal))


def card_out(ask: Ask[Any, Any], card: CallerCard) -> CardOut:
    """The card as the API sends it."""
    deal, where = card.deal, whereabouts(card.view.call.number, ask.services.now())
    return CardOut(
        call=call_out(card.view, ask.services.region, ask.viewer),
        number_national=national(card.view.call.number, ask.services.region) or card.view.call.number_raw or "",
        contact=_caller_out(card),
        deal=None if deal is None else deal_out(deal),
        notes=[entry_out(ask, Entry(row, None)) for row in card.notes],
        calls=[call_out(view, ask.services.region, ask.viewer) for view in card.calls],
        note=card.own_note,
        next_step=None if deal is None else deal.next_step,
        next_step_at=None if deal is None else deal.next_step_at,
        sharing=[
            SharingOut(
                id=each.id,
                name=each.name,
                company=each.company,
                owner_name=each.owner_name,
                chosen=each.id == card.view.call.contact_id,
            )
            for each in card.sharing
        ],
        country=where.country,
        time_zone=where.zone.key if where.zone else None,
    )


def _caller_out(card: CallerCard) -> CallerOut | None:
    contact = card.contact
    if contact is None:
        return None
    if not card.is_open:
        return CallerOut(
            id=None, name=contact.name, company=contact.company, owner=None, owner_name=contact.owner_name, phones=()
        )
    return CallerOut(
        id=contact.id,
        name=contact.name,
        company=contact.company,
        owner=contact.owner,
        owner_name=contact.owner_name,
        phones=tuple(PhoneOut.model_validate(phone) for phone in contact.phones),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/calls/{id}/card",
        handle=read_card,
        summary="Who calls: contact, deal, last notes and calls, as far as one may see them",
        answer=CardOut,
        errors=NOT_FOUND,
    ),
    Endpoint(
        method="PUT",
        path="/calls/{id}/note",
        handle=write_note,
        summary="Keep one's note of a call",
        body=CallNoteIn,
        answer=NoteOut,
        errors=NOT_FOUND | WRONG,
    ),
    Endpoint(
        method="PUT",
        path="/calls/{id}/contact",
        handle=choose,
        summary="Say which of the contacts that share the number it is; the call's deal goes along",
        body=WhoseIn,
        answer=CardOut,
        errors=NOT_FOUND | WRONG,
    ),
    Endpoint(
        method="POST",
        path="/calls/{id}/deal",
        handle=make_deal,
        summary="Make a deal for the caller and put the call on it",
        body=CallDealIn,
        answer=DealOut,
        status=201,
        errors=NOT_FOUND | WRONG | {403: "The call is on a colleague's deal, or the caller is a colleague's contact."},
    ),
    Endpoint(
        method="POST",
        path="/calls/{id}/wrap-up",
        handle=wrap_call_up,
        summary="Close a call's matter: note, stage, next step",
        body=WrapUpIn,
        answer=WrapUpOut,
        errors=NOT_FOUND | WRONG | {409: "Somebody changed the deal since `version`; `deal` is how it is now."},
        conflict=DealOut,
    ),
)
