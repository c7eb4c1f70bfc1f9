"""Whether it lives, whether it serves, and what it counts: for monitoring, without a log-in, without anybody's data."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web

from zeoncrm.store.errors import StoreError
from zeoncrm.web.access import public
from zeoncrm.web.context import request_services
from zeoncrm.web.metrics import METRICS
from zeoncrm.web.moments import rfc3339
from zeoncrm.web.services import Services

CHECK_SECONDS = 1.0


class DatabaseHealth:
    """Whether the database serves, looked up once a second at most, whoever asks."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._reason = "ok"

    async def reason(self) -> str:
        """`ok`, or why it does not serve."""
        trouble = self._services.recorder.trouble
        async with self._looking:
            if time.monotonic() - self._looked_at >= CHECK_SECONDS:
                self._reason = await self._look()
                self._looked_at = time.monotonic()
        return self._reason if trouble is None else trouble.reason

    async def _look(self) -> str:
        try:
            await self._services.database.check()
        except StoreError as error:
            return str(error) or "unavailable"
        return "ok"


HEALTH = web.AppKey("database_health", DatabaseHealth)


@public
async def healthz(request: web.Request) -> web.Response:
    """The process lives and its loop runs."""
    return web.json_response({"status": "ok"})


@public
async def readyz(request: web.Request) -> web.Response:
    """Whether it can do its work. A PBX that is away is told, but does not make it unready: the pages serve."""
    database = await request.config_dict[HEALTH].reason()
    return web.json_response(
        {"database": database, "pbx": _pbx(request_services(request))}, status=200 if database == "ok" else 503
    )


@public
async def metrics(request: web.Request) -> web.Response:
    """The counters, as Prometheus reads them."""
    text = request.config_dict[METRICS].text()
    return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _pbx(services: Services) -> dict[str, Any]:
    return {
        name: {"state": status.state, "since": rfc3339(status.since), "reason": status.reason}
        for name, status in services.pbx().items()
    }
