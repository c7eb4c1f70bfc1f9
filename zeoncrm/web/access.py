"""Which handlers a stranger may reach. Without the mark a handler is for people who are logged in."""

from __future__ import annotations

from typing import Any, TypeVar

from aiohttp import web

Handler = TypeVar("Handler")


def public(handler: Handler) -> Handler:
    """Let anybody in."""
    handler.is_public = True  # type: ignore[attr-defined]
    return handler


def is_public(request: web.Request) -> bool:
    """Whether the request's handler is for anybody."""
    handler: Any = request.match_info.handler
    return bool(getattr(handler, "is_public", False))
