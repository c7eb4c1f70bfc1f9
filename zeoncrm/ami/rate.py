"""How many events a second come, over the last minute."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=60)


class EventRate:
    """Fed with the count so far, every second or so."""

    def __init__(self) -> None:
        self._counts: deque[tuple[datetime, int]] = deque()

    def note(self, at: datetime, count: int) -> None:
        """So many came until now."""
        self._counts.append((at, count))
        while at - self._counts[0][0] > WINDOW:
            self._counts.popleft()

    def per_second(self) -> float:
        """0 until there is something to compare."""
        if len(self._counts) < 2:
            return 0.0
        (begin, first), (end, last) = self._counts[0], self._counts[-1]
        seconds = (end - begin).total_seconds()
        return (last - first) / seconds if seconds > 0 else 0.0
