"""Who talks with the outside party after transfers, consultations and conferences."""

from __future__ import annotations

from tests.ami.pbx_script import CALLER, CLIENT, LINE, P101, P103, TRUNK, ScriptedPbx, kinds, outgoing
from zeoncrm.ami import messages as m
from zeoncrm.pipeline.call_events import (
    CallMerged,
    CallResult,
    Direction,
)
from zeoncrm.pipeline.calls import CallState


def test_an_internal_consultation_that_becomes_a_transfer_joins_the_outside_partys_call() -> None:
    pbx = ScriptedPbx()
    consulting = "PJSIP/101-0000000d"
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.channel(consulting, state=4, number="101")
    pbx.ring(consulting, P103)
    assert kinds(pbx.answer(consulting, P103, "b2")) == []
    pbx.leave("b2", consulting)

    assert kinds(pbx.bridge("b2", TRUNK)) == ["103 answers"]
    pbx.hang_up(P101)
    pbx.hang_up(consulting)
    pbx.hang_up(TRUNK, P103)

    assert (pbx.call.answered_by, pbx.call.last_extension) == ("101", "103")


def test_a_transfer_back_lets_the_first_talk_again() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.hang_up(P101)
    pbx.ring(TRUNK, P103)
    pbx.answer(TRUNK, P103, "b2")
    pbx.hang_up(P103)
    again = "PJSIP/101-0000000e"
    pbx.ring(TRUNK, again)
    pbx.answer(TRUNK, again, "b3")
    pbx.hang_up(TRUNK, again)

    assert (pbx.call.answered_by, pbx.call.last_extension) == ("101", "101")
    assert [(leg.extension, leg.outcome) for leg in pbx.call.legs] == [("101", "answered"), ("103", "answered")]


def consult_outside(pbx: ScriptedPbx) -> None:
    """101, who talks with the caller, calls the client from a second line."""
    consulting = "PJSIP/101-0000000d"
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.channel(consulting, state=4, number="101")
    pbx.ring(consulting, LINE, f"{CLIENT}@trunk")
    pbx.answer(consulting, LINE, "b2")


def test_a_consultation_with_an_outside_number_becomes_part_of_the_callers_call_when_they_are_joined() -> None:
    pbx = ScriptedPbx()
    consult_outside(pbx)
    first, second = pbx.calls
    pbx.leave("b2", "PJSIP/101-0000000d")
    pbx.hang_up("PJSIP/101-0000000d")
    pbx.leave("b1", P101)
    pbx.hang_up(P101)

    told = pbx.bridge("b2", TRUNK)

    assert [event for event in told if isinstance(event, CallMerged)] == [
        CallMerged(call_id=second.id, at=pbx.now, into=first.id)
    ]
    assert (pbx.call.state, pbx.call.answered_by, pbx.call.answered_outside) == (
        CallState.TALKING,
        "101",
        "+79037778899",
    )
    pbx.hang_up(TRUNK, LINE)
    assert (pbx.call.id, pbx.call.result) == (first.id, CallResult.ANSWERED)
    assert pbx.tracker.is_empty


def test_a_consultation_that_is_not_connected_is_a_call_of_its_own() -> None:
    pbx = ScriptedPbx()
    consult_outside(pbx)
    pbx.hang_up(LINE, "PJSIP/101-0000000d")
    pbx.hang_up(TRUNK, P101)

    assert [(call.direction, call.result, call.answered_outside) for call in pbx.calls] == [
        (Direction.INBOUND, CallResult.ANSWERED, None),
        (Direction.OUTBOUND, CallResult.ANSWERED, None),
    ]


def test_of_two_numbers_called_and_connected_the_first_keeps_the_call() -> None:
    pbx = ScriptedPbx()
    second, other = "PJSIP/101-0000000d", "PJSIP/trunk-00000100"
    outgoing(pbx)
    pbx.answer(P101, LINE)
    pbx.channel(second, state=4, number="101")
    pbx.ring(second, other, "79995556677@trunk")
    pbx.answer(second, other, "b2")
    pbx.leave("b1", P101)
    pbx.hang_up(P101)
    pbx.leave("b2", second)
    pbx.hang_up(second)
    pbx.bridge("b2", LINE)

    assert (pbx.call.number, pbx.call.answered_by, pbx.call.answered_outside) == ("+79037778899", "101", "+79995556677")


