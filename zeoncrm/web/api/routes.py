"""The addresses of the API."""

from __future__ import annotations

from aiohttp import web

from zeoncrm.web.api import (
    board,
    caller,
    calls,
    contacts,
    deals,
    incoming,
    me,
    openapi,
    pbx,
    presence,
    recordings,
    route,
)

ENDPOINTS = (
    *calls.ENDPOINTS,
    *caller.ENDPOINTS,
    *recordings.ENDPOINTS,
    *contacts.ENDPOINTS,
    *deals.ENDPOINTS,
    *board.ENDPOINTS,
    *incoming.ENDPOINTS,
    *me.ENDPOINTS,
    *route.ENDPOINTS,
    *presence.ENDPOINTS,
    *pbx.ENDPOINTS,
)


def api_routes() -> list[web.RouteDef]:
    """Every route of the API but the live socket."""
    return [*(endpoint.route() for endpoint in ENDPOINTS), openapi.route(ENDPOINTS)]
