"""Recorded calls, made to happen again with other numbers, names and people.

A recording is cut once into plain bytes and tokens (channel serials, unique ids, numbers, extensions ...). A fresh
call is the same frames with something else in the place of each token.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random

from zeoncrm.ami.framing import Framer
from zeoncrm.ami.headers import Headers, read_headers
from zeoncrm.demo.pacing import Beat, beats

FOLDER = Path(__file__).parent / "recordings"

# Where a caller's name belongs, which the carrier of the recordings did not tell.
NAME = b"{name}"
UNKNOWN = b"<unknown>"

_UNIQUEID = re.compile(rb"\d{10}\.\d+")
_BRIDGE = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SERIAL = re.compile(rb"[0-9a-f]{8}")
_TIME = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
_NUMBER = re.compile(rb"7903\d{7}")
_ACTION = re.compile(rb"lab\d+")
_TOKEN = re.compile(
    rb"(?<![\w.])(?:"
    + b"|".join(kind.pattern for kind in (_BRIDGE, _UNIQUEID, _TIME, _NUMBER))
    + rb"|(?<=-)[0-9a-f]{8}|Agent 10\d|10\d)(?![\w.])"
    + rb"|(?<=ActionID: )\w+|"
    + re.escape(NAME)
)
_NAMELESS = re.compile(rb"((?:CallerID|ConnectedLine)Num: 7903\d{7}\r\n\w+Name: )<unknown>")


@dataclass(frozen=True, eq=False)
class Recording:
    """A recorded call. Each frame is plain bytes and tokens in turn, beginning and ending with plain bytes."""

    frames: tuple[tuple[bytes, ...], ...]
    headers: tuple[Headers, ...]
    tokens: tuple[bytes, ...]

    @cached_property
    def rhythm(self) -> tuple[Beat | None, ...]:
        """What is waited for before each frame."""
        return beats(self.headers)

    @property
    def number(self) -> bytes:
        """The outside party's number."""
        return self.of(_NUMBER)[0]

    @property
    def uniqueids(self) -> tuple[bytes, ...]:
        """Of its channels, in the order of their appearance."""
        return self.of(_UNIQUEID)

    @property
    def serials(self) -> tuple[bytes, ...]:
        """The ends of its channels' names, in the order of their appearance."""
        return self.of(_SERIAL)

    @property
    def bridges(self) -> tuple[bytes, ...]:
        """Its bridges' ids, in the order of their appearance."""
        return self.of(_BRIDGE)

    @property
    def action(self) -> bytes:
        """The ActionID of the Originate that made the call."""
        return self.of(_ACTION)[0]

    def of(self, kind: re.Pattern[bytes]) -> tuple[bytes, ...]:
        """The tokens of a kind, in the order of their appearance."""
        return tuple(token for token in self.tokens if kind.fullmatch(token))

    def since(self, event: str) -> Recording:
        """What comes from the first such event on; it keeps the tokens of the whole."""
        start = next(place for place, headers in enumerate(self.headers) if headers["Event"] == event)
        return Recording(self.frames[start:], self.headers[start:], self.tokens)


def read_recording(path: Path) -> Recording:
    """The events of a call in a recorded stream; the greeting, the log-in and answers to actions are left out.

    States of devices too: a call that ends early would leave its phones in use. The calls tell who is busy.
    """
    frames, all_headers = [], []
    for frame in Framer().feed(path.read_bytes()):
        headers = read_headers(frame)
        if headers.get("Event", "FullyBooted") in ("FullyBooted", "DeviceStateChange"):
            continue
        frames.append(tuple(_cut(_NAMELESS.sub(rb"\1" + NAME, frame) + b"\r\n\r\n")))
        all_headers.append(headers)
    tokens = dict.fromkeys(token for frame in frames for token in frame[1::2])
    return Recording(tuple(frames), tuple(all_headers), tuple(tokens))


def fresh(recording: Recording, replacements: Mapping[bytes, bytes]) -> list[bytes]:
    """The frames with the tokens replaced; a token without a replacement stays as it was recorded."""
    return [b"".join([replacements.get(part, part) for part in frame]) for frame in recording.frames]


class Serials:
    """What a PBX numbers its channels and bridges with; no two are alike."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._last = 1000  # above those of the recordings

    def uniqueid(self, at: datetime) -> bytes:
        """For a channel made at this time."""
        self._last += 1
        return b"%d.%d" % (at.timestamp(), self._last)

    def channel(self) -> bytes:
        """The end of a channel's name."""
        self._last += 1
        return b"%08x" % self._last

    def bridge(self) -> bytes:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4)).encode()


def identities(recording: Recording, serials: Serials, at: datetime) -> dict[bytes, bytes]:
    """Replacements with which a recording becomes a call of its own that begins at this time (UTC)."""
    replacements = {token: serials.uniqueid(at) for token in recording.uniqueids}
    replacements |= {token: serials.channel() for token in recording.serials}
    replacements |= {token: serials.bridge() for token in recording.bridges}
    return replacements | _shifted(recording.of(_TIME), at) | {NAME: UNKNOWN}


def cast(people: Mapping[str, str], names: Mapping[str, str]) -> dict[bytes, bytes]:
    """Replacements that put others into the place of the recorded extensions, each with the name of their phone."""
    replacements = {recorded.encode(): extension.encode() for recorded, extension in people.items()}
    shown = {f"Agent {recorded}".encode(): names[extension].encode() for recorded, extension in people.items()}
    return replacements | shown


def _cut(frame: bytes) -> Iterator[bytes]:
    end = 0
    for match in _TOKEN.finditer(frame):
        yield frame[end : match.start()]
        yield match.group()
        end = match.end()
    yield frame[end:]


def _shifted(times: Sequence[bytes], at: datetime) -> dict[bytes, bytes]:
    """The times of call records (the PBX writes UTC here), moved to where the first of them is now."""
    if not times:
        return {}
    read = {time: datetime.strptime(time.decode(), _TIME_FORMAT).replace(tzinfo=at.tzinfo) for time in times}
    shift: timedelta = at - min(read.values())
    return {time: (then + shift).strftime(_TIME_FORMAT).encode() for time, then in read.items()}
