"""Missed calls: which were called back, by whom, and which wait for it.

Nobody has called back a number as long as no one talked with it since, whoever called whom, or with its contact at
another number of theirs. A call that was tried and not taken is an attempt, until they call and are missed again: then
it is their turn once more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from zeoncrm.pipeline import events
from zeoncrm.pipeline.bus import Published
from zeoncrm.pipeline.call_events import CallResult, Direction
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import missed
from zeoncrm.store.database import Database
from zeoncrm.store.errors import StoreError
from zeoncrm.store.missed import CallBackRow
from zeoncrm.store.sql import first_call_id

# Whoever was missed before that does not wait for a call any more.
WAITS_FOR = timedelta(days=30)
MOST_WAITING = 1000


class CallBackState(StrEnum):
    """What came of a missed call."""

    NONE = "none"
    TRIED = "tried"
    CALLED_BACK = "called_back"
    CAME_THROUGH = "came_through"


@dataclass(frozen=True, slots=True)
class CallBack:
    """What came of a missed call. `misses` counts it and those before it since the last talk, `tries` the calls since
    that were not taken; `at` (UTC), `login` and `name` tell of the talk."""

    state: CallBackState
    misses: int
    tries: int
    at: datetime | None
    login: str | None
    name: str | None


def call_back_of(row: CallBackRow) -> CallBack:
    """What the calls after a missed one amount to."""
    if row.at is None:
        state = CallBackState.TRIED if row.tries else CallBackState.NONE
    elif row.direction == Direction.OUTBOUND:
        state = CallBackState.CALLED_BACK
    else:
        state = CallBackState.CAME_THROUGH
    return CallBack(state, row.misses, row.tries, row.at, row.login, row.name)


async def call_backs(database: Database, views: Collection[CallView]) -> dict[str, CallBack]:
    """What came of those of these calls that were missed, by id. That somebody called back is told to all who see the
    missed call, so that no two do."""
    wanted = [view.call.id for view in views if view.call.result is CallResult.MISSED and view.call.number]
    if not wanted:
        return {}
    async with database.read() as connection:
        rows = await missed.call_backs(connection, wanted)
    return {call_id: call_back_of(row) for call_id, row in rows.items()}


async def waiting(database: Database, viewer: Viewer, at: datetime) -> dict[int | None, int]:
    """How many numbers wait for a call, by whose calls they are (None: nobody's), as far as the viewer sees them."""
    async with database.read() as connection:
        return await missed.count_open(connection, viewer.scope, first_call_id(at - WAITS_FOR))


class CallBackWatch:
    """Tells those who see a missed call that somebody talked with the caller since, or tried to."""

    def __init__(
        self,
        database: Database,
        publish: Callable[[list[events.Event]], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._publish = publish
        self._now = now
        # The calls that may be such; beyond the bound a list is up to date when it is looked at next.
        self._calls: asyncio.Queue[Call] = asyncio.Queue(MOST_WAITING)

    def follow(self, published: Published) -> None:
        """Somebody talks, or an attempt is over."""
        match published.event:
            case events.CallAnswered(view=view):
                self._take(view)
            case events.CallEnded(view=view) if view.call.direction is Direction.OUTBOUND and not view.call.answered_at:
                self._take(view)

    async def run(self) -> None:
        """Tell, until cancelled."""
        while True:
            call = await self._calls.get()
            with contextlib.suppress(StoreError):
                await self._tell(call)

    async def _tell(self, call: Call) -> None:
        async with self._database.read() as connection:
            since = first_call_id(self._now() - WAITS_FOR)
            people = await missed.people_who_missed(connection, call.number or "", call.contact_id, since, call.id)
        if people is not None:
            self._publish([events.CallBackChanged(people=people)])

    def _take(self, view: CallView) -> None:
        if view.call.number is not None and not self._calls.full():
            self._calls.put_nowait(view.call)
