"""What supervisors settle about calls and deals."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from babel.core import get_global
from pydantic import ValidationError

from zeoncrm.pipeline.settings import CallSettings, save_settings
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.language import translate
from zeoncrm.web.pages.forms import typed, words
from zeoncrm.web.pages.frame import page

WRONG = {
    "allowed_prefixes": "a beginning of a number is + and digits",
    "currency": "a currency is three letters, as in RUB",
    "time_zone": "there is no such time zone, as Europe/Moscow is one",
}


def zones_of(region: str) -> list[str]:
    """The region's time zones, to choose from."""
    return ["UTC", *get_global("territory_zones").get(region, ())]


async def call_settings_page(request: web.Request) -> web.Response:
    """The settings as they are."""
    viewer(request).must_supervise()
    settings = request_services(request).settings()
    given = settings.model_dump(mode="json") | {"allowed_prefixes": " ".join(settings.allowed_prefixes)}
    return _show(request, given)


async def save_call_settings(request: web.Request) -> web.Response:
    """Keep them."""
    who = viewer(request)
    who.must_supervise()
    given: dict[str, Any] = await typed(request, "create_deals", "allowed_prefixes", "currency", "time_zone")
    given["create_deals_on_outbound"] = bool((await typed(request, "create_deals_on_outbound")).popitem()[1])
    try:
        settings = CallSettings.model_validate(
            given
            | {
                "allowed_prefixes": tuple(words(given["allowed_prefixes"])),
                "currency": given["currency"].strip().upper(),
                "time_zone": given["time_zone"].strip() or request_services(request).settings().time_zone,
            }
        )
    except ValidationError as error:
        fields = {str(each["loc"][0]) for each in error.errors()}
        errors = {field: translate(request, WRONG.get(field, "this can't be set")) for field in fields}
        return _show(request, given, status=422, errors=errors)
    await save_settings(request_services(request).database, who, settings)
    raise web.HTTPSeeOther("/settings/calls?saved=1")


def _show(
    request: web.Request, given: dict[str, Any], *, status: int = 200, errors: dict[str, str] | None = None
) -> web.Response:
    return page(
        request,
        "settings/calls.html",
        section="settings",
        status=status,
        tab="calls",
        saved="saved" in request.query,
        given=given,
        zones=zones_of(request_services(request).region),
        errors=errors or {},
    )
