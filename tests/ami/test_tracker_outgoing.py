"""What happened to calls to the outside, however they were made."""

from __future__ import annotations

import pytest

from tests.ami.pbx_script import CLIENT, LINE, P101, P102, SECOND_LINE, TRUNK, ScriptedPbx, kinds, outgoing
from zeoncrm.ami import messages as m
from zeoncrm.pipeline.call_events import (
    CallResult,
    Direction,
)


def test_an_outgoing_call_starts_when_the_outside_number_is_dialled() -> None:
    pbx = ScriptedPbx()
    outgoing(pbx)

    assert kinds(pbx.events) == ["CallStarted", "OutsideDialled", "OutsideRang"]
    assert (pbx.call.direction, pbx.call.number) == (Direction.OUTBOUND, "+79037778899")
    assert [leg.extension for leg in pbx.call.legs] == ["101"]


def test_an_outgoing_call_is_answered_by_the_one_who_called() -> None:
    pbx = ScriptedPbx()
    outgoing(pbx)
    pbx.answer(P101, LINE)
    pbx.hang_up(P101, LINE)

    assert (pbx.call.result, pbx.call.answered_by) == (CallResult.ANSWERED, "101")


@pytest.mark.parametrize(
    "status, cause, rings, result",
    [
        ("BUSY", 17, False, CallResult.BUSY),
        ("BUSY", 17, True, CallResult.BUSY),
        # So does chan_sip call what declines (603), and what is unavailable (480).
        ("BUSY", 21, True, CallResult.NO_ANSWER),
        ("BUSY", 21, False, CallResult.FAILED),
        ("BUSY", 19, False, CallResult.NO_ANSWER),
        ("NOANSWER", 0, True, CallResult.NO_ANSWER),
        ("CANCEL", 127, True, CallResult.NO_ANSWER),
        ("NOANSWER", 1, False, CallResult.FAILED),
        ("CHANUNAVAIL", 3, False, CallResult.FAILED),
        ("CONGESTION", 34, False, CallResult.FAILED),
        ("CANCEL", 127, False, CallResult.CANCELLED),
    ],
)
def test_why_an_outgoing_call_was_not_answered(status: str, cause: int, rings: bool, result: CallResult) -> None:
    pbx = ScriptedPbx()
    pbx.channel(P101, state=4, number="101", exten="79037778899")
    pbx.dial(P101, LINE, f"{CLIENT}@trunk")
    if rings:
        pbx.state(LINE, 5)
    pbx.dial_ends(P101, LINE, status)
    pbx.hang_up(LINE, cause=cause)
    pbx.hang_up(P101, cause=cause)

    assert pbx.call.result is result


@pytest.mark.parametrize(
    "status, cause, result",
    [
        ("CHANUNAVAIL", 1, CallResult.FAILED),
        ("BUSY", 17, CallResult.BUSY),
        ("NOANSWER", 16, CallResult.NO_ANSWER),
        ("CANCEL", 127, CallResult.NO_ANSWER),
    ],
)
def test_what_is_played_before_the_answer_may_say_why_not(status: str, cause: int, result: CallResult) -> None:
    pbx = ScriptedPbx()
    pbx.channel(P101, state=4, number="101", exten="79037778899")
    pbx.dial(P101, LINE, f"{CLIENT}@trunk")
    pbx.tell(m.DialProgressed(pbx.now, pbx.facts(P101), pbx.facts(LINE), "PROGRESS"))
    pbx.dial_ends(P101, LINE, status)
    pbx.hang_up(LINE, cause=cause)
    pbx.hang_up(P101, cause=cause)

    assert pbx.call.result is result


def test_a_second_line_that_is_tried_belongs_to_the_same_call() -> None:
    pbx = ScriptedPbx()
    second = "PJSIP/backup-00000001"
    pbx.channel(P101, state=4, number="101")
    pbx.dial(P101, LINE, f"{CLIENT}@trunk")
    pbx.dial_ends(P101, LINE, "CONGESTION")
    pbx.hang_up(LINE, cause=34)
    pbx.ring(P101, second, f"{CLIENT}@backup")
    pbx.answer(P101, second)
    pbx.hang_up(P101, second)

    assert (pbx.call.result, pbx.call.answered_by) == (CallResult.ANSWERED, "101")


@pytest.mark.parametrize(
    "dialled",
    [f"{CLIENT}@trunk", f"trunk/{CLIENT}", f"trunk/sip:{CLIENT}@carrier.example", f"g0/{CLIENT}", "+7 903 7778899"],
)
def test_the_number_is_what_was_dialled_whatever_the_trunks_caller_id(dialled: str) -> None:
    pbx = ScriptedPbx()
    pbx.channel(P101, state=4, number="101")
    pbx.channel(LINE, number="4952150000", of=P101)
    pbx.dial(P101, LINE, dialled)

    assert pbx.call.number == "+79037778899"


def test_an_internal_call_is_never_told() -> None:
    pbx = ScriptedPbx()
    pbx.channel(P101, state=4, number="101")
    pbx.ring(P101, P102)
    pbx.answer(P101, P102)
    pbx.hang_up(P101, P102)

    assert pbx.events == []
    assert pbx.tracker.is_empty


def test_whom_a_phone_calls_after_a_call_that_has_ended_is_another_call() -> None:
    pbx = ScriptedPbx()
    outgoing(pbx)
    pbx.answer(P101, LINE)
    pbx.hang_up(LINE)
    pbx.ring(P101, SECOND_LINE, "79037770001@trunk")
    pbx.answer(P101, SECOND_LINE, "b2")
    pbx.hang_up(P101, SECOND_LINE)

    assert [(call.number, call.result, call.answered_by) for call in pbx.calls] == [
        ("+79037778899", CallResult.ANSWERED, "101"),
        ("+79037770001", CallResult.ANSWERED, "101"),
    ]
    assert pbx.tracker.is_empty


def test_what_still_rings_when_a_call_ends_is_no_other_call() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.ring(P101, LINE, f"{CLIENT}@trunk")
    pbx.hang_up(TRUNK)
    pbx.answer(P101, LINE, "b2")
    pbx.hang_up(P101, LINE)

    assert (pbx.call.number, pbx.call.result) == ("+79031112233", CallResult.ANSWERED)


def test_what_the_dialplan_still_calls_for_a_caller_who_has_left_is_no_other_call() -> None:
    pbx = ScriptedPbx()
    half, other = "Local/104@follow-me-00000001;1", "Local/104@follow-me-00000001;2"
    pbx.calls_in()
    pbx.dial(TRUNK, half)
    pbx.channel(other, state=4, of=TRUNK)
    pbx.ring(other, P101)
    pbx.hang_up(TRUNK)
    pbx.ring(other, LINE, f"{CLIENT}@trunk")
    pbx.hang_up(P101, half, other, LINE)

    assert (pbx.call.number, pbx.call.result) == ("+79031112233", CallResult.MISSED)


def test_a_number_that_was_asked_in_vain_is_done_with_when_the_colleagues_talk_again() -> None:
    pbx = ScriptedPbx()
    pbx.channel(P101, state=4, number="101")
    pbx.ring(P101, P102)
    pbx.answer(P101, P102)
    pbx.leave("b1", P101)
    pbx.dial(P101, LINE, f"{CLIENT}@trunk")
    pbx.dial_ends(P101, LINE, "BUSY")
    pbx.hang_up(LINE, cause=17)
    assert pbx.call.result is None  # the dialplan may try another line

    pbx.bridge("b1", P101)
    assert pbx.call.result is CallResult.BUSY

    pbx.hang_up(P101, P102)
    assert pbx.tracker.is_empty