def test_in_a_conference_a_number_called_is_a_call_of_its_own_and_answers_for_nobody() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.channel(P101, state=6, number="101")
    pbx.bridge("conference", TRUNK, P101)
    pbx.channel(LINE)
    pbx.dial(None, LINE, f"{CLIENT}@trunk")
    pbx.state(LINE, 6)
    pbx.bridge("conference", LINE)

    assert [(call.number, call.answered_by, call.answered_outside) for call in pbx.calls] == [
        ("+79031112233", "101", None),
        ("+79037778899", "101", None),
    ]


def test_a_number_is_not_read_from_a_line_that_is_only_ringing_yet() -> None:
    pbx = ScriptedPbx()
    pbx.channel(LINE, number="4952150000")

    assert pbx.state(LINE, 5) == []
    pbx.dial(None, LINE, f"{CLIENT}@trunk")
    assert pbx.call.number == "+79037778899"


def test_somebody_who_was_only_consulted_left_the_call_to_whom_it_had() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.ring(P101, P103)
    pbx.leave("b1", P101)
    pbx.answer(P101, P103, "b2")

    assert kinds(pbx.hang_up(P103)) == ["103 answered_elsewhere"]


def test_a_phone_that_was_called_in_vain_during_a_conversation_did_not_answer() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.ring(P101, P103)
    pbx.dial_ends(P101, P103, "CANCEL")

    assert kinds(pbx.hang_up(P103)) == ["103 no_answer"]


def test_a_phone_that_was_put_down_talks_no_more_though_its_channel_stays() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.tell(m.HangupAsked(pbx.now, pbx.facts(P101)))

    assert kinds(pbx.leave("b1", P101)) == ["101 answered"]
    assert kinds(pbx.ring(TRUNK, P103) + pbx.answer(TRUNK, P103)) == ["103 rings", "103 answers"]


def test_two_callers_in_one_conference_stay_two_calls() -> None:
    pbx = ScriptedPbx()
    other = "PJSIP/trunk-0000000b"
    pbx.calls_in()
    pbx.calls_in(other, "79031112244")
    pbx.state(TRUNK, 6)
    pbx.state(other, 6)
    pbx.channel(P101, state=6, number="101")
    pbx.bridge("conference", TRUNK, other, P101)
    pbx.hang_up(TRUNK)

    assert [call.answered_by for call in pbx.calls] == ["101", "101"]
    assert [call.state for call in pbx.calls] == [CallState.ENDED, CallState.TALKING]


def test_somebody_who_listens_in_does_not_answer() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.channel("Snoop/1-00000001", state=6, of=TRUNK)

    assert kinds(pbx.bridge("b1", "Snoop/1-00000001")) == []


def test_nested_local_channels_are_looked_through() -> None:
    pbx = ScriptedPbx()
    outer, inner = "Local/101@queue-00000001", "Local/101@follow-00000002"
    pbx.calls_in()
    pbx.dial(TRUNK, f"{outer};1")
    pbx.channel(f"{outer};2", state=4, of=TRUNK)
    pbx.dial(f"{outer};2", f"{inner};1")
    pbx.channel(f"{inner};2", state=4, of=TRUNK)

    assert kinds(pbx.ring(f"{inner};2", P101)) == ["101 rings"]

    told = pbx.answer(f"{inner};2", P101, "b1")
    told += pbx.answer(f"{outer};2", f"{inner};1", "b2") + pbx.answer(TRUNK, f"{outer};1", "b3")
    assert kinds(told) == ["101 answers"]


def test_somebody_who_calls_a_number_is_no_transfer_that_comes_back() -> None:
    pbx = ScriptedPbx()
    again = "PJSIP/101-0000000e"
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.channel(again, number="101")

    pbx.tell(m.DialBegan(pbx.now, None, pbx.facts(again), "101", CALLER))
    assert pbx.state(again, 5) == []
