"""Finds the events of one call among all that are kept, and what was made of each. Pure; may take 100 ms."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from zeoncrm.ami.headers import plain, read_headers
from zeoncrm.ami.messages import Malformed, Message, Snapshot
from zeoncrm.ami.parsing import parse
from zeoncrm.ami.parties import Kind, device_of, party_at
from zeoncrm.ami.trace import Kept, Made
from zeoncrm.pipeline.call_events import CallEnded, CallEvent
from zeoncrm.pipeline.call_traces import CallTrace, Silence, TraceLine
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering

MOST_LINES = 1_000
# How long before the beginning and after the end of a call something may be said of it.
MARGIN = timedelta(minutes=2)

# `Uniqueid`, `DestLinkedid`, `UniqueID` of call records ... but not `BridgeUniqueid`: callers who wait share one.
_CHANNEL_ID = re.compile(rb"\n(?!Bridge)[A-Za-z]*(?:[Uu]nique|[Ll]inked)(?:id|ID): ([^\r\n<]+)")
_BRIDGE_ID = re.compile(rb"\nBridgeUniqueid: ([^\r\n]+)")
_ACTION_ID = re.compile(rb"\nActionID: ([^\r\n]+)")
_SHOWN = (
    *("ChannelStateDesc", "CallerIDNum", "CallerIDName", "Exten", "DialString", "DestCallerIDNum", "DialStatus"),
    *("BridgeTechnology", "BridgeType", "Queue", "Position", "Count", "Newname", "Cause-txt", "Response", "Reason"),
    *("Result", "TransferExten", "ParkingSpace", "Destination", "Disposition", "LastApplication", "Application"),
)
_NOTHING = frozenset({"", "<unknown>", "<none>", "(null)"})


@dataclass(frozen=True, slots=True)
class Traced:
    """A frame of the call; `number` is its place among all frames."""

    number: int
    at: datetime
    frame: bytes


def frames_of(kept: Kept, call: Call) -> list[Traced]:
    """The frames that tell of the call's channels, of those that these were joined with, and of their bridges."""
    begin = call.started_at - MARGIN
    end = call.ended_at + MARGIN if call.ended_at else datetime.max.replace(tzinfo=UTC)
    frames = [each for each in _without_comparisons(kept) if begin <= each.at <= end]
    ids = [_ids(each.frame) for each in frames]
    wanted = _related({linkedid.encode() for linkedid in call.linkedids}, ids)
    own = [bool(each & wanted) for each in ids]
    bridges = {name for each, is_own in zip(frames, own, strict=True) if is_own for name in _bridges(each.frame)}
    found = [
        each
        for each, channels, is_own in zip(frames, ids, own, strict=True)
        if is_own or (not channels and not bridges.isdisjoint(_bridges(each.frame)))
    ]
    return _with_snapshot_ends(found, frames)


def trace_of(kept: Kept, call: Call, numbering: Numbering) -> CallTrace | None:
    """The call's events in order, the first `MOST_LINES`; None when nothing is kept of it."""
    frames = frames_of(kept, call)
    if not frames:
        return None
    lines = [*_lines(frames, kept.made, call, numbering)]
    return CallTrace(
        tuple(lines[:MOST_LINES]),
        left_out=max(0, len(lines) - MOST_LINES),
        complete=frames[0].frame.startswith((b"Event: Newchannel", b"Event: Status")),
        options=replay_options([each.frame for each in frames], numbering),
    )


def recording_of(frames: Iterable[Traced]) -> bytes:
    """The frames as a recorded stream. Each carries its time, so that the lengths of waits and talks are kept."""
    return b"".join(_stamped(each) + b"\r\n\r\n" for each in frames)


def replay_options(frames: Iterable[bytes], numbering: Numbering) -> str:
    """With what `zeoncrm replay` must be told to see the call as it was seen."""
    text = b"\n".join(frames).decode("utf-8", "replace")
    devices = {device_of(name) for name in re.findall(r"Channel: ([^\r\n]+)", text)}
    extensions = sorted({device for _, device in devices} & numbering.extensions)
    named = {"/".join(each) for each in devices} & numbering.devices.keys()
    phones = [f"--device {numbering.devices[device]}={device}" for device in sorted(named)]
    outside = [
        f"--outside {extension}={number.lstrip('+')}"
        for number, extension in sorted(numbering.outside.items())
        if number[-10:] in text
    ]
    own = ["--extensions", ",".join(extensions)] if extensions else []
    return " ".join([*own, *phones, *outside, "--region", numbering.region])


def _without_comparisons(kept: Kept) -> Iterator[Traced]:
    """Of snapshots only the first after each log-in: it tells what was not heard; the later ones only compare."""
    first = False
    for number, (at, frame) in enumerate(kept.frames, kept.first):
        if frame.startswith(b"Response"):
            first = True
        elif first or not frame.startswith(b"Event: Status"):
            yield Traced(number, at, frame)
            first = first and not frame.startswith(b"Event: StatusComplete")


