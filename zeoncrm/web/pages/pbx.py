"""The state of the links to the telephone systems."""

from __future__ import annotations

from aiohttp import web

from zeoncrm.web.context import request_services
from zeoncrm.web.pages.frame import page, part, wants_part


async def pbx_page(request: web.Request) -> web.Response:
    """Each link: its state, since when, and why."""
    links = sorted(request_services(request).pbx().items())
    if wants_part(request):
        return part(request, "pbx/links.html", links=links)
    return page(request, "pbx/page.html", section="pbx", links=links)


async def lamp_part(request: web.Request) -> web.Response:
    """The lamp in the bar."""
    return page(request, "parts/lamp.html", section="")
