"""What an operator sees of a PBX, and may do to its link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from zeoncrm.pipeline.call_traces import CallTrace
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class RightSeen:
    """A class that the account needs (`read = call`): whether it has it, None when that can't be learned."""

    key: str
    held: bool | None
    cost: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """The last time that something was amiss: the link not up, say."""

    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class BackfillSeen:
    """How the PBX's own records of calls are read. `watermark`: the end of the last call read; None: none yet.

    `misread`: when the last record was not understood, and why. `made` calls were not known before, `completed` ones
    not wholly.
    """

    source: str
    watermark: datetime | None
    last_run: datetime | None
    problem: str | None
    problem_since: datetime | None
    misread: Trouble | None
    made: int
    completed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxReport:
    """How a link is, and what it has been through since the daemon started. Times are UTC.

    `state`: connecting, up, auth-failed or down. `quiet`: no event for long though calls go on; the PBX is asked then.
    `drift`: channels that comparisons showed otherwise than events had told. `stalls`: how often events had stopped
    while the link was up. `write_timeout` (milliseconds; `cuts_soon`: too short) and `clock_ahead` (seconds;
    `clocks_differ`: too much) are None when the PBX does not tell. `backfill`: None when no records of it are read.
    """

    name: str
    state: str
    since: datetime
    reason: str | None
    version: str | None
    logins: int
    stalls: int
    trouble: Trouble | None
    events_per_second: float
    last_event_at: datetime | None
    quiet: bool
    calls: int
    drift: int
    not_understood: int
    too_long: int
    rights: tuple[RightSeen, ...]
    endpoints: tuple[Endpoint, ...]
    write_timeout: int | None = None
    cuts_soon: bool = False
    clock_ahead: float | None = None
    clocks_differ: bool = False
    backfill: BackfillSeen | None = None


class PbxDesk(Protocol):
    """One PBX, for its operator."""

    def report(self, now: datetime) -> PbxReport:
        """How it is now."""

    @property
    def traced_since(self) -> datetime | None:
        """From when on calls can be traced; None: none yet."""

    def retry(self) -> None:
        """Connect anew at once, whatever it waits for; rights are given at the log-in."""

    async def trace(self, call: Call) -> CallTrace | None:
        """The events of one of its calls; None when they are no longer kept."""

    async def recording(self, call: Call, *, masked: bool) -> bytes | None:
        """The same as a recorded stream, as `zeoncrm replay` reads it. `masked`: numbers and names are replaced."""
