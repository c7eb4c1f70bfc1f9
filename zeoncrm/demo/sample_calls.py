"""Past calls of the sample data, told as the PBX would have told them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from zeoncrm.pipeline.call_events import (
    CallEnded,
    CallEvent,
    CallResult,
    CallStarted,
    Direction,
    LegAnswered,
    LegEnded,
    LegOutcome,
    LegRang,
    OutsideDialled,
    OutsideRang,
    Reached,
)
from zeoncrm.pipeline.ids import new_call_id

PBX = "main"
DID = "4952150000"


@dataclass(frozen=True)
class PastCall:
    """A call that began at this time (UTC), with one extension. `number`: as the carrier writes it."""

    at: datetime
    direction: Direction
    number: str
    extension: str
    name: str | None
    wait: timedelta
    talk: timedelta | None  # None: not answered

    def events(self) -> Iterator[CallEvent]:
        """What happened, in order."""
        call_id = new_call_id(self.at)
        inbound = self.direction is Direction.INBOUND
        yield CallStarted(
            call_id=call_id,
            at=self.at,
            pbx=PBX,
            direction=self.direction,
            linkedid=f"past-{call_id}",
            number=f"+{self.number}",
            number_raw=self.number,
            caller_name=self.name,
            did=DID if inbound else None,
        )
        if inbound:
            yield LegRang(call_id=call_id, at=self.at, extension=self.extension)
        else:
            yield OutsideDialled(call_id=call_id, at=self.at, extension=self.extension)
            yield OutsideRang(call_id=call_id, at=self.at)
        yield from self._outcome(call_id, inbound)

    def _outcome(self, call_id: str, inbound: bool) -> Iterator[CallEvent]:
        taken = self.at + self.wait
        if self.talk is None:
            result = CallResult.MISSED if inbound else CallResult.NO_ANSWER
            cancelled = LegOutcome.CANCELLED
            yield LegEnded(call_id=call_id, at=taken, extension=self.extension, outcome=cancelled)
            yield CallEnded(call_id=call_id, at=taken, result=result, reached=Reached.RINGING if inbound else None)
            return
        over = taken + self.talk
        answered = LegOutcome.ANSWERED
        yield LegAnswered(call_id=call_id, at=taken, extension=self.extension)
        yield LegEnded(call_id=call_id, at=over, extension=self.extension, outcome=answered)
        yield CallEnded(call_id=call_id, at=over, result=CallResult.ANSWERED)
