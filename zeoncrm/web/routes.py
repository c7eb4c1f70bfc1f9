"""Every address of the web, in one place."""

from __future__ import annotations

from aiohttp import web

from zeoncrm.web.api.routes import api_routes
from zeoncrm.web.assets import serve_asset
from zeoncrm.web.auth import log_in, log_out, login_page
from zeoncrm.web.health import healthz, metrics, readyz
from zeoncrm.web.live import live
from zeoncrm.web.pages.routes import PAGES


def add_routes(app: web.Application) -> None:
    """Register everything."""
    app.router.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/metrics", metrics),
            web.get("/login", login_page),
            web.post("/login", log_in),
            web.post("/logout", log_out),
            web.get("/static/{fingerprint}/{name:.+}", serve_asset),
            *api_routes(),
            web.get("/api/v1/live", live),
            *PAGES,
        ]
    )
