"""Who asks: by session cookie or API token; logging in and out."""

from __future__ import annotations

from urllib.parse import quote

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp_session import get_session, new_session

from zeoncrm.pipeline.errors import TooMany
from zeoncrm.store import people
from zeoncrm.web.access import is_public, public
from zeoncrm.web.context import CSRF, VIEWER, bearer_token, request_services, viewer_or_none, wants_json
from zeoncrm.web.credentials import credential_of, person_with
from zeoncrm.web.errors import Problem
from zeoncrm.web.inputs import posted
from zeoncrm.web.live import HUB
from zeoncrm.web.rendering import render
from zeoncrm.web.security import client_address, same_origin
from zeoncrm.web.sessions import PERSON, csrf_of
from zeoncrm.web.throttle import Throttle

THROTTLE = web.AppKey("throttle", Throttle)
WRONG = "the login or the password is wrong"

log = structlog.get_logger(__name__)


@web.middleware
async def auth_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks; send strangers away from all but the public handlers, which look for themselves."""
    if is_public(request):
        return await handler(request)
    await _identify(request)
    if viewer_or_none(request) is None and request.match_info.http_exception is None:
        return _go_and_log_in(request)
    return await handler(request)


@public
async def login_page(request: web.Request) -> web.Response:
    """The form; somebody who is logged in has no use for it."""
    await _identify(request)
    if viewer_or_none(request) is not None:
        raise web.HTTPSeeOther(_safe_path(request.query.get("next", "")))
    return _form(request, next_path=request.query.get("next", ""))


@public
async def log_in(request: web.Request) -> web.Response:
    """Check login and password; a new session gets a new key. Unknown logins are answered like wrong passwords."""
    form = await posted(request)
    login, password, next_path = (form.get(name, "") for name in ("login", "password", "next"))
    login = login.strip().lower()[:64]
    services = request_services(request)
    throttle, address = request.config_dict[THROTTLE], client_address(request)
    try:
        throttle.take(login, address, services.now())
    except TooMany as error:
        page = _form(request, status=429, error=str(error), login=login, next_path=next_path)
        page.headers["Retry-After"] = str(error.retry_after)
        return page
    async with services.database.read() as connection:
        person = await people.by_login(connection, login) if "\0" not in login else None
    right = await services.passwords.matches(person.password_hash if person else None, password)
    if not right or person is None or not person.active:
        log.info("a log-in was refused", login=login, address=address)
        return _form(request, status=401, error=WRONG, login=login, next_path=next_path)
    throttle.forgive(login, address)
    session = await new_session(request)
    session[PERSON] = person.id
    raise web.HTTPSeeOther(_safe_path(next_path))


async def log_out(request: web.Request) -> web.Response:
    """End the session, in every tab."""
    (await get_session(request)).invalidate()
    request.config_dict[HUB].end_session(credential_of(request))
    raise web.HTTPSeeOther("/login")


async def _identify(request: web.Request) -> None:
    if bearer_token(request) is None:
        session = await get_session(request)
        if session.identity is not None:
            request[CSRF] = csrf_of(session.identity)
    elif wants_json(request):
        person = await person_with(request_services(request), credential_of(request))
        if person is not None:
            request[VIEWER] = person


def _go_and_log_in(request: web.Request) -> web.Response:
    if wants_json(request):
        raise Problem(401, "log in first", headers={"WWW-Authenticate": _challenge(request)})
    path = "/login"
    if request.method == "GET" and request.path != "/":
        path += f"?next={quote(request.path_qs, safe='/')}"
    if request.headers.get("HX-Request"):
        return web.Response(status=401, headers={"HX-Redirect": path})
    raise web.HTTPSeeOther(path)


def _challenge(request: web.Request) -> str:
    """Has a realm when a live socket could be opened: doctor sees by it that the proxies pass everything on."""
    whole = web.WebSocketResponse().can_prepare(request) and same_origin(request)
    return 'Bearer realm="live socket"' if whole else "Bearer"


def _form(
    request: web.Request, *, status: int = 200, error: str | None = None, login: str = "", next_path: str = ""
) -> web.Response:
    return render(request, "login.html", status=status, error=error, login=login, next=_safe_path(next_path))


def _safe_path(path: str) -> str:
    """A path of ours to go on to, never another site's."""
    if not path.startswith("/") or path.startswith("//") or any(char in path for char in "\\\r\n\t\0"):
        return "/"
    return path
