"""The one queue between the socket and whoever takes the messages."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")

# A consumer that never waits itself must still let the rest of the loop run.
_TAKES_BETWEEN_YIELDS = 64


class Inbox(Generic[_T]):
    """An ordered queue with one consumer, which loses nothing.

    Each time that it holds `limit` items or more after a `put`, `on_full` is called and its filler must stop
    reading: what is over the limit is at most what one read has brought. When it has then been emptied to half
    of the limit, `on_drained` is called. The sender is thus held up by TCP, the event loop never.
    """

    def __init__(self, limit: int, on_full: Callable[[], None], on_drained: Callable[[], None]) -> None:
        self._limit = limit
        self._on_full = on_full
        self._on_drained = on_drained
        self._items: deque[_T] = deque()
        self._filled = asyncio.Event()
        self._taken = 0
        self.full = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: _T) -> None:
        self._items.append(item)
        self._filled.set()
        if len(self._items) >= self._limit:
            self.full = True
            self._on_full()

    async def take(self) -> _T:
        self._taken += 1
        if self._taken % _TAKES_BETWEEN_YIELDS == 0:
            await asyncio.sleep(0)
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if self.full and len(self._items) <= self._limit // 2:
            self.full = False
            self._on_drained()
        return item
