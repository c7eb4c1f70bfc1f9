"""What a handler reaches from its request."""

from __future__ import annotations

from typing import NoReturn

from aiohttp import hdrs, web

from zeoncrm.pipeline.people import Viewer
from zeoncrm.web.services import Services

SERVICES = web.AppKey("services", Services)
VIEWER = web.RequestKey("viewer", Viewer)
CSRF = web.RequestKey("csrf", str)


def request_services(request: web.Request) -> Services:
    """What `app` gave the server."""
    return request.config_dict[SERVICES]


def viewer_or_none(request: web.Request) -> Viewer | None:
    """Who asks; None for somebody who is not logged in."""
    return request.get(VIEWER)


def viewer(request: web.Request) -> Viewer:
    """Who asks. Handlers that are not public always have one."""
    return viewer_or_none(request) or _nobody()


def csrf_token(request: web.Request) -> str:
    """What an unsafe request of this session must carry; empty without a session."""
    return request.get(CSRF) or ""


def bearer_token(request: web.Request) -> str | None:
    """The API token that the request carries. Another scheme is a proxy's business, and the cookie counts."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def wants_json(request: web.Request) -> bool:
    """Whether the request is answered with JSON, errors included."""
    return request.path.startswith("/api/")


def _nobody() -> NoReturn:
    raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
