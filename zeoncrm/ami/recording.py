"""Reads recorded AMI streams: what they say, and the calls that come of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from zeoncrm.ami.framing import Framer
from zeoncrm.ami.live_call import RECORD_GRACE
from zeoncrm.ami.messages import Message
from zeoncrm.ami.parsing import parse, parse_status
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.call_events import CallEvent, CallMerged, CallStarted
from zeoncrm.pipeline.calls import Call, CallState, IllegalTransition, advance, start
from zeoncrm.pipeline.numbering import Numbering

_CHUNK = 1 << 16
_STEP = timedelta(milliseconds=1)
# What a channel's id or the `Timestamp` header must lie between to be taken for a time: 2001 to 2100.
_TIMES = range(1_000_000_000, 4_102_444_800)


class RecordedClock:
    """The times of a stream that has none.

    A channel's id begins with the second at which it was made, and `timestampevents` gives a `Timestamp`: these set
    the clock forward; each message between them comes a millisecond after the one before. Always the same for the
    same stream.
    """

    def __init__(self) -> None:
        self._now = datetime.fromtimestamp(_TIMES.start, UTC)

    def at(self, frame: bytes) -> datetime:
        """The time of this message."""
        self._now = max([self._now + _STEP, *map(_time_in, _ids(frame))])
        return self._now


def read_stream(data: bytes | Path) -> Iterator[Message]:
    """The messages of a recorded stream, snapshots among them, in order.

    Raises:
        OSError: the file cannot be read.
    """
    clock = RecordedClock()
    framer = Framer()
    status: list[bytes] = []
    for chunk in _chunks(data):
        for frame in framer.feed(chunk):
            at = clock.at(frame)
            if frame.startswith(b"Event: StatusComplete"):
                yield parse_status(status, at)
                status = []
            elif frame.startswith(b"Event: Status\r\n"):
                status.append(frame)
            elif (message := parse(frame, at)) is not None:
                yield message


def calls_in(stream: Iterable[Message], numbering: Numbering, pbx: str = "recording") -> list[Call]:
    """The calls that ended in the stream, in the order in which they did."""
    numbers = count(1)
    tracker = CallTracker(pbx, numbering, lambda at: f"{next(numbers):026}")
    ongoing: dict[str, Call] = {}
    ended: list[Call] = []
    last = None
    for message in stream:
        last = message.at
        ended += _apply(tracker.feed(message), ongoing)
    if last is not None:
        ended += _apply(tracker.expire(last + RECORD_GRACE), ongoing)
    return ended


def _apply(events: Iterable[CallEvent], ongoing: dict[str, Call]) -> Iterator[Call]:
    """Takes the events to the calls they tell of; gives those that end by them."""
    for event in events:
        if isinstance(event, CallStarted):
            ongoing[event.call_id] = start(event)
        if isinstance(event, CallMerged):
            ongoing.pop(event.call_id, None)
        call = ongoing.get(event.call_id)
        if call is None or isinstance(event, CallStarted):
            continue
        try:
            call = ongoing[event.call_id] = advance(call, event)
        except IllegalTransition:
            continue
        if call.state is CallState.ENDED:
            del ongoing[event.call_id]
            yield call


def _chunks(data: bytes | Path) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _ids(frame: bytes) -> Iterator[bytes]:
    """What may hold a time. An id may have the system's name before it: `pbx1-1795291748.82`."""
    for header in (b"\nUniqueid: ", b"\nDestUniqueid: ", b"\nTimestamp: "):
        _, found, rest = frame.partition(header)
        if found:
            yield rest.partition(b"\r")[0].rpartition(b"-")[2].partition(b".")[0]


def _time_in(text: bytes) -> datetime:
    seconds = int(text) if text.isdigit() and len(text) == 10 else 0
    return datetime.fromtimestamp(seconds if seconds in _TIMES else _TIMES.start, UTC)
