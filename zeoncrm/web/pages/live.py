"""The supervisor's live panel: who waits, who talks with whom, who is free. The scripts fill it from the socket."""

from __future__ import annotations

from aiohttp import web

from zeoncrm.web.context import viewer
from zeoncrm.web.pages.frame import page


async def live_page(request: web.Request) -> web.Response:
    """The empty panel: what is in it comes by the socket."""
    viewer(request).must_supervise()
    return page(request, "live/page.html", section="live")
