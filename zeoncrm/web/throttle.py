"""Slows down guessing: failures are counted by account and address, by address, and slowly by account.

Each count is a leaky bucket: so many failures at once, then one in a while. A right password is not asked to wait
because strangers guess from elsewhere: where it was given before, only that place's own failures count.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from zeoncrm.pipeline.errors import TooMany

MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures at once; each is forgotten after `every`, one after the other."""

    burst: int
    every: timedelta


HERE = Limit(5, timedelta(minutes=1))
ADDRESS = Limit(20, timedelta(seconds=30))
ACCOUNT = Limit(50, timedelta(seconds=30))


class Throttle:
    """Counts failed log-ins in bounded memory; what was not used for longest is forgotten first."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._full_at: OrderedDict[tuple[str, ...], datetime] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def take(self, login: str, address: str, now: datetime) -> None:
        """Count an attempt before it is checked; raises TooMany when it has to wait."""
        buckets = self._buckets(login, address)
        wait = max(self._wait(key, limit, now) for key, limit in buckets)
        if wait > timedelta(0):
            raise TooMany("too many attempts, wait a little", retry_after=int(wait.total_seconds()) + 1)
        for key, limit in buckets:
            self._put(key, max(now, self._full_at.get(key, now)) + limit.every)

    def forgive(self, login: str, address: str) -> None:
        """The password was right: this place is known from now on, and its attempts don't count."""
        place = _place(address)
        for key, limit in self._buckets(login, address):
            if key in self._full_at:
                self._full_at[key] -= limit.every
        self._full_at.pop(("here", login, place), None)
        self._known[login, place] = None
        self._known.move_to_end((login, place))
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def _buckets(self, login: str, address: str) -> list[tuple[tuple[str, ...], Limit]]:
        place = _place(address)
        buckets: list[tuple[tuple[str, ...], Limit]] = [
            (("here", login, place), HERE),
            (("address", place), ADDRESS),
        ]
        if (login, place) not in self._known:
            buckets.append((("account", login), ACCOUNT))
        return buckets

    def _wait(self, key: tuple[str, ...], limit: Limit, now: datetime) -> timedelta:
        return self._full_at.get(key, now) - now - limit.every * (limit.burst - 1)

    def _put(self, key: tuple[str, ...], empty_at: datetime) -> None:
        self._full_at[key] = empty_at
        self._full_at.move_to_end(key)
        while len(self._full_at) > self._most:
            self._full_at.popitem(last=False)


def _place(address: str) -> str:
    """An IPv6 subscriber has a whole /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)
