"""What happened to calls, from what a PBX said: the cases that decide who is shown what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ami.pbx_script import CALLER, NUMBERING, START, TRUNK, ScriptedPbx
from zeoncrm.ami import messages as m
from zeoncrm.pipeline.call_events import (
    AnsweredOutside,
    CallEnded,
    CallEvent,
    CallIdentified,
    CallMerged,
    CallQueued,
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
from zeoncrm.pipeline.calls import CallState
from zeoncrm.pipeline.numbering import Numbering

P101, P102, P103 = "PJSIP/101-00000001", "PJSIP/102-00000002", "PJSIP/103-00000003"
LINE = "PJSIP/trunk-000000ff"
CLIENT = "79037778899"


def kinds(events: list[CallEvent]) -> list[str]:
    """The events in short, without aliases."""
    shown = []
    for event in events:
        match event:
            case LegRang(extension=extension):
                shown.append(f"{extension} rings")
            case LegAnswered(extension=extension):
                shown.append(f"{extension} answers")
            case LegEnded(extension=extension, outcome=outcome):
                shown.append(f"{extension} {outcome}")
            case CallEnded(result=result, reached=reached):
                shown.append(" ".join(["ended", result, *([reached] if reached else [])]))
            case CallStarted() | OutsideDialled() | OutsideRang() | CallIdentified() | CallQueued() | AnsweredOutside():
                shown.append(type(event).__name__)
            case _:
                pass
    return shown


# Incoming


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


# Outgoing


def outgoing(pbx: ScriptedPbx) -> None:
    pbx.channel(P101, state=4, number="101", exten="79037778899")
    pbx.ring(P101, LINE, f"{CLIENT}@trunk")


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


# Transfers


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


# Click-to-call


def click(pbx: ScriptedPbx, channel: str = P101) -> None:
    pbx.tracker.expect("click", channel_id="our-id", extension="101", number="+79037778899", at=pbx.now)
    pbx.known(channel, "our-id")


def click_events(pbx: ScriptedPbx) -> list[str]:
    assert {event.call_id for event in pbx.events} == {"click"}
    return kinds(pbx.events)


def test_a_click_rings_the_rep_then_the_number_and_starts_no_second_call() -> None:
    pbx = ScriptedPbx()
    click(pbx)
    pbx.dial(None, P101)
    pbx.state(P101, 5)
    pbx.state(P101, 6)
    pbx.ring(P101, LINE, f"{CLIENT}@trunk")
    pbx.answer(P101, LINE)
    pbx.hang_up(LINE, P101)

    assert click_events(pbx) == [
        "101 rings",
        "OutsideDialled",
        "OutsideRang",
        "101 answers",
        "ended answered",
    ]
    assert pbx.tracker.is_empty


def test_a_click_over_local_channels_is_the_same() -> None:
    pbx = ScriptedPbx()
    local = "Local/101@from-internal-00000001"
    click(pbx, f"{local};1")
    pbx.known(f"{local};2", "our-id;2", of="our-id")
    pbx.dial(None, f"{local};1")
    pbx.ring(f"{local};2", P101)
    pbx.answer(f"{local};2", P101, "b1")
    pbx.state(f"{local};1", 6)
    pbx.ring(f"{local};1", LINE, f"{CLIENT}@trunk")
    pbx.answer(f"{local};1", LINE, "b2")
    pbx.hang_up(LINE, f"{local};1", f"{local};2", P101)

    assert click_events(pbx) == [
        "101 rings",
        "OutsideDialled",
        "OutsideRang",
        "101 answers",
        "ended answered",
    ]


def test_a_rep_who_does_not_take_their_phone_cancels_the_click() -> None:
    pbx = ScriptedPbx()
    click(pbx)
    pbx.dial(None, P101)
    pbx.state(P101, 5)
    pbx.dial_ends(None, P101, "NOANSWER")
    pbx.hang_up(P101, cause=21)
    pbx.tell(m.Originated(pbx.now, False, "PJSIP/101", CLIENT, 0, None))

    assert click_events(pbx) == ["101 rings", "101 rejected", "ended cancelled"]


def test_a_click_that_the_dialplan_has_no_line_for_failed() -> None:
    pbx = ScriptedPbx()
    click(pbx)
    pbx.dial(None, P101)
    pbx.state(P101, 5)
    pbx.state(P101, 6)
    pbx.dial_ends(None, P101, "ANSWER")
    pbx.dialplan_ends(P101)

    assert click_events(pbx) == ["101 rings", "101 cancelled", "ended failed"]


def test_a_rep_who_hangs_up_before_the_number_is_dialled_cancels_the_click() -> None:
    pbx = ScriptedPbx()
    click(pbx)
    pbx.dial(None, P101)
    pbx.state(P101, 6)
    pbx.dial_ends(None, P101, "ANSWER")
    pbx.hang_up(P101)

    assert click_events(pbx)[-1] == "ended cancelled"


@pytest.mark.parametrize("reason, result", [(0, "failed"), (8, "failed"), (3, "cancelled"), (5, "cancelled")])
def test_a_click_that_never_got_a_channel_says_why(reason: int, result: str) -> None:
    pbx = ScriptedPbx()
    pbx.tracker.expect("click", channel_id="our-id", extension="101", number="+79037778899", at=pbx.now)

    assert kinds(pbx.tell(m.Originated(pbx.now, False, "PJSIP/101", CLIENT, reason, None))) == [f"ended {result}"]


def test_a_click_of_which_nothing_is_heard_fails_in_the_end() -> None:
    pbx = ScriptedPbx()
    pbx.tracker.expect("click", channel_id="our-id", extension="101", number="+79037778899", at=pbx.now)

    assert pbx.wait(30) == []
    assert kinds(pbx.wait(31)) == ["ended failed"]


def test_a_click_that_was_not_sent_leaves_nothing() -> None:
    pbx = ScriptedPbx()
    pbx.tracker.expect("click", channel_id="our-id", extension="101", number="+79037778899", at=pbx.now)
    pbx.tracker.unexpect("click")

    assert pbx.wait(3600) == []
    assert pbx.tracker.is_empty


def test_a_colleagues_call_at_the_same_time_is_not_taken_for_the_click() -> None:
    pbx = ScriptedPbx()
    pbx.tracker.expect("click", channel_id="our-id", extension="101", number="+79037778899", at=pbx.now)
    outgoing(pbx)

    assert {event.call_id for event in pbx.events} == {"call-1"}


# Control


def test_an_extensions_channel_can_be_found_for_hanging_up() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.ring(TRUNK, P102)
    tracker, call = pbx.tracker, pbx.call.id

    assert tracker.live_channel(call, "101") == P101
    pbx.answer(TRUNK, P102)
    pbx.hang_up(P101, cause=26)

    assert tracker.live_channel(call, "101") is None
    assert tracker.live_channel(call, "102") == P102
    assert tracker.outside_channel(call) == TRUNK
    assert tracker.channels_of(call, None) == [TRUNK, P102]
    assert tracker.live_channel("another", "102") is None


# Bounds


def test_a_conversation_of_which_nothing_is_heard_for_half_a_day_is_over() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)

    assert pbx.wait(11 * 3600) == []
    assert "ended answered" in kinds(pbx.wait(2 * 3600))
    assert pbx.tracker.is_empty


def test_lost_hang_ups_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeoncrm.ami.channels.MAX_CHANNELS", 100)
    pbx = ScriptedPbx()
    for number in range(500):
        pbx.calls_in(f"PJSIP/trunk-{number:08x}", f"7903111{number:04}")

    assert len(pbx.tracker.calls) <= 100
    assert sum(isinstance(event, CallEnded) for event in pbx.events) >= 400


def test_people_may_change_while_calls_go_on() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, "PJSIP/777-00000001")
    pbx.tracker.numbering = Numbering("RU", frozenset({"777"}))

    assert "777 rings" in kinds(pbx.wait(0))


def test_times_are_those_of_the_messages() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.wait(5)
    pbx.answer(TRUNK, P101)
    pbx.wait(60)
    pbx.hang_up(TRUNK, P101)

    assert pbx.call.started_at == START + timedelta(milliseconds=100)
    assert (pbx.call.wait_seconds, pbx.call.talk_seconds) == (5, 60)
