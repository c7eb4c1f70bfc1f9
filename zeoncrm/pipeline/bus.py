"""Publishes events after their commit to whoever subscribed, in order, and keeps the last ones for late comers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import structlog

from zeoncrm.pipeline.events import Event

KEPT = 5_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """An event with its place in the order of all events."""

    id: int
    event: Event


Subscriber = Callable[[Published], None]


class Bus:
    """The one way of events. Subscribers are plain functions that must return at once (put on a queue)."""

    def __init__(self, first_id: int) -> None:
        """`first_id` must be above all ids given before a restart: microseconds since 1970 are."""
        self._next_id = first_id
        self._kept: deque[Published] = deque(maxlen=KEPT)
        self._subscribers: list[Subscriber] = []

    @property
    def last_id(self) -> int:
        """The id of the newest event; what is published later has a greater one."""
        return self._next_id - 1

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call the function for each event from now on, until the returned function is called."""
        self._subscribers.append(subscriber)

        def leave() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return leave

    def publish(self, events: Sequence[Event]) -> None:
        """Give the events to every subscriber; one that fails does not keep them from the others."""
        for event in events:
            published = Published(self._next_id, event)
            self._next_id += 1
            self._kept.append(published)
            for subscriber in tuple(self._subscribers):
                try:
                    subscriber(published)
                except Exception:
                    log.exception("a subscriber failed", event_type=type(event).__name__)

    def after(self, event_id: int) -> list[Published] | None:
        """The events after this one, or None when some of them are no longer kept."""
        if event_id > self.last_id:
            return None
        first = self._kept[0].id if self._kept else self._next_id
        if event_id < first - 1:
            return None
        return list(islice(self._kept, event_id - first + 1, None))
