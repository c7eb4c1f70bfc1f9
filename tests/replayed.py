"""Calls from events alone, for tests that look at what a stream of events amounts to."""

from __future__ import annotations

from collections.abc import Iterable

from zeoncrm.pipeline.call_events import CallEvent, CallMerged, CallStarted
from zeoncrm.pipeline.calls import Call, IllegalTransition, advance, start


def replayed(events: Iterable[CallEvent]) -> dict[str, Call]:
    """The calls that a stream of events gives, by id; what is not allowed is passed over."""
    calls: dict[str, Call] = {}
    for event in events:
        if isinstance(event, CallStarted):
            calls.setdefault(event.call_id, start(event))
        elif isinstance(event, CallMerged) and event.into in calls:
            calls.pop(event.call_id, None)
        elif event.call_id in calls:
            try:
                calls[event.call_id] = advance(calls[event.call_id], event)
            except IllegalTransition:
                continue
    return calls
