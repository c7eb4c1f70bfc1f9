"""What the PBX said of one call: an admin's page, and the same as a file for a bug report."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

from aiohttp import hdrs, web
from pydantic import Field

from zeoncrm.pipeline import call_events as events
from zeoncrm.pipeline.call_traces import Silence
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.journal import get_call_with_linkedids
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import Input, call_id, read_query
from zeoncrm.web.language import translate
from zeoncrm.web.message_ids import N_
from zeoncrm.web.pages.frame import page

# What happened to the call by an event; one that is not here is shown by its name.
MADE: dict[type[events.CallEvent], str] = {
    events.CallStarted: N_("the call begins"),
    events.CallLinked: N_("another channel group belongs to it"),
    events.CallIdentified: N_("its number or name becomes known"),
    events.CallQueued: N_("waits in a queue"),
    events.LegRang: N_("a phone rings"),
    events.LegAnswered: N_("a phone talks"),
    events.LegEnded: N_("a phone is out of it"),
    events.OutsideDialled: N_("the number is dialled"),
    events.OutsideRang: N_("it rings there"),
    events.AnsweredOutside: N_("answered outside"),
    events.CallEnded: N_("the call ends"),
}
SILENCES = {
    Silence.NOT_USED: N_("not used: calls are not made of it"),
    Silence.DAMAGED: N_("damaged: it lacks what it needs"),
    Silence.HELPER: N_("nothing: nobody is at this channel"),
    Silence.AFTER_THE_END: N_("nothing: the call had ended"),
    Silence.IN_SNAPSHOT: N_("a part of the snapshot"),
    Silence.NO_CHANGE: N_("nothing new"),
}
_TOLD_ELSEWHERE = frozenset({"call_id", "at", "pbx", "number_raw"})


class RecordingQuery(Input):
    """Which form of the file."""

    masked: Annotated[int, Field(ge=0, le=1)] = 0


async def trace_page(request: web.Request) -> web.Response:
    """The events in order, each with what was made of it."""
    call = await _call(request)
    desk = request_services(request).desks.get(call.pbx)
    trace = await desk.trace(call) if desk is not None else None
    return page(
        request,
        "calls/trace.html",
        section="calls",
        call=call,
        trace=trace,
        made_words=lambda event: _made(request, event),
        silences=SILENCES,
    )


async def recording_file(request: web.Request) -> web.Response:
    """The events as `zeoncrm replay` reads them."""
    call, asked = await _call(request), read_query(request, RecordingQuery)
    desk = request_services(request).desks.get(call.pbx)
    data = await desk.recording(call, masked=bool(asked.masked)) if desk is not None else None
    if data is None:
        raise NotFound("the events of this call are no longer kept")
    name = f"call-{call.id}{'-masked' if asked.masked else ''}.ami"
    return web.Response(
        body=data,
        content_type="application/octet-stream",
        headers={hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'},
    )


async def _call(request: web.Request) -> Call:
    who = viewer(request)
    who.must_administer()
    return await get_call_with_linkedids(request_services(request).database, who, call_id(request))


def _made(request: web.Request, event: events.CallEvent) -> str:
    """The event in words, with what it carries."""
    words = translate(request, MADE.get(type(event), "")) or type(event).__name__
    hidden = _TOLD_ELSEWHERE | (frozenset() if isinstance(event, events.CallLinked) else {"linkedid"})
    values = [getattr(event, field.name) for field in fields(event) if field.name not in hidden]
    told = [str(value) for value in values if isinstance(value, str) and value]
    return f"{words}: {', '.join(told)}" if told else words
