"""The last events of one PBX, kept raw in memory for whoever looks into a call: they are read when asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from zeoncrm.ami.messages import Message
from zeoncrm.pipeline.call_events import CallEvent, CallStarted

# About 100 events of 600 bytes a call.
MOST_BYTES = 16 << 20
MOST_CALLS = 400
# What Python needs for an entry besides its bytes.
_OVERHEAD = 160

# How the names of events begin that are of no call, most of the traffic where an account may read too much (RTCP,
# Newexten), or may hold secrets (VarSet). Looked up by their first letters: this runs for every event.
_LEFT_OUT = frozenset({b"RTCP", b"VarS", b"Newe", b"Devi", b"Exte", b"Pres", b"Peer", b"Cont", b"Regi", b"Relo"})
_LEFT_OUT_OF_QUEUES = frozenset({b"Memb", b"Para", b"Entr", b"Stat"})
_LOGGED_IN = b"Authentication accepted"


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of a message, or of the passing of time (None), before the frame `before` was kept."""

    at: datetime
    before: int
    message: Message | None
    events: tuple[CallEvent, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is kept at one moment; the first frame has the number `first`."""

    first: int
    frames: tuple[tuple[datetime, bytes], ...]
    made: tuple[Made, ...]


class Trace:
    """A ring, bounded by bytes and by calls: the oldest goes first."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_calls: int = MOST_CALLS) -> None:
        self._most_bytes = most_bytes
        self._most_calls = most_calls
        self._frames: deque[tuple[datetime, bytes]] = deque()
        self._bytes = 0
        self._first = 0
        self._made: deque[Made] = deque()
        # The number of the frame after which each call began.
        self._begins: deque[int] = deque()

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._bytes

    def keep(self, frame: bytes, at: datetime) -> None:
        """One frame as it came. Of answers only those to a log-in are kept."""
        name = frame[7:11]
        if name in _LEFT_OUT or (name == b"Queu" and frame[12:16] in _LEFT_OUT_OF_QUEUES):
            return
        if frame.startswith(b"Response") and _LOGGED_IN not in frame:
            return
        self._frames.append((at, frame))
        self._bytes += len(frame) + _OVERHEAD
        while self._bytes > self._most_bytes:
            self._drop()

    def note(self, at: datetime, message: Message | None, events: Sequence[CallEvent]) -> None:
        """What was made of a message, if anything was."""
        if not events:
            return
        now = self._first + len(self._frames)
        self._made.append(Made(at, now, message, tuple(events)))
        for event in events:
            if isinstance(event, CallStarted):
                self._begins.append(now)
        while len(self._begins) > self._most_calls:
            self._drop(self._begins.popleft() - self._first)

    @property
    def since(self) -> datetime | None:
        """The time of the oldest frame."""
        return self._frames[0][0] if self._frames else None

    def kept(self) -> Kept:
        """A copy, to be looked through elsewhere."""
        return Kept(self._first, tuple(self._frames), tuple(self._made))

    def _drop(self, count: int = 1) -> None:
        for _ in range(min(count, len(self._frames))):
            self._bytes -= len(self._frames.popleft()[1]) + _OVERHEAD
            self._first += 1
        while self._made and self._made[0].before <= self._first:
            self._made.popleft()
        while self._begins and self._begins[0] < self._first:
            self._begins.popleft()
