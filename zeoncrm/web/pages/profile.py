"""One's own settings: language, colours, password, sessions, API tokens."""

from __future__ import annotations

from aiohttp import web
from babel import Locale

from zeoncrm.pipeline import accounts
from zeoncrm.pipeline.errors import Invalid
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.credentials import credential_of
from zeoncrm.web.inputs import row_id
from zeoncrm.web.pages.forms import messages, typed
from zeoncrm.web.pages.frame import page
from zeoncrm.web.rendering import THEME_COOKIE, THEMES

A_YEAR = 365 * 24 * 3600


async def settings_front(request: web.Request) -> web.Response:
    """The first page of the settings is everybody's own."""
    raise web.HTTPSeeOther("/settings/profile")


async def profile_page(request: web.Request) -> web.Response:
    """What one can settle for oneself."""
    return await _show(request)


async def save_profile(request: web.Request) -> web.Response:
    """Keep language (with the person) and colours (in this browser)."""
    services = request_services(request)
    form = await typed(request, "language", "theme")
    language = form["language"] if form["language"] in services.languages else None
    await accounts.set_language(services.database, viewer(request), language)
    answer = web.HTTPSeeOther("/settings/profile?saved=1")
    if form["theme"] in THEMES:
        answer.set_cookie(THEME_COOKIE, form["theme"], max_age=A_YEAR, path="/", samesite="Lax", httponly=True)
    else:
        answer.del_cookie(THEME_COOKIE, path="/")
    raise answer


async def save_password(request: web.Request) -> web.Response:
    """Change the password; the other sessions end."""
    services = request_services(request)
    form = await typed(request, "old", "password")
    try:
        await accounts.change_own_password(
            services.database,
            services.passwords,
            viewer(request),
            form["old"],
            form["password"],
            keep_session=credential_of(request).secret_hash,
        )
    except Invalid as error:
        return await _show(request, status=422, errors=messages(request, error))
    raise web.HTTPSeeOther("/settings/profile?saved=1")


async def end_sessions(request: web.Request) -> web.Response:
    """Log out everywhere."""
    await accounts.log_out_everywhere(request_services(request).database, viewer(request))
    raise web.HTTPSeeOther("/login")


async def make_token(request: web.Request) -> web.Response:
    """A new token, shown this once."""
    services = request_services(request)
    return await _show(request, token=await accounts.create_token(services.database, viewer(request), services.now()))


async def end_token(request: web.Request) -> web.Response:
    """Revoke a token."""
    services = request_services(request)
    await accounts.revoke_token(services.database, viewer(request), row_id(request), services.now())
    raise web.HTTPSeeOther("/settings/profile?saved=1")


async def _show(
    request: web.Request, *, status: int = 200, errors: dict[str, str] | None = None, token: str | None = None
) -> web.Response:
    services = request_services(request)
    return page(
        request,
        "settings/profile.html",
        section="settings",
        status=status,
        tab="profile",
        saved="saved" in request.query,
        errors=errors or {},
        token=token,
        tokens=await accounts.own_tokens(services.database, viewer(request)),
        languages=[(code, _own_name(code)) for code in services.languages],
    )


def _own_name(language: str) -> str:
    """What the language is called by those who speak it."""
    return (Locale.parse(language).get_display_name() or language).capitalize()
