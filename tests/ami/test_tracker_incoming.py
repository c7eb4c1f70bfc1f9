"""What happened to calls that came in, from what a PBX said: the cases that decide who is shown what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ami.pbx_script import CALLER, CLIENT, LINE, NUMBERING, P101, P102, P103, TRUNK, ScriptedPbx, kinds
from zeoncrm.ami import messages as m
from zeoncrm.pipeline.call_events import (
    CallEnded,
    CallIdentified,
    CallResult,
    CallStarted,
    Direction,
    LegOutcome,
    Reached,
)
from zeoncrm.pipeline.calls import CallState
from zeoncrm.pipeline.numbering import Numbering

# Whom it rings at and who answers


def test_a_call_starts_with_its_first_channel_and_tells_who_calls_which_number() -> None:
    pbx = ScriptedPbx()

    (started,) = pbx.calls_in()

    assert isinstance(started, CallStarted)
    assert (started.direction, started.number, started.number_raw, started.did) == (
        Direction.INBOUND,
        "+79031112233",
        CALLER,
        "4952150000",
    )


@pytest.mark.parametrize("state", [0, 1])
def test_a_caller_whose_channel_is_made_before_it_calls_is_incoming(state: int) -> None:
    """So do chan_sip and chan_dahdi."""
    pbx = ScriptedPbx()

    assert pbx.channel("SIP/carrier-00000001", state=state, number=CALLER, exten="4952150000") == []
    (started,) = pbx.state("SIP/carrier-00000001", 4)

    assert isinstance(started, CallStarted)
    assert (started.direction, started.number, started.did) == (Direction.INBOUND, "+79031112233", "4952150000")


@pytest.mark.parametrize("line", ["DAHDI/i1/79037778899-1", "SIP/carrier-00000002"])
def test_a_line_is_no_caller_before_it_is_known_who_calls_by_it(line: str) -> None:
    pbx = ScriptedPbx()
    pbx.channel("SIP/101-00000001", state=0, number="101", exten=CLIENT)
    pbx.state("SIP/101-00000001", 4)

    assert pbx.channel(line, state=1, of="SIP/101-00000001") == []
    (started, *_) = pbx.dial("SIP/101-00000001", line, f"g0/{CLIENT}")

    assert isinstance(started, CallStarted)
    assert (started.direction, started.number) == (Direction.OUTBOUND, "+79037778899")


def test_a_phone_is_shown_to_ring_when_it_says_so() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()

    assert kinds(pbx.dial(TRUNK, P101)) == []
    assert kinds(pbx.state(P101, 5)) == ["101 rings"]


def test_a_phone_that_says_nothing_is_taken_to_ring_after_a_second() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.dial(TRUNK, P101)

    assert kinds(pbx.wait(2)) == ["101 rings"]


def test_a_busy_phone_never_rang() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.dial(TRUNK, P101)
    pbx.dial_ends(TRUNK, P101, "BUSY")

    assert kinds(pbx.hang_up(P101, cause=17)) == ["101 busy"]


def test_the_answer_is_the_shared_bridge_not_the_picked_up_receiver() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)

    assert kinds(pbx.state(P101, 6) + pbx.dial_ends(TRUNK, P101, "ANSWER") + pbx.bridge("b1", P101)) == []
    assert kinds(pbx.bridge("b1", TRUNK)) == ["101 answers"]


def test_the_others_stop_ringing_at_the_answer_without_waiting_for_their_hang_ups() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    for phone in (P101, P102, P103):
        pbx.ring(TRUNK, phone)

    assert kinds(pbx.answer(TRUNK, P102)) == [
        "102 answers",
        "101 answered_elsewhere",
        "103 answered_elsewhere",
    ]
    assert kinds(pbx.hang_up(P101, cause=26) + pbx.hang_up(P103, cause=16)) == []


def test_a_member_that_answers_and_dies_before_it_is_connected_does_not_own_the_call() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.state(P101, 6)
    pbx.dial_ends(TRUNK, P101, "ANSWER")
    pbx.hang_up(P101)
    pbx.ring(TRUNK, P102)
    pbx.answer(TRUNK, P102)
    pbx.hang_up(TRUNK, P102)

    assert pbx.call.answered_by == "102"
    assert {leg.extension: leg.outcome for leg in pbx.call.legs} == {
        "101": LegOutcome.FAILED,
        "102": LegOutcome.ANSWERED,
    }


def test_a_member_that_hung_up_and_is_connected_all_the_same_does_not_own_the_call() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.state(P101, 6)
    pbx.tell(m.HangupAsked(pbx.now, pbx.facts(P101)))
    assert kinds(pbx.dial_ends(TRUNK, P101, "ANSWER")) == ["101 failed"]
    assert kinds(pbx.bridge("b1", P101, TRUNK)) == []

    assert kinds(pbx.hang_up(TRUNK)) == ["ended missed ringing"]


def test_a_queue_says_of_a_member_that_left_too_soon_that_it_did_not_answer() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.state(P101, 6)
    pbx.dial_ends(TRUNK, P101, "ANSWER")
    pbx.dial_ends(TRUNK, P101, "NOANSWER")

    assert kinds(pbx.hang_up(P101, cause=0)) == ["101 failed"]


def test_a_holding_bridge_is_no_conversation() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.channel(P101, state=6)

    assert kinds(pbx.bridge("park", TRUNK, P101, holding=True)) == []


def test_two_parked_callers_stay_two_calls() -> None:
    pbx = ScriptedPbx()
    other = "PJSIP/trunk-0000000b"
    pbx.calls_in()
    pbx.calls_in(other, "79031112244")
    pbx.bridge("park", TRUNK, other, holding=True)

    assert kinds(pbx.hang_up(TRUNK)) == ["ended missed ringing"]
    assert [call.state for call in pbx.calls] == [CallState.ENDED, CallState.RINGING]


def test_a_queue_that_calls_a_member_again_makes_one_leg() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.state(TRUNK, 6)
    pbx.tell(m.QueueJoined(pbx.now, pbx.facts(TRUNK), "sales"))
    for phone in (P101, "PJSIP/101-0000000c"):
        pbx.ring(TRUNK, phone)
        pbx.dial_ends(TRUNK, phone, "NOANSWER")
        pbx.hang_up(phone, cause=0)

    assert kinds(pbx.events) == ["CallStarted", "CallQueued", *["101 rings", "101 no_answer"] * 2]
    assert [leg.extension for leg in pbx.call.legs] == ["101"]
    assert kinds(pbx.hang_up(TRUNK)) == ["ended missed queue"]


def test_a_phone_that_is_called_again_before_it_is_told_of_the_hang_up_rings_twice() -> None:
    pbx = ScriptedPbx()
    again = "PJSIP/101-0000000c"
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.dial_ends(TRUNK, P101, "NOANSWER")
    pbx.ring(TRUNK, again)

    assert kinds(pbx.hang_up(P101, cause=0)) == []
    pbx.dial_ends(TRUNK, again, "BUSY")
    pbx.hang_up(again, cause=17)
    assert kinds(pbx.events) == ["CallStarted", "101 rings", "101 no_answer", "101 rings", "101 busy"]


def test_the_card_stays_while_one_of_two_devices_of_an_extension_rings() -> None:
    pbx = ScriptedPbx()
    softphone = "SIP/101-00000009"
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.ring(TRUNK, softphone)
    pbx.dial_ends(TRUNK, softphone, "BUSY")

    assert kinds(pbx.hang_up(softphone, cause=17)) == []
    pbx.dial_ends(TRUNK, P101, "NOANSWER")
    assert kinds(pbx.hang_up(P101, cause=0)) == ["101 busy"]


def test_a_number_that_the_dialplan_puts_right_is_the_callers() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in(number="990379031112233")  # as the carrier writes it
    pbx.number(TRUNK, CALLER)
    pbx.ring(TRUNK, P101)

    assert (pbx.call.number, pbx.call.number_raw) == (f"+{CALLER}", CALLER)


def test_a_number_that_the_dialplan_finds_for_a_caller_who_withholds_it_is_the_callers() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in(number="anonymous")
    pbx.number(TRUNK, CALLER)  # the carrier asserts it
    pbx.ring(TRUNK, P101)

    assert pbx.call.number == f"+{CALLER}"
    assert kinds(pbx.events)[-1] == "101 rings"  # who it is was told before


@pytest.mark.parametrize("number", ["anonymous", "990379031112233"])
def test_our_number_that_the_dialplan_sets_for_the_way_out_is_not_the_callers(number: str) -> None:
    pbx = ScriptedPbx()
    pbx.calls_in(number=number)
    pbx.ring(TRUNK, P101)
    pbx.dial_ends(TRUNK, P101, "NOANSWER")
    pbx.number(TRUNK, "4952150001")
    pbx.ring(TRUNK, LINE, f"{CLIENT}@trunk")

    assert (pbx.call.number, pbx.call.number_raw) == (None, number)


@pytest.mark.parametrize("ours", ["4952150000", "4952150001"])  # the line called, and another one
@pytest.mark.parametrize("number", ["anonymous", None])
def test_nor_of_one_who_is_sent_out_at_once(ours: str, number: str | None) -> None:
    pbx = ScriptedPbx()
    pbx.calls_in(number=number)
    pbx.state(TRUNK, 6)
    pbx.number(TRUNK, ours)
    pbx.ring(TRUNK, LINE, f"{CLIENT}@trunk")
    pbx.answer(TRUNK, LINE)

    assert (pbx.call.number, pbx.call.answered_outside) == (None, f"+{CLIENT}")


@pytest.mark.parametrize("number", ["anonymous", None])
def test_a_number_that_came_late_is_the_callers_who_gave_up_before_it_rang_anywhere(number: str | None) -> None:
    """An analogue line tells it after the first ring."""
    pbx = ScriptedPbx()
    pbx.calls_in(number=number)
    pbx.number(TRUNK, CALLER)
    pbx.state(TRUNK, 6)
    pbx.hang_up(TRUNK)
    pbx.wait(3)

    assert (pbx.call.number, pbx.call.reached) == (f"+{CALLER}", Reached.IVR)


@pytest.mark.parametrize("number", ["anonymous", None])
def test_our_number_is_not_that_of_one_who_was_sent_out_in_vain(number: str | None) -> None:
    pbx = ScriptedPbx()
    pbx.calls_in(number=number)
    pbx.number(TRUNK, "4952150001")
    pbx.ring(TRUNK, LINE, f"{CLIENT}@trunk")
    pbx.hang_up(LINE)
    pbx.hang_up(TRUNK)
    pbx.wait(3)

    assert (pbx.call.number, pbx.call.result) == (None, CallResult.MISSED)


def test_a_name_that_the_dialplan_finds_later_is_told() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    facts = pbx.facts(TRUNK)
    named = m.Facts(facts.uniqueid, facts.name, facts.linkedid, 4, CALLER, "Ivan")

    assert [
        event.caller_name for event in pbx.tell(m.ChannelSeen(pbx.now, named)) if isinstance(event, CallIdentified)
    ] == ["Ivan"]


@pytest.mark.parametrize("number", [None, "anonymous", "Restricted"])
def test_a_withheld_number_is_no_number(number: str | None) -> None:
    pbx = ScriptedPbx()

    pbx.calls_in(number=number)

    assert pbx.call.number is None
    assert pbx.call.number_raw == number


# Where a missed caller was


def test_a_caller_whom_only_the_pbx_answered_was_in_the_ivr() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.state(TRUNK, 6)

    assert kinds(pbx.hang_up(TRUNK)) == []
    assert kinds(pbx.wait(3)) == ["ended missed ivr"]


def test_the_call_record_tells_voicemail_and_the_call_ends_at_the_hang_up() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.state(TRUNK, 6)
    uniqueid = pbx.facts(TRUNK).uniqueid
    pbx.hang_up(TRUNK)
    hung_up = pbx.now

    (ended,) = pbx.tell(m.CdrWritten(hung_up + timedelta(seconds=1), uniqueid, "VoiceMail", None))

    assert ended == CallEnded(call_id="call-1", at=hung_up, result=CallResult.MISSED, reached=Reached.VOICEMAIL)


def test_without_call_records_a_pbx_that_answers_after_the_phones_is_taken_for_voicemail() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.dial_ends(TRUNK, P101, "NOANSWER")
    pbx.hang_up(P101, cause=0)
    pbx.state(TRUNK, 6)
    pbx.hang_up(TRUNK)

    assert kinds(pbx.wait(3)) == ["ended missed voicemail"]


# Our people's other numbers, and forwarding


def test_a_persons_mobile_rings_and_answers_for_the_person() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()

    assert kinds(pbx.ring(TRUNK, LINE, "79990001122@trunk")) == ["105 rings"]
    assert kinds(pbx.answer(TRUNK, LINE)) == ["105 answers"]


def test_a_forward_to_nobodys_number_is_answered_outside() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, LINE, "79995556677@trunk")
    pbx.answer(TRUNK, LINE)
    pbx.hang_up(TRUNK, LINE)

    assert (pbx.call.result, pbx.call.answered_by, pbx.call.answered_outside) == (
        CallResult.ANSWERED,
        None,
        "+79995556677",
    )


def test_a_person_who_calls_in_from_their_mobile_is_internal() -> None:
    pbx = ScriptedPbx()

    assert pbx.calls_in(number="79990001122") + pbx.ring(TRUNK, P101) + pbx.answer(TRUNK, P101) == []


@pytest.mark.parametrize("phone", ["PJSIP/desk-anna-00000001", "DAHDI/5-1"])
def test_a_phone_that_is_not_named_by_its_extension_is_its_persons(phone: str) -> None:
    pbx = ScriptedPbx(replace(NUMBERING, devices={"PJSIP/desk-anna": "101", "DAHDI/5": "101"}))
    pbx.calls_in()
    pbx.ring(TRUNK, phone)
    pbx.answer(TRUNK, phone)
    pbx.hang_up(TRUNK, phone)

    assert (pbx.call.answered_by, pbx.call.answered_outside) == ("101", None)
    assert [(leg.extension, leg.rings) for leg in pbx.call.legs] == [("101", 1)]


def test_a_call_between_phones_that_are_not_named_by_their_extensions_is_internal() -> None:
    pbx = ScriptedPbx(replace(NUMBERING, devices={"DAHDI/5": "101", "DAHDI/6": "102"}))
    pbx.channel("DAHDI/5-1", state=1, number="101", exten="102")
    pbx.state("DAHDI/5-1", 4)
    pbx.ring("DAHDI/5-1", "DAHDI/6-1", "6")
    pbx.answer("DAHDI/5-1", "DAHDI/6-1")
    pbx.hang_up("DAHDI/5-1", "DAHDI/6-1")

    assert pbx.events == []


def test_a_person_on_their_mobile_stays_one_when_the_dialplan_gives_them_our_number() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in(number="79990001122")
    pbx.number(TRUNK, "4952150000")
    pbx.dial(TRUNK, LINE, f"{CLIENT}@trunk")
    pbx.answer(TRUNK, LINE)
    pbx.hang_up(LINE, TRUNK)

    assert (pbx.call.direction, pbx.call.number, pbx.call.answered_by) == ("outbound", "+79037778899", "105")


def test_a_caller_whom_the_pbx_tells_that_it_is_busy_was_not_let_in() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.state(TRUNK, 7)
    pbx.hang_up(TRUNK)

    assert kinds(pbx.events)[-1] == "ended missed ringing"


def test_trunk_patterns_say_what_is_outside() -> None:
    numbering = Numbering("RU", NUMBERING.extensions, trunks=("PJSIP/trunk*",))
    pbx = ScriptedPbx(numbering)

    assert pbx.calls_in("PJSIP/door-00000001", "700") == []
    assert kinds(pbx.calls_in()) == ["CallStarted"]


def test_a_carrier_s_word_that_others_took_the_call_is_no_answer_of_ours() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.tell(m.HangupAsked(pbx.now, pbx.facts(TRUNK)))
    pbx.hang_up(P101, cause=26)
    pbx.hang_up(TRUNK, cause=26)

    assert kinds(pbx.events)[-2:] == ["101 cancelled", "ended missed ringing"]
