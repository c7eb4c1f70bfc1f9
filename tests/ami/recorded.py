"""The recordings that lie in tests/recordings, and what must come of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.pbx.scenarios.scenario import OF_LEGS
from zeoncrm.ami.messages import Message
from zeoncrm.ami.recording import read_stream
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.call_events import CallEvent
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.numbers import normalise

FOLDER = Path(__file__).parent.parent / "recordings"


@dataclass(frozen=True)
class Recording:
    """One recorded stream with its expectation."""

    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def expected(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.path.with_suffix(".json").read_text())
        return loaded

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    @property
    def numbering(self) -> Numbering:
        expected = self.expected
        region = expected["region"]
        outside = {
            normalise(number, region) or number: person for person, number in expected.get("outside", {}).items()
        }
        return Numbering(region, extensions_in(expected["extensions"]), outside)

    def messages(self) -> list[Message]:
        return list(read_stream(self.data))


def recordings() -> list[Recording]:
    """All recordings with an expectation."""
    return [Recording(path.with_suffix(".ami")) for path in sorted(FOLDER.glob("*/*.json"))]


def recording(name: str) -> Recording:
    """The recording of this name: `asterisk22/voicemail`."""
    return Recording(FOLDER / f"{name}.ami")


def extensions_in(text: str) -> frozenset[str]:
    """`101-103`, or `101,102`, or both."""
    ranges = (part.partition("-") for part in text.split(","))
    return frozenset(str(each) for first, _, last in ranges for each in range(int(first), int(last or first) + 1))


def as_told(call: Call, expected: dict[str, Any]) -> dict[str, Any]:
    """The call in the words of its expectation, and only those fields."""
    of_legs = {name: {leg.extension: getattr(leg, OF_LEGS[name]) for leg in call.legs} for name in OF_LEGS}
    return {name: of_legs[name] if name in OF_LEGS else getattr(call, name) for name in expected}


def by_number(call: dict[str, Any]) -> str:
    """Calls that end together come in either order."""
    return call["number"] or ""


def tracker_for(numbering: Numbering, first: int = 1) -> CallTracker:
    """A tracker that numbers its calls."""
    numbers = count(first)
    return CallTracker("main", numbering, lambda at: f"call-{next(numbers)}")


def fed(tracker: CallTracker, messages: Iterable[Message]) -> list[CallEvent]:
    """What comes of the messages."""
    return [event for message in messages for event in tracker.feed(message)]
