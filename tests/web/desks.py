"""An operator's view of a PBX that is made of a recording and of what a test says of its devices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from zeoncrm.ami.endpoints import Evidence, judged
from zeoncrm.ami.framing import Framer
from zeoncrm.ami.masking import Mask, masked_options
from zeoncrm.ami.parsing import parse
from zeoncrm.ami.recording import RecordedClock
from zeoncrm.ami.rights import NEEDED
from zeoncrm.ami.trace import Trace
from zeoncrm.ami.traced_call import frames_of, recording_of, trace_of
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.call_events import CallEvent
from zeoncrm.pipeline.call_traces import CallTrace
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.pbx_desks import PbxReport, RightSeen

UP_SINCE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEVICES = (
    Evidence("PJSIP/101", reachable=True, registers=True),
    Evidence("PJSIP/105", reachable=True, registers=True),
    Evidence("PJSIP/10642", reachable=False, hints=frozenset({"10642"})),
    Evidence("PJSIP/107"),
    Evidence("PJSIP/trunk", reachable=True, registers=False),
    Evidence("PJSIP/door-phone", registers=True),
)


@dataclass
class NotedDesk:
    """Tells of `devices`, keeps what `tell` was given, and counts the retries."""

    numbering: Callable[[], Numbering]
    name: str = "main"
    devices: tuple[Evidence, ...] = DEVICES
    lacking: frozenset[str] = frozenset()
    more: dict[str, Any] = field(default_factory=dict)
    retries: int = 0
    kept: Trace = field(default_factory=Trace)

    def tell(self, stream: bytes, numbering: Numbering) -> list[CallEvent]:
        """Let the PBX say what was recorded; the call events that come of it, still to be recorded."""
        tracker = CallTracker(self.name, numbering, new_call_id)
        clock, told = RecordedClock(), []
        for frame in Framer().feed(stream):
            at = clock.at(frame)
            self.kept.keep(frame, at)
            message = parse(frame, at)
            events = tracker.feed(message) if message is not None else []
            self.kept.note(at, message, events)
            told += events
        return told

    def report(self, now: datetime) -> PbxReport:
        report = PbxReport(
            name=self.name,
            state="up",
            since=UP_SINCE,
            reason=None,
            version="Asterisk Call Manager/11.0.0",
            logins=1,
            stalls=0,
            trouble=None,
            events_per_second=3.25,
            last_event_at=now,
            quiet=False,
            calls=2,
            drift=0,
            not_understood=0,
            too_long=0,
            rights=tuple(RightSeen(each.key, each.key not in self.lacking, each.cost) for each in NEEDED),
            endpoints=tuple(judged(each, self.numbering()) for each in self.devices),
        )
        return replace(report, **self.more)

    @property
    def traced_since(self) -> datetime | None:
        return self.kept.since

    def retry(self) -> None:
        self.retries += 1

    async def trace(self, call: Call) -> CallTrace | None:
        trace = trace_of(self.kept.kept(), call, self.numbering())
        frames = frames_of(self.kept.kept(), call)
        return trace and replace(trace, masked_options=masked_options(frames, self.numbering()))

    async def recording(self, call: Call, *, masked: bool) -> bytes | None:
        frames = frames_of(self.kept.kept(), call)
        if masked:
            frames = Mask(self.numbering()).frames(frames)
        return recording_of(frames) if frames else None
