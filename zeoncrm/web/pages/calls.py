"""The journal of calls, and the caller's card in the call panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from zeoncrm.pipeline.call_access import may_be_told_of_contact, may_be_told_of_deal, may_list
from zeoncrm.pipeline.call_backs import waiting
from zeoncrm.pipeline.call_events import CallResult, Direction
from zeoncrm.pipeline.caller_card import CallerCard, caller_card
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.journal import find_calls
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.pipeline.people import Role, Viewer
from zeoncrm.pipeline.stages import get_pipeline
from zeoncrm.store.calls import CallFilter
from zeoncrm.store.paging import Page
from zeoncrm.store.recordings import RecordingRow
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import Day, Input, Text, call_id, read_query
from zeoncrm.web.pages.frame import page, part, wants_part
from zeoncrm.web.pages.recordings import heard
from zeoncrm.web.pages.story import names
from zeoncrm.web.pages.whereabouts import there

LAST_ON_CARD = 4


class JournalQuery(Input):
    """Which calls. `since`: a day in the browser's zone, which is `zone` minutes behind UTC; `owner` 0: nobody's.

    `rows`: only the next page's rows.
    """

    number: Annotated[Text, Field(max_length=64)] | None = None
    direction: Direction | None = None
    result: CallResult | None = None
    owner: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    since: Day | None = None
    zone: Annotated[int, Field(ge=-900, le=900)] = 0
    cursor: Text | None = None
    rows: bool = False


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A call in the journal, and where the viewer may go from it."""

    call: Call
    contact: str | None
    owner_name: str | None
    opens_contact: bool
    opens_deal: bool
    recordings: Sequence[RecordingRow]
    may_list: bool
    has_trace: bool


@dataclass(frozen=True, slots=True)
class CardEntry:
    """Something that happened between us and the caller: a note or a call."""

    at: datetime
    author: str | None
    text: str | None = None
    call: Call | None = None
    recordings: Sequence[RecordingRow] = ()


async def calls_page(request: web.Request) -> web.Response:
    """The journal."""
    services, who, asked = request_services(request), viewer(request), read_query(request, JournalQuery)
    wanted = CallFilter(
        number=asked.number and (normalise(asked.number, services.region) or asked.number),
        direction=asked.direction,
        result=asked.result,
        owner_id=asked.owner,
        since=_begin(asked),
    )
    found = await find_calls(services.database, who, wanted, cursor=asked.cursor)
    kept = asked.model_dump(mode="json", exclude={"cursor", "rows"}, exclude_none=True, exclude_defaults=True)
    context: dict[str, Any] = {
        "calls": Page([journal_row(request, who, view) for view in found.items], found.next),
        "asked": asked,
        "filtered": bool(kept.keys() - {"zone"}),
        "query_string": urlencode(kept),
        "names": names(request),
    }
    if wants_part(request):
        return part(request, "calls/rows.html" if asked.rows else "calls/table.html", **context)
    context["people"] = [row for row in services.directory().rows if row.active]
    context["waiting"] = sum((await waiting(services.database, who, services.now())).values())
    return page(request, "calls/list.html", section="calls", **context)


async def card_part(request: web.Request) -> web.Response:
    """Whom a call is with, for the call panel."""
    services, who = request_services(request), viewer(request)
    card = await caller_card(services.database, who, call_id(request))
    stages = () if card.deal is None else (await get_pipeline(services.database, card.deal.pipeline_id)).stages
    return part(
        request,
        "calls/card.html",
        card=card,
        stages=stages,
        last=_last(request, card),
        there=there(request),
        may_list=may_list(services.rules().incoming, card.view, who),
    )


def _begin(asked: JournalQuery) -> datetime | None:
    if asked.since is None:
        return None
    return datetime.combine(asked.since, time(), UTC) + timedelta(minutes=asked.zone)


def journal_row(request: web.Request, who: Viewer, view: CallView) -> JournalRow:
    """The call as the viewer may see it."""
    services = request_services(request)
    owner = services.directory().by_id.get(view.call.owner_id or 0)
    return JournalRow(
        view.call,
        view.contact,
        owner.name if owner else None,
        view.call.contact_id is not None and may_be_told_of_contact(view, who),
        view.call.deal_id is not None and may_be_told_of_deal(view, who),
        heard(view, who),
        may_list(services.rules().incoming, view, who),
        _has_trace(request, who, view.call),
    )


def _has_trace(request: web.Request, who: Viewer, call: Call) -> bool:
    """Whether the viewer may see what the PBX said of it, and that is kept."""
    desk = request_services(request).desks.get(call.pbx)
    since = desk.traced_since if desk is not None and who.role is Role.ADMIN else None
    return since is not None and (call.ended_at is None or call.ended_at >= since)


def _last(request: web.Request, card: CallerCard) -> list[CardEntry]:
    """The last notes and calls together, newest first."""
    name, who = names(request), viewer(request)
    notes = [CardEntry(row.at, row.author_name, text=row.text) for row in card.notes]
    calls = [
        CardEntry(view.call.started_at, name(view.call, view.call.last_extension), None, view.call, heard(view, who))
        for view in card.calls
    ]
    return sorted((*notes, *calls), key=lambda entry: entry.at, reverse=True)[:LAST_ON_CARD]
