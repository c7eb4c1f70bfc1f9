"""How long to wait before the next attempt."""

import random
from collections.abc import Callable


class Backoff:
    """Doubles from `first` to `longest` seconds. Each pause is cut by up to a half at random, so that many clients of
    one PBX do not all come back at the same moment."""

    def __init__(self, first: float, longest: float, jitter: Callable[[], float] = random.random) -> None:
        self._first = first
        self._longest = longest
        self._jitter = jitter
        self._whole = first

    def next(self) -> float:
        """Seconds to wait now; the next pause will be longer."""
        whole, self._whole = self._whole, min(2 * self._whole, self._longest)
        return whole * (1 - self._jitter() / 2)

    def reset(self) -> None:
        self._whole = self._first
