"""The cookie that holds a session's key."""

from __future__ import annotations

from aiohttp import web

from zeoncrm.web.security import is_https

COOKIE = "zeoncrm"
# A browser takes this prefix only with Secure, Path=/ and no Domain: another host of the domain can't plant it.
SECURE_COOKIE = "__Host-zeoncrm"


def cookie_name(request: web.Request) -> str:
    """The name of the session's cookie on this connection."""
    return SECURE_COOKIE if is_https(request) else COOKIE


def session_key(request: web.Request) -> str | None:
    """The key that the browser sent."""
    return request.cookies.get(cookie_name(request))
