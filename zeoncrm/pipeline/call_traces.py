"""What a PBX said of one call, and what was made of it: for whoever looks into a call that went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from zeoncrm.pipeline.call_events import CallEvent


class Silence(StrEnum):
    """Why nothing was made of an event."""

    NOT_USED = "not_used"  # calls are not made of such events
    DAMAGED = "damaged"  # it lacks what it needs to be understood
    HELPER = "helper"  # nobody is at these channels
    AFTER_THE_END = "after_the_end"
    IN_SNAPSHOT = "in_snapshot"  # taken together with the other channels
    NO_CHANGE = "no_change"  # it changes nothing of the call


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One event in the order in which they came; `at` is UTC.

    `event` is None for what only time told, `Snapshot` for a comparison with all channels of the PBX. `made`: the call
    events that it led to; without any, `silence` says why. `facts`: what matters of it, `raw`: all of it.
    """

    at: datetime
    event: str | None
    channels: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    made: tuple[CallEvent, ...] = ()
    silence: Silence | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class CallTrace:
    """The events of one call. `left_out`: so many more came after; `complete`: its beginning is still there.

    `options`: with what `zeoncrm replay` sees the call as it was seen; `masked_options`: in the masked recording.
    """

    lines: tuple[TraceLine, ...]
    left_out: int
    complete: bool
    options: str
    masked_options: str = ""
