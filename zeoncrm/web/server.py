"""The web server: built from `Services`, started and stopped in good order."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp_session import session_middleware

from zeoncrm.web.assets import ASSETS, load_assets
from zeoncrm.web.auth import THROTTLE, auth_middleware
from zeoncrm.web.context import SERVICES
from zeoncrm.web.errors import errors_middleware
from zeoncrm.web.health import HEALTH, DatabaseHealth
from zeoncrm.web.language import CATALOGS, load_catalogs
from zeoncrm.web.live import HUB, LiveHub, hub_context
from zeoncrm.web.metrics import METRICS, Metrics, metrics_context
from zeoncrm.web.rendering import ENVIRONMENTS, make_environments
from zeoncrm.web.routes import add_routes
from zeoncrm.web.security import add_security_headers, csrf_middleware
from zeoncrm.web.services import Services
from zeoncrm.web.sessions import DatabaseSessions
from zeoncrm.web.throttle import Throttle

LARGEST_BODY = 1024 * 1024
SHUTDOWN_SECONDS = 3.0


def create_app(services: Services) -> web.Application:
    """The application; nothing runs yet."""
    # aiohttp-session 2.12 keeps its session under a plain string.
    warnings.filterwarnings("ignore", category=web.NotAppKeyWarning, module="aiohttp_session")
    app = web.Application(
        client_max_size=LARGEST_BODY,
        middlewares=[errors_middleware, session_middleware(DatabaseSessions()), auth_middleware, csrf_middleware],
    )
    catalogs = load_catalogs(services.languages)
    app[SERVICES] = services
    app[ASSETS] = load_assets()
    app[CATALOGS] = catalogs
    app[ENVIRONMENTS] = make_environments(catalogs, services.region, app[ASSETS].url)
    app[THROTTLE] = Throttle()
    app[HUB] = hub = LiveHub(services)
    app[HEALTH] = DatabaseHealth(services)
    app[METRICS] = metrics = Metrics(services, hub)
    app.cleanup_ctx.append(lambda app: hub_context(services, hub))
    app.cleanup_ctx.append(lambda app: metrics_context(services, metrics))
    app.on_shutdown.append(_close_live)
    app.on_response_prepare.append(metrics.note_answer)
    app.on_response_prepare.append(add_security_headers)
    add_routes(app)
    return app


async def _close_live(app: web.Application) -> None:
    app[HUB].close_all()


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve while the block lasts; gives the address (`http://127.0.0.1:8080`), with the real port when asked for 0.

    At the end it stops listening, closes the live sockets and lets running requests end. Raises OSError when the
    address can't be had.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield _address(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
