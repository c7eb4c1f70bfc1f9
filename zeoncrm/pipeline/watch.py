"""What goes on at the phones, live: who is free and who waits in which queue, told to browsers as it changes.

Presence comes of states that change several times a second in a ring group: changes are gathered, and what is told
each time is only what differs from what was told before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from zeoncrm.pipeline.bus import Published
from zeoncrm.pipeline.events import (
    CallAnswered,
    CallChanged,
    CallDropped,
    CallEnded,
    CallRang,
    CallView,
    Event,
    PbxChanged,
    PresenceChanged,
    QueueChanged,
)
from zeoncrm.pipeline.people import Directory
from zeoncrm.pipeline.presence import Presence, Watched, presence_of
from zeoncrm.pipeline.queues import Queue

GATHER_SECONDS = 0.2
_STIRRING = (CallRang, CallAnswered, CallChanged, CallEnded, CallDropped, PbxChanged)


class Watch:
    """Compares what goes on with what was told of it. `publish` gets what is news."""

    def __init__(
        self,
        publish: Callable[[Sequence[Event]], None],
        directory: Callable[[], Directory],
        calls: Callable[[], Iterable[CallView]],
        pbxs: Mapping[str, Watched],
        now: Callable[[], datetime],
    ) -> None:
        self._publish = publish
        self._directory = directory
        self._calls = calls
        self._pbxs = pbxs
        self._now = now
        self._presence: dict[int, Presence] = {}
        self._queues: dict[tuple[str, str], Queue] = {}
        self._stirred = asyncio.Event()

    @property
    def presence(self) -> tuple[Presence, ...]:
        """Everybody who has a phone, by name, as last told."""
        return tuple(self._presence.values())

    @property
    def queues(self) -> tuple[Queue, ...]:
        """All queues of the PBXs that are connected, by PBX and name, as last told."""
        return tuple(self._queues.values())

    def stir(self) -> None:
        """Something has changed that presence or queues are made of."""
        self._stirred.set()

    def follow(self, published: Published) -> None:
        """Hear of what happened."""
        if isinstance(published.event, _STIRRING):
            self.stir()

    async def run(self) -> None:
        """Tell what changes, until cancelled."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            self.look()
            await asyncio.sleep(GATHER_SECONDS)

    def look(self) -> None:
        """Tell what differs now from what was told."""
        self._publish([*self._people_news(self._now()), *self._queue_news()])

    def _people_news(self, at: datetime) -> list[Event]:
        up = {name: pbx.phones for name, pbx in self._pbxs.items() if pbx.is_up}
        calls = [view.call for view in self._calls() if view.call.pbx in up]
        before, people = self._presence, [row for row in self._directory().rows if row.active and row.extensions]
        self._presence = {row.id: _kept(before.get(row.id), presence_of(row, up, calls, at)) for row in people}
        changed = tuple(each for key, each in self._presence.items() if before.get(key) != each)
        gone = tuple(each.login for key, each in before.items() if key not in self._presence)
        return [PresenceChanged(people=frozenset(), changed=changed, gone=gone)] if changed or gone else []

    def _queue_news(self) -> list[Event]:
        before = self._queues
        found = [queue for pbx in self._pbxs.values() if pbx.is_up for queue in pbx.queues]
        self._queues = {
            (queue.pbx, queue.name): queue for queue in sorted(found, key=lambda each: (each.pbx, each.name))
        }
        changed = [queue for key, queue in self._queues.items() if before.get(key) != queue]
        gone = [queue for key, queue in before.items() if key not in self._queues]
        return [
            *(QueueChanged(people=frozenset(), queue=queue) for queue in changed),
            *(QueueChanged(people=frozenset(), queue=Queue(queue.pbx, queue.name), gone=True) for queue in gone),
        ]


def _kept(before: Presence | None, now: Presence) -> Presence:
    """What was told, when nothing else but the time is new; of a state that goes on, since when."""
    if before is None or before.state is not now.state:
        return now
    return replace(now, since=before.since)
