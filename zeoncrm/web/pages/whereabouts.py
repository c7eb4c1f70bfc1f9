"""Where a number is, beside the number: its country and the time of day there, when they are not ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from zeoncrm.pipeline.numbers import whereabouts
from zeoncrm.web.context import request_services


@dataclass(frozen=True, slots=True)
class There:
    """What is worth telling of where a number is. `country`: its ISO code; `now`: the time there, in its zone."""

    country: str | None
    now: datetime | None


def there(request: web.Request) -> Callable[[str | None], There]:
    """What templates ask of a number (E.164)."""
    services = request_services(request)
    at, home = services.now(), services.settings().zone

    def of_number(number: str | None) -> There:
        where = whereabouts(number, at).seen_from(services.region, home, at)
        return There(where.country, at.astimezone(where.zone) if where.zone else None)

    return of_number
