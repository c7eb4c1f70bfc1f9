"""Calls that were going on when an earlier process stopped, as the store has them."""

from __future__ import annotations

from functools import reduce

from zeoncrm.ami.clicks import channel_id_of
from zeoncrm.ami.legs import LiveLeg
from zeoncrm.ami.live_call import LiveCall
from zeoncrm.ami.view import View
from zeoncrm.ami.waiting import Waiting
from zeoncrm.pipeline.call_events import Direction, Reached
from zeoncrm.pipeline.calls import Call, Leg, Progress


def restored_call(call: Call, view: View) -> LiveCall:
    """The call as it was last told; the next snapshot shows whether it goes on."""
    groups = [view.board.groups.of(linkedid) for linkedid in sorted(call.linkedids) or [call.id]]
    answered = call.answered_at is not None
    live = LiveCall(
        call.id,
        call.direction,
        reduce(view.board.groups.union, groups),
        view,
        call.started_at,
        number=call.number,
        caller_name=call.caller_name,
        line_called=call.did,
        linkedids=set(call.linkedids),
        answered=answered,
        channel_id=channel_id_of(call.id) if call.requested_by is not None else None,
        number_from_line=call.direction is Direction.OUTBOUND and call.requested_by is None,
        waiting=Waiting(call.queue, _stage(call)),
        dialled=answered or call.progress in {Progress.CALLING, Progress.RINGING_THERE},
        rang_there=answered or call.progress is Progress.RINGING_THERE,
        restored=True,
    )
    live.legs.by_extension = {leg.extension: _live_leg(leg) for leg in call.legs if leg.left_at is None}
    return live


def _live_leg(leg: Leg) -> LiveLeg:
    return LiveLeg(told_talking=leg.is_talking, told_ringing=not leg.is_talking and leg.rang_at is not None)


def _stage(call: Call) -> Reached | None:
    if call.direction is Direction.OUTBOUND:
        return None
    if call.queue is not None:
        return Reached.QUEUE
    return Reached.RINGING if call.legs else None
