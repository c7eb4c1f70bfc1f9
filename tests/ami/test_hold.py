"""Callers on hold, as told while they wait."""

from __future__ import annotations

import pytest

from tests.ami.recorded import Recording, fed, recordings, tracker_for
from zeoncrm.pipeline.call_events import CallEnded, CallEvent, ConsultChanged, HoldChanged

# Who has which caller on hold, each time that it changes: calls in the order in which they began.
HOLDS: dict[str, list[tuple[int, list[str]]]] = {
    "hold_and_resume": [(0, ["101"]), (0, [])],
    "call_waiting_taken": [(0, ["101"]), (0, [])],
    "second_call_of_a_rep_who_holds_a_caller": [(0, ["101"]), (0, [])],
    "internal_call_while_the_customer_waits": [(0, ["101"]), (0, [])],
    "customer_gives_up_during_an_internal_call": [(0, ["101"]), (0, [])],
    "blind_transfer_dtmf": [(0, ["101"]), (0, [])],
}


def told(each: Recording) -> tuple[list[CallEvent], list[tuple[int, list[str]]]]:
    """All events, and the holds among them."""
    events = fed(tracker_for(each.numbering), each.messages())
    calls = list(dict.fromkeys(event.call_id for event in events))
    holds = [
        (calls.index(event.call_id), [hold.extension for hold in event.holds])
        for event in events
        if isinstance(event, HoldChanged)
    ]
    return events, holds


@pytest.mark.parametrize("each", [each for each in recordings() if each.path.stem in HOLDS], ids=lambda each: each.name)
def test_it_is_told_who_has_whom_on_hold(each: Recording) -> None:
    assert told(each)[1] == HOLDS[each.path.stem]


@pytest.mark.parametrize("each", recordings(), ids=lambda each: each.name)
def test_a_call_that_goes_on_is_taken_off_hold_again_and_a_consultation_is_no_hold(each: Recording) -> None:
    on_hold: set[str] = set()
    consulting: set[str] = set()
    for event in told(each)[0]:
        match event:
            case HoldChanged(call_id=call_id):
                (on_hold.add if event.holds else on_hold.discard)(call_id)
            case ConsultChanged(call_id=call_id):
                (consulting.add if event.consult else consulting.discard)(call_id)
            case CallEnded(call_id=call_id):
                on_hold.discard(call_id)
        assert not on_hold & consulting or isinstance(event, ConsultChanged), event
    assert not on_hold
