"""Calls: the journal, click-to-call, and the control of one's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from zeoncrm.pipeline import dialling
from zeoncrm.pipeline.call_backs import call_backs
from zeoncrm.pipeline.call_events import CallResult, Direction
from zeoncrm.pipeline.calls import CallState
from zeoncrm.pipeline.dialling import Telephone
from zeoncrm.pipeline.errors import Unavailable
from zeoncrm.pipeline.journal import find_calls, get_call
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.store.calls import CallFilter
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.owners import owner_wanted
from zeoncrm.web.api.schemas import CallOut, CallPage, call_out
from zeoncrm.web.inputs import Input, Moment, PageQuery, RowId, Text

Number = Annotated[Text, Field(max_length=64)]


class CallQuery(PageQuery):
    """`number`: however it is written. `since`: started then or later. `owner`: a login, or `-` for nobody's.

    `call_back`: missed calls only, the last one of each number before somebody talked with it; `open` those of whom
    nobody did since, `done` the others, `all` both and those whose number was withheld.
    """

    state: CallState | None = None
    number: Number | None = None
    since: Moment | None = None
    until: Moment | None = None
    direction: Direction | None = None
    result: CallResult | None = None
    owner: Text | None = None
    contact_id: RowId | None = None
    call_back: Literal["open", "done", "all"] | None = None


class CallIn(Input):
    """A number to ring, and the deal that it is about."""

    number: Text
    deal_id: RowId | None = None


class TransferIn(Input):
    """Where the call goes: a colleague's extension or a number."""

    to: Number
    kind: Literal["blind", "attended"] = "blind"


async def list_calls(ask: Ask[CallQuery, None]) -> CallPage:
    """The calls that one may see."""
    query = ask.query
    wanted = CallFilter(
        state=query.state,
        number=query.number and (normalise(query.number, ask.services.region) or query.number),
        since=query.since,
        until=query.until,
        direction=query.direction,
        result=query.result,
        owner_id=owner_wanted(ask, query.owner),
        contact_id=query.contact_id,
        lines=query.call_back,
    )
    page = await find_calls(ask.services.database, ask.viewer, wanted, limit=query.limit, cursor=query.cursor)
    came_of = await call_backs(ask.services.database, page.items)
    items = [call_out(view, ask.services.region, ask.viewer, came_of.get(view.call.id)) for view in page.items]
    return CallPage(items=items, next=page.next)


async def read_call(ask: Ask[None, None]) -> CallOut:
    """One call."""
    return await _as_it_is(ask)


async def make_call(ask: Ask[None, CallIn]) -> CallOut:
    """Ring one's own phone, then the number."""
    services = ask.services
    view = await dialling.request_call(
        database=services.database,
        recorder=services.recorder,
        telephone=_telephone(ask),
        viewer=ask.viewer,
        directory=services.directory(),
        settings=services.settings(),
        rate=services.dial_rate,
        raw_number=ask.body.number,
        region=services.region,
        deal_id=ask.body.deal_id,
        at=services.now(),
    )
    return call_out(view, ask.services.region, ask.viewer)


async def hang_up(ask: Ask[None, None]) -> CallOut:
    """End one's own call."""
    services = ask.services
    await dialling.hang_up(services.recorder, services.telephones, ask.viewer, services.directory(), ask.call_id())
    return await _as_it_is(ask)


async def transfer(ask: Ask[None, TransferIn]) -> CallOut:
    """Hand one's own call on."""
    services, body = ask.services, ask.body
    await dialling.transfer(
        services.recorder,
        services.telephones,
        ask.viewer,
        services.directory(),
        services.settings(),
        ask.call_id(),
        body.to,
        attended=body.kind == "attended",
        region=services.region,
    )
    return await _as_it_is(ask)


async def complete_transfer(ask: Ask[None, None]) -> CallOut:
    """Connect the caller with whom one consults."""
    services = ask.services
    await dialling.complete_transfer(
        services.recorder, services.telephones, ask.viewer, services.directory(), ask.call_id()
    )
    return await _as_it_is(ask)


async def cancel_transfer(ask: Ask[None, None]) -> CallOut:
    """Go back to the caller."""
    services = ask.services
    await dialling.cancel_transfer(
        services.recorder, services.telephones, ask.viewer, services.directory(), ask.call_id()
    )
    return await _as_it_is(ask)


async def _as_it_is(ask: Ask[Any, Any]) -> CallOut:
    """The call as kept, with what is known only while it goes on."""
    view = await get_call(ask.services.database, ask.viewer, ask.call_id())
    live = ask.services.recorder.view(view.call.id)
    if live is not None:
        view = replace(view, call=replace(view.call, consult=live.call.consult, on_hold=live.call.on_hold))
    came_of = await call_backs(ask.services.database, [view])
    return call_out(view, ask.services.region, ask.viewer, came_of.get(view.call.id))


def _telephone(ask: Ask[Any, Any]) -> Telephone:
    """The telephone system where the person has an extension; one that is up rather than one that is not."""
    telephones = list(ask.services.telephones.values())
    if not telephones:
        raise Unavailable("there is no telephone system")
    directory = ask.services.directory()
    return max(telephones, key=lambda each: (bool(directory.extensions_of(ask.viewer.id, each.name)), each.is_up))


NOT_FOUND = {404: "There is no such call, or it is not yours."}
AWAY = {409: "The telephone system is not connected: nothing was done, and nothing will be done later."}
CONSULTS_NOBODY = {409: "Nobody is consulted any more, or the telephone system did not do it: `detail` says which."}

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/calls",
        handle=list_calls,
        summary="Calls, newest first",
        query=CallQuery,
        answer=CallPage,
        errors={400: "The cursor is none of this list's.", 422: "A value can't be taken; `field` names it."},
    ),
    Endpoint(
        method="POST",
        path="/calls",
        handle=make_call,
        summary="Click-to-call: ring one's own phone, then the number",
        body=CallIn,
        answer=CallOut,
        status=202,
        errors={
            404: "There is no such deal, or it is not yours.",
            422: "The number is none, or may not be called (`number`); or you have no extension (`extension`).",
            429: "More than ten calls in a minute; `Retry-After` says when.",
        }
        | AWAY,
    ),
    Endpoint(method="GET", path="/calls/{id}", handle=read_call, summary="A call", answer=CallOut, errors=NOT_FOUND),
    Endpoint(
        method="POST",
        path="/calls/{id}/hangup",
        handle=hang_up,
        summary="End one's own call",
        answer=CallOut,
        status=202,
        errors=NOT_FOUND | AWAY,
    ),
    Endpoint(
        method="POST",
        path="/calls/{id}/transfer",
        handle=transfer,
        summary="Hand one's own call to a colleague or a number",
        body=TransferIn,
        answer=CallOut,
        status=202,
        errors=NOT_FOUND | AWAY | {422: "`to` is neither an extension of the PBX nor a number that may be called."},
    ),
    Endpoint(
        method="POST",
        path="/calls/{id}/transfer/complete",
        handle=complete_transfer,
        summary="Attended transfer: connect the caller with whom one consults",
        answer=CallOut,
        status=202,
        errors=NOT_FOUND | CONSULTS_NOBODY,
    ),
    Endpoint(
        method="POST",
        path="/calls/{id}/transfer/cancel",
        handle=cancel_transfer,
        summary="Attended transfer: go back to the caller",
        answer=CallOut,
        status=202,
        errors=NOT_FOUND | CONSULTS_NOBODY,
    ),
)
