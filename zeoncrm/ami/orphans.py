"""Calls that were going on at a PBX that is no longer attached: nobody will ever tell of their end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from zeoncrm.ami.messages import Snapshot
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.call_events import CallEvent
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.numbering import Numbering


def ends_of(pbx: str, calls: Iterable[Call], numbering: Numbering, at: datetime) -> list[CallEvent]:
    """Their last events, as if this PBX had been found without a channel at that time."""
    tracker = CallTracker(pbx, numbering, new_call_id)
    tracker.resume(calls)
    return tracker.feed(Snapshot(at, ()))
