"""What an operator sees of one PBX."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from zeoncrm.ami.cdr.backfill import CdrState
from zeoncrm.ami.masking import Mask, masked_options
from zeoncrm.ami.pbx import Pbx
from zeoncrm.ami.rights import NEEDED
from zeoncrm.ami.trace import Kept
from zeoncrm.ami.traced_call import frames_of, recording_of, trace_of
from zeoncrm.pipeline.call_traces import CallTrace
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.pbx_desks import BackfillSeen, PbxReport, RightSeen, Trouble

# A minute without an event while people talk is nothing strange; the link has been looked at by then.
QUIET = timedelta(seconds=30)


class Desk:
    """The `PbxDesk` of the pipeline. What takes long is done in a thread, on a copy."""

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx

    def report(self, now: datetime) -> PbxReport:
        """How it is now."""
        pbx, connection = self._pbx, self._pbx.connection
        counters, status, last = connection.counters, pbx.status, connection.counters.last_message_at
        trouble = connection.last_trouble
        calls = len(pbx.tracker.calls)
        return PbxReport(
            name=pbx.name,
            state=status.state.value,
            since=status.since,
            reason=status.reason,
            version=connection.version,
            logins=counters.logins,
            stalls=counters.stalls,
            trouble=Trouble(trouble.since, trouble.reason) if trouble else None,
            events_per_second=pbx.rate.per_second(),
            last_event_at=last,
            quiet=pbx.is_up and calls > 0 and now - max(last or status.since, status.since) >= QUIET,
            calls=calls,
            drift=pbx.tracker.drift,
            not_understood=counters.unparsable,
            too_long=counters.dropped,
            rights=tuple(RightSeen(right.key, connection.rights.has(right), right.cost) for right in NEEDED),
            endpoints=pbx.endpoints,
            write_timeout=connection.condition.write_timeout,
            cuts_soon=connection.condition.cuts_soon,
            clock_ahead=connection.condition.clock_ahead,
            clocks_differ=connection.condition.clocks_differ,
            backfill=_backfill_seen(pbx.backfill.state) if pbx.backfill else None,
        )

    @property
    def traced_since(self) -> datetime | None:
        """From when on calls can be traced."""
        return self._pbx.trace.since

    def retry(self) -> None:
        """Connect anew at once."""
        self._pbx.connection.retry()

    async def trace(self, call: Call) -> CallTrace | None:
        """The events of one call."""
        return await asyncio.to_thread(_trace, self._pbx.trace.kept(), self._known(call), self._pbx.tracker.numbering)

    async def recording(self, call: Call, *, masked: bool) -> bytes | None:
        """The same as a recorded stream."""
        numbering = self._pbx.tracker.numbering
        return await asyncio.to_thread(_recording, self._pbx.trace.kept(), self._known(call), numbering, masked)

    def _known(self, call: Call) -> Call:
        """With the ids that it goes by in this moment: the database has them a little later."""
        live = self._pbx.tracker.calls.get(call.id)
        own = {self._pbx.telephone.channel_id(call.id)}
        return replace(call, linkedids=call.linkedids | own | (live.linkedids if live else set()))


def _backfill_seen(state: CdrState) -> BackfillSeen:
    return BackfillSeen(
        state.source,
        state.watermark,
        state.last_run,
        state.problem,
        state.problem_since,
        Trouble(state.misread_at, state.misread) if state.misread_at else None,
        state.made,
        state.completed,
    )


def _trace(kept: Kept, call: Call, numbering: Numbering) -> CallTrace | None:
    trace = trace_of(kept, call, numbering)
    return trace and replace(trace, masked_options=masked_options(frames_of(kept, call), numbering))


def _recording(kept: Kept, call: Call, numbering: Numbering, masked: bool) -> bytes | None:
    frames = frames_of(kept, call)
    if masked:
        frames = Mask(numbering).frames(frames)
    return recording_of(frames) if frames else None