def _with_snapshot_ends(found: list[Traced], frames: list[Traced]) -> list[Traced]:
    """A snapshot that shows the call needs its last line too."""
    shown = [each.number for each in found if each.frame.startswith(b"Event: Status")]
    ends = [each for each in frames if each.frame.startswith(b"Event: StatusComplete")]
    needed = {next((end for end in ends if end.number > number), None) for number in shown}
    return sorted([*found, *filter(None, needed)], key=lambda each: each.number)


def _ids(frame: bytes) -> frozenset[bytes]:
    found = _CHANNEL_ID.findall(frame)
    if frame.startswith(b"Event: OriginateResponse"):
        found += _ACTION_ID.findall(frame)
    return frozenset(found)


def _bridges(frame: bytes) -> list[bytes]:
    return _BRIDGE_ID.findall(frame)


def _related(start: set[bytes], frames: list[frozenset[bytes]]) -> set[bytes]:
    """All ids that frames name together with one of these, or with one of those."""
    by_id: defaultdict[bytes, list[frozenset[bytes]]] = defaultdict(list)
    for ids in frames:
        for each in ids:
            by_id[each].append(ids)
    found, pending = set(start), list(start)
    while pending:
        for ids in by_id.get(pending.pop(), ()):
            pending += ids - found
            found |= ids
    return found


def _lines(frames: list[Traced], made: tuple[Made, ...], call: Call, numbering: Numbering) -> Iterator[TraceLine]:
    own = [(each, events) for each in made if (events := tuple(e for e in each.events if e.call_id == call.id))]
    messages = [parse(each.frame, each.at) for each in frames]
    at_frame, apart = _matched(frames, messages, own)
    ended = False
    for each, message in zip(frames, messages, strict=True):
        while apart and apart[0][0].before <= each.number:
            yield _apart(*apart.popleft())
        events = at_frame.get(each.number, ())
        yield _line(each, message, events, None if events else _silence(each, message, ended, numbering))
        ended = ended or any(isinstance(event, CallEnded) for event in events)
    for rest in apart:
        yield _apart(*rest)


def _matched(
    frames: list[Traced], messages: list[Message | None], made: list[tuple[Made, tuple[CallEvent, ...]]]
) -> tuple[dict[int, tuple[CallEvent, ...]], deque[tuple[Made, tuple[CallEvent, ...]]]]:
    """What was made of each frame by its number, and what came of no single one.

    A frame gives the same message again, and equal ones were taken in their order.
    """
    places: defaultdict[Message, deque[int]] = defaultdict(deque)
    for each, message in zip(frames, messages, strict=True):
        if message is not None:
            places[message].append(each.number)
    at_frame: dict[int, tuple[CallEvent, ...]] = {}
    apart: deque[tuple[Made, tuple[CallEvent, ...]]] = deque()
    for one, events in made:
        if one.message is not None and places.get(one.message):
            at_frame[places[one.message].popleft()] = events
        else:
            apart.append((one, events))
    return at_frame, apart


def _apart(made: Made, events: tuple[CallEvent, ...]) -> TraceLine:
    event = None if made.message is None else type(made.message).__name__
    return TraceLine(made.at, "Snapshot" if isinstance(made.message, Snapshot) else event, made=events)


def _line(each: Traced, message: Message | None, made: tuple[CallEvent, ...], silence: Silence | None) -> TraceLine:
    headers = read_headers(each.frame)
    channels = tuple(value for name, value in headers.items() if name.endswith("Channel") and "/" in value)
    facts = tuple((name, plain(headers[name]) or "") for name in _SHOWN if headers.get(name, "") not in _NOTHING)
    raw = each.frame.decode("utf-8", "replace").replace("\r", "")
    return TraceLine(each.at, headers.get("Event", "?"), channels[::-1], facts, made, silence, raw)


def _silence(each: Traced, message: Message | None, ended: bool, numbering: Numbering) -> Silence:
    if each.frame.startswith(b"Event: Status"):
        return Silence.IN_SNAPSHOT
    if message is None:
        return Silence.NOT_USED
    if isinstance(message, Malformed):
        return Silence.DAMAGED
    if ended:
        return Silence.AFTER_THE_END
    names = re.findall(r"Channel: ([^\r\n]+)", each.frame.decode("utf-8", "replace"))
    kinds = {party_at(name, (), numbering).kind for name in names if "/" in name}
    return Silence.HELPER if kinds == {Kind.HELPER} else Silence.NO_CHANGE


def _stamped(each: Traced) -> bytes:
    if b"\nTimestamp: " in each.frame:
        return each.frame
    return each.frame + f"\r\nTimestamp: {each.at.timestamp():.6f}".encode()
