"""A call and its states: the table, and that nothing else is possible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.replayed import replayed
from zeoncrm.pipeline.call_events import (
    AnsweredOutside,
    CallEnded,
    CallEvent,
    CallIdentified,
    CallLinked,
    CallMerged,
    CallQueued,
    CallRequested,
    CallResult,
    CallStarted,
    Consult,
    ConsultChanged,
    Direction,
    Hold,
    HoldChanged,
    LegAnswered,
    LegEnded,
    LegOutcome,
    LegRang,
    OutsideDialled,
    OutsideRang,
    Reached,
)
from zeoncrm.pipeline.calls import Call, CallState, IllegalTransition, Progress, advance, start

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ID = "01JD0000000000000000000000"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def started(direction: Direction = Direction.INBOUND) -> CallStarted:
    return CallStarted(call_id=ID, at=NOON, pbx="main", direction=direction, linkedid="1", number="+79031112233")


def after(*events: CallEvent, direction: Direction = Direction.INBOUND) -> Call:
    call = start(started(direction))
    for event in events:
        call = advance(call, event)
    return call


EVENTS: dict[type[CallEvent], CallEvent] = {
    type(event): event
    for event in (
        CallLinked(call_id=ID, at=at(5), linkedid="2"),
        CallIdentified(call_id=ID, at=at(5), caller_name="Ivan"),
        CallQueued(call_id=ID, at=at(5), queue="sales"),
        LegRang(call_id=ID, at=at(5), extension="101"),
        OutsideDialled(call_id=ID, at=at(5), extension="101"),
        OutsideRang(call_id=ID, at=at(5)),
        LegAnswered(call_id=ID, at=at(5), extension="101"),
        AnsweredOutside(call_id=ID, at=at(5), number="+79165556677"),
        ConsultChanged(call_id=ID, at=at(5), consult=Consult("102", "103")),
        HoldChanged(call_id=ID, at=at(5), holds=(Hold("102", at(5)),)),
        LegEnded(call_id=ID, at=at(5), extension="101", outcome=LegOutcome.NO_ANSWER),
        CallEnded(call_id=ID, at=at(5), result=CallResult.ANSWERED),
        started(),
        CallMerged(call_id=ID, at=at(5), into="x"),
    )
}
RINGING = after()
TALKING = after(LegAnswered(call_id=ID, at=at(1), extension="102"))
ENDED = after(CallEnded(call_id=ID, at=at(1), result=CallResult.MISSED))

# What follows in each state; None: not allowed.
TABLE: dict[type[CallEvent], tuple[str | None, str | None, str | None]] = {
    CallLinked: ("ringing", "talking", "ended"),
    CallIdentified: ("ringing", "talking", None),
    CallQueued: ("ringing", "talking", None),
    LegRang: ("ringing", "talking", None),
    OutsideDialled: ("ringing", "talking", None),
    OutsideRang: ("ringing", None, None),
    LegAnswered: ("talking", "talking", None),
    AnsweredOutside: ("talking", "talking", None),
    ConsultChanged: (None, "talking", None),
    HoldChanged: (None, "talking", None),
    LegEnded: ("ringing", "talking", None),
    CallEnded: ("ended", "ended", None),
    CallStarted: (None, None, None),
    CallMerged: (None, None, None),
}


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("column, call", [(0, RINGING), (1, TALKING), (2, ENDED)], ids=["ringing", "talking", "ended"])
def test_a_call_moves_along_the_table_alone(kind: type[CallEvent], column: int, call: Call) -> None:
    follows = TABLE[kind][column]
    if follows is None:
        with pytest.raises(IllegalTransition, match=f"{kind.__name__} is not allowed: call {ID} is {call.state}"):
            advance(call, EVENTS[kind])
    else:
        assert advance(call, EVENTS[kind]).state == follows


def test_the_first_answer_is_kept_and_the_last_extension_followed() -> None:
    call = after(
        LegRang(call_id=ID, at=at(1), extension="101"),
        LegRang(call_id=ID, at=at(1), extension="102"),
        LegAnswered(call_id=ID, at=at(4), extension="102"),
        LegEnded(call_id=ID, at=at(4), extension="101", outcome=LegOutcome.ANSWERED_ELSEWHERE),
        LegEnded(call_id=ID, at=at(30), extension="102", outcome=LegOutcome.NO_ANSWER),
        LegAnswered(call_id=ID, at=at(31), extension="103"),
        CallEnded(call_id=ID, at=at(65), result=CallResult.ANSWERED),
    )
    assert (call.answered_by, call.last_extension, call.answered_at) == ("102", "103", at(4))
    assert (call.wait_seconds, call.talk_seconds) == (4, 61)
    assert [(leg.extension, leg.outcome, leg.left_at) for leg in call.legs] == [
        ("101", "answered_elsewhere", at(4)),
        # What left a conversation had answered, whatever is said of it.
        ("102", "answered", at(30)),
        ("103", "answered", at(65)),
    ]


@pytest.mark.parametrize("answered, outcome", [(True, LegOutcome.ANSWERED_ELSEWHERE), (False, LegOutcome.CANCELLED)])
def test_a_leg_that_still_rings_at_the_end_is_closed(answered: bool, outcome: LegOutcome) -> None:
    events: list[CallEvent] = [LegRang(call_id=ID, at=at(1), extension="101")]
    if answered:
        events.append(LegAnswered(call_id=ID, at=at(2), extension="102"))
    result = CallResult.ANSWERED if answered else CallResult.MISSED
    call = after(*events, CallEnded(call_id=ID, at=at(9), result=result, reached=Reached.RINGING))
    leg = call.leg("101")
    assert leg is not None
    assert (leg.outcome, leg.left_at) == (outcome, at(9))
    assert call.reached == (None if answered else Reached.RINGING)


def test_a_phone_that_rings_again_is_one_leg_with_two_rings() -> None:
    call = after(
        LegRang(call_id=ID, at=at(1), extension="101"),
        LegEnded(call_id=ID, at=at(2), extension="101", outcome=LegOutcome.NO_ANSWER),
        LegRang(call_id=ID, at=at(3), extension="101"),
    )
    (leg,) = call.legs
    assert (leg.rang_at, leg.left_at, leg.outcome, leg.rings) == (at(1), None, None, 2)


def test_a_phone_that_had_left_and_is_called_again_does_not_talk_yet() -> None:
    events: list[CallEvent] = [
        LegAnswered(call_id=ID, at=at(1), extension="101"),
        LegEnded(call_id=ID, at=at(2), extension="101", outcome=LegOutcome.ANSWERED),
        LegAnswered(call_id=ID, at=at(2), extension="102"),
        LegRang(call_id=ID, at=at(3), extension="101"),
    ]
    assert [leg.is_talking for leg in after(*events).legs] == [False, True]
    ended = after(*events, CallEnded(call_id=ID, at=at(4), result=CallResult.ANSWERED))
    assert [leg.outcome for leg in ended.legs] == [LegOutcome.ANSWERED, LegOutcome.ANSWERED]


def test_an_outbound_call_shows_its_steps() -> None:
    steps = [
        (LegRang(call_id=ID, at=at(0), extension="101"), Progress.OWN_PHONE),
        (OutsideDialled(call_id=ID, at=at(2), extension="101"), Progress.CALLING),
        (OutsideRang(call_id=ID, at=at(4)), Progress.RINGING_THERE),
        (OutsideDialled(call_id=ID, at=at(5), extension="101"), Progress.RINGING_THERE),
        (LegAnswered(call_id=ID, at=at(9), extension="101"), None),
    ]
    call = after(direction=Direction.OUTBOUND)
    for event, progress in steps:
        call = advance(call, event)
        assert call.progress == progress
    assert (call.answered_by, call.wait_seconds) == ("101", 9)


def test_a_click_makes_an_outbound_call_of_whoever_clicked() -> None:
    requested = CallRequested(
        call_id=ID, at=NOON, pbx="main", linkedid="zeoncrm-1", number="+79031112233", number_raw="8", requested_by=7
    )
    call = start(requested)
    assert (call.direction, call.progress, call.owner_id, call.requested_by) == ("outbound", "own_phone", 7, 7)


def test_what_is_learnt_later_adds_and_never_removes() -> None:
    call = after(
        CallIdentified(call_id=ID, at=at(1), caller_name="Ivan"), CallIdentified(call_id=ID, at=at(2), did="1")
    )
    assert (call.number, call.caller_name, call.did) == ("+79031112233", "Ivan", "1")


def test_seconds_are_never_negative_whatever_the_clocks_say() -> None:
    call = after(
        LegAnswered(call_id=ID, at=at(-5), extension="101"),
        CallEnded(call_id=ID, at=at(-9), result=CallResult.ANSWERED),
    )
    assert (call.wait_seconds, call.talk_seconds) == (0, 0)
    assert (after().wait_seconds, after().talk_seconds) == (None, None)
    assert ENDED.talk_seconds == 0


@given(st.lists(st.sampled_from(list(EVENTS.values())), max_size=30))
def test_whatever_comes_in_whatever_order_a_call_ends_once_and_stays_so(events: list[CallEvent]) -> None:
    call = start(started())
    for event in events:
        before = call
        try:
            call = advance(call, event)
        except IllegalTransition:
            assert call is before
            continue
        if before.state is CallState.ENDED:
            assert call == before or isinstance(event, CallLinked)
        assert (call.state is CallState.TALKING) <= (call.answered_at is not None)
        assert (call.state is CallState.ENDED) == (call.ended_at is not None)
        assert len({leg.extension for leg in call.legs}) == len(call.legs)
    assert replayed([started(), *events])[ID] == call
