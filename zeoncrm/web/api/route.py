"""What a dialplan asks with `CURL()`: whose a caller is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zeoncrm.pipeline.errors import Invalid
from zeoncrm.pipeline.routing import Route
from zeoncrm.web.api.calls import Number
from zeoncrm.web.api.deals import WRONG
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.schemas import Output
from zeoncrm.web.inputs import Input, Text


class RouteQuery(Input):
    """`number`: the caller's, as the PBX has it. `pbx`: whose extension is wanted, the first one's without it."""

    number: Number = ""
    did: Number = ""
    pbx: Annotated[Text, Field(max_length=64)] = ""
    format: Literal["json", "text"] | None = None


class RouteOut(Output):
    """`extension`: the responsible's, if there is one who is there; `name`: for the telephone's display."""

    extension: str | None
    name: str | None
    vip: bool
    blocked: bool


async def read_route(ask: Ask[RouteQuery, None]) -> RouteOut:
    """Where a call from this number is to go."""
    ask.viewer.must_supervise()
    router, query = ask.services.router, ask.query
    if query.pbx and not router.knows(query.pbx):
        raise Invalid("pbx", "there is no such telephone system")
    return RouteOut.model_validate(await router.route(query.number, query.pbx))


def in_one_line(route: Route | RouteOut) -> str:
    """`OK,101,1,0,Ivan Petrov`: for `Set(ARRAY(...)=${CURL(...)})`. A refusal never begins with OK."""
    return f"OK,{route.extension or ''},{int(route.vip)},{int(route.blocked)},{route.name or ''}"


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/route",
        handle=read_route,
        summary="Whose a caller is, for the dialplan: a line of text unless asked for JSON",
        query=RouteQuery,
        answer=RouteOut,
        plain=in_one_line,
        errors=WRONG | {403: "Only a supervisor's token may ask."},
    ),
)
