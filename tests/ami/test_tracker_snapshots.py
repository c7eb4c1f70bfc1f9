"""What snapshots of the PBX do to calls: after a restart, after a lost link, and now and then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.ami.pbx_script import CALLER, NUMBERING, P103, SECOND_LINE, TRUNK, ScriptedPbx, outgoing
from tests.ami.recorded import FOLDER, fed, recording, tracker_for
from tests.replayed import replayed
from zeoncrm.ami import messages as m
from zeoncrm.ami.recording import read_stream
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.call_events import (
    AnsweredOutside,
    CallEnded,
    CallEvent,
    CallMerged,
    CallResult,
    CallStarted,
    Direction,
    LegAnswered,
    LegEnded,
    LegOutcome,
    LegRang,
    Reached,
    Source,
)
from zeoncrm.pipeline.calls import Call, CallState, Progress, advance

P101, P102 = "PJSIP/101-00000001", "PJSIP/102-00000002"
LINE = "PJSIP/trunk-000000ff"


@pytest.fixture
def talking() -> ScriptedPbx:
    """A caller talks with 101; 102 had rung."""
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.ring(TRUNK, P102)
    pbx.answer(TRUNK, P101)
    pbx.hang_up(P102, cause=26)
    return pbx


def restarted(before: ScriptedPbx) -> ScriptedPbx:
    """The same PBX, heard by a new process which knows the calls from the store."""
    after = before.heard_by_a_new_process()
    after.tracker.resume(call for call in before.calls if call.state is not CallState.ENDED)
    return after


def resumed(before: ScriptedPbx, told: list[CallEvent]) -> Call:
    """The stored call and what was told of it after the restart."""
    call = before.call
    for event in told:
        call = advance(call, event)
    return call


# After a restart of the daemon


def test_a_conversation_that_goes_on_is_told_of_no_second_time(talking: ScriptedPbx) -> None:
    pbx = restarted(talking)

    assert pbx.snapshot(TRUNK, P101, bridge="b1") == []
    assert [type(event) for event in pbx.hang_up(TRUNK, P101)] == [CallEnded]
    call = resumed(talking, pbx.events)
    assert (call.result, call.answered_by, call.source) == (CallResult.ANSWERED, "101", Source.LIVE)


def test_a_conversation_that_the_snapshot_lacks_ended_while_we_were_away(talking: ScriptedPbx) -> None:
    pbx = restarted(talking)

    assert pbx.snapshot() == [
        CallEnded(call_id=talking.call.id, at=pbx.now, result=CallResult.ANSWERED, provisional=True)
    ]


def test_a_caller_who_rang_and_is_gone_was_missed() -> None:
    before = ScriptedPbx()
    before.calls_in()
    before.ring(TRUNK, P101)
    pbx = restarted(before)

    (ended,) = pbx.snapshot()

    assert ended == CallEnded(
        call_id=before.call.id, at=pbx.now, result=CallResult.MISSED, reached=Reached.RINGING, provisional=True
    )


def test_a_phone_that_stopped_ringing_meanwhile_is_told(talking: ScriptedPbx) -> None:
    before = ScriptedPbx()
    before.calls_in()
    before.ring(TRUNK, P101)
    before.ring(TRUNK, P102)
    before.state(P102, 6)
    pbx = restarted(before)

    told = pbx.snapshot(TRUNK, P102, bridge="b1")

    assert [(type(event), getattr(event, "extension", None)) for event in told] == [
        (LegEnded, "101"),
        (LegAnswered, "102"),
    ]
    assert resumed(before, told).answered_by == "102"


def test_who_still_rings_goes_on_ringing() -> None:
    before = ScriptedPbx()
    before.calls_in()
    before.ring(TRUNK, P101)
    pbx = restarted(before)

    assert pbx.snapshot(TRUNK, P101) == []
    assert [type(event) for event in pbx.answer(TRUNK, P101)] == [LegAnswered]


def test_a_click_that_was_ringing_goes_on() -> None:
    before = ScriptedPbx()
    before.channel(P101, state=4, number="101")
    before.ring(P101, LINE, "79037778899@trunk")
    assert before.call.progress is Progress.RINGING_THERE
    pbx = restarted(before)
    facts = pbx.facts(LINE)

    shown = (
        m.ChannelStatus(pbx.facts(P101), None, "Dial", "PJSIP/79037778899@trunk,60"),
        m.ChannelStatus(facts, None, "AppDial", "(Outgoing Line)"),
    )
    assert pbx.tell(m.Snapshot(pbx.now, shown)) == []
    pbx.answer(P101, LINE)
    pbx.hang_up(LINE, P101)

    call = resumed(before, pbx.events)
    assert (call.result, call.answered_by) == (CallResult.ANSWERED, "101")


def test_a_stored_call_of_which_no_snapshot_ever_tells_is_closed_in_the_end(talking: ScriptedPbx) -> None:
    pbx = restarted(talking)

    assert pbx.wait(11 * 3600) == []
    (ended,) = pbx.wait(2 * 3600)

    assert isinstance(ended, CallEnded)
    assert ended.provisional


def test_a_call_that_nobody_knew_is_recovered(talking: ScriptedPbx) -> None:
    pbx = talking.heard_by_a_new_process()

    pbx.snapshot(TRUNK, P101, bridge="b1")

    started = pbx.events[0]
    assert isinstance(started, CallStarted)
    assert (started.source, started.direction, started.number) == (Source.RECOVERED, Direction.INBOUND, "+79031112233")
    assert started.at == pbx.now - timedelta(seconds=60)
    assert (pbx.call.state, pbx.call.answered_by) == (CallState.TALKING, "101")


# Snapshots of a real PBX


def recovered(name: str) -> tuple[CallTracker, list[CallEvent]]:
    tracker = tracker_for(recording("asterisk22/direct_answered").numbering)
    return tracker, fed(tracker, read_stream(FOLDER / f"{name}.ami"))


@pytest.mark.parametrize("asterisk", ["asterisk22", "asterisk16"])
@pytest.mark.parametrize(
    "name, direction, number, state, answered_by, ringing",
    [
        ("ringing", "inbound", "+79031110010", "ringing", None, {"101"}),
        ("talking", "inbound", None, "talking", "101", set()),
        ("talking_after_click", "outbound", "+79037778812", "talking", "101", set()),
        ("transferred", "inbound", "+79031110051", "talking", "103", set()),
        ("queue_waiting_local_members", "inbound", "+79031110042", "ringing", None, {"101", "102", "103"}),
        ("nested_ringing", "inbound", "+79031113114", "ringing", None, {"104"}),
        ("conference", "inbound", "+79031113000", "talking", "101", set()),
        ("parked", "inbound", "+79031113240", "ringing", None, set()),
    ],
)
def test_a_real_snapshot_shows_the_call_as_it_is(
    asterisk: str, name: str, direction: str, number: str | None, state: str, answered_by: str | None, ringing: set[str]
) -> None:
    _, events = recovered(f"{asterisk}/status_{name}")

    (call,) = replayed(events).values()

    assert (call.direction, call.state, call.answered_by, call.source) == (direction, state, answered_by, "recovered")
    assert number is None or call.number == number
    assert {leg.extension for leg in call.legs if leg.answered_at is None} == ringing


@pytest.mark.parametrize("asterisk", ["asterisk22", "asterisk16"])
def test_a_real_snapshot_in_a_consultation_shows_both_calls(asterisk: str) -> None:
    _, events = recovered(f"{asterisk}/status_consulting_outside")

    assert [(call.direction, call.number, call.answered_by) for call in replayed(events).values()] == [
        ("inbound", "+79031113213", "101"),
        ("outbound", "+79990001122", "101"),
    ]


def test_customers_in_one_parking_lot_are_not_connected_with_each_other() -> None:
    """Asterisk shows them in the application of the talk out of which they were parked."""
    before = ScriptedPbx()
    outgoing(before)
    before.answer(P101, LINE)
    before.calls_in()
    before.ring(TRUNK, P102)
    before.answer(TRUNK, P102, "b2")
    pbx = restarted(before)

    told = pbx.tell(
        m.Snapshot(
            pbx.now,
            (
                m.ChannelStatus(pbx.facts(LINE), "lot", "AppDial", "(Outgoing Line)", holding=True),
                m.ChannelStatus(pbx.facts(TRUNK), "lot", "Dial", "PJSIP/102,20", "4952150000", holding=True),
            ),
        )
    )

    assert [event for event in told if isinstance(event, CallMerged | AnsweredOutside)] == []
    assert sorted(pbx.tracker.calls) == sorted(call.id for call in before.calls)


def test_a_stored_call_finds_its_callers_channel_though_a_clock_was_put_right_meanwhile(talking: ScriptedPbx) -> None:
    pbx = restarted(talking)
    pbx.now += timedelta(minutes=10)
    caller = m.ChannelStatus(pbx.facts(TRUNK), "b1", "Dial", "PJSIP/101,20", "4952150000", 590)

    assert pbx.tell(m.Snapshot(pbx.now, (caller, m.ChannelStatus(pbx.facts(P101), "b1", "AppDial")))) == []


def test_a_stored_call_does_not_take_a_later_caller_for_its_own() -> None:
    """The first caller left a conference while the daemon was away; the other one is still in it."""
    before = ScriptedPbx()
    before.calls_in()
    before.ring(TRUNK, P101)
    before.answer(TRUNK, P101)
    before.now += timedelta(minutes=5)
    before.channel(SECOND_LINE, state=4, number="79035556677", of=TRUNK)
    pbx = restarted(before)
    later = m.ChannelStatus(pbx.facts(SECOND_LINE), "b1", "ConfBridge", "room", "4952150030", 10)

    told = pbx.tell(m.Snapshot(pbx.now, (later, m.ChannelStatus(pbx.facts(P101), "b1", "AppDial"))))

    assert [event.call_id for event in told if isinstance(event, CallEnded)] == [before.call.id]
    assert [event.number for event in told if isinstance(event, CallStarted)] == ["+79035556677"]


def test_a_consultation_that_was_connected_meanwhile_is_part_of_the_callers_call() -> None:
    before = ScriptedPbx()
    consulting = "PJSIP/101-0000000d"
    before.calls_in()
    before.ring(TRUNK, P101)
    before.answer(TRUNK, P101)
    before.channel(consulting, state=4, number="101")
    before.ring(consulting, LINE, "79037778899@trunk")
    before.answer(consulting, LINE, "b2")
    first, second = before.calls
    pbx = restarted(before)

    caller = m.ChannelStatus(pbx.facts(TRUNK), "b2", "Dial", "PJSIP/101,20")
    line = m.ChannelStatus(pbx.facts(LINE)._replace(number="79037778899"), "b2", "AppDial", "(Outgoing Line)")

    told = pbx.tell(m.Snapshot(pbx.now, (caller, line)))

    assert [event for event in told if isinstance(event, CallMerged)] == [
        CallMerged(call_id=second.id, at=pbx.now, into=first.id)
    ]
    assert [event.number for event in told if isinstance(event, AnsweredOutside)] == ["+79037778899"]
    assert {event.call_id for event in pbx.hang_up(TRUNK, LINE)} == {first.id}


@pytest.mark.parametrize("application, reached", [("Queue", Reached.QUEUE), ("Park", Reached.PARKING)])
def test_a_caller_who_moved_on_while_the_link_was_lost_waits_where_the_snapshot_shows(
    application: str, reached: Reached
) -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.set_state(TRUNK, 6)
    shown = m.ChannelStatus(pbx.facts(TRUNK), None, application, "sales,tT,,,60")
    pbx.now += timedelta(seconds=10)

    pbx.tell(m.Snapshot(pbx.now, (shown,)))
    pbx.hang_up(TRUNK)

    assert (pbx.call.result, pbx.call.reached) == (CallResult.MISSED, reached)
    assert pbx.call.queue == ("sales" if reached is Reached.QUEUE else None)


def test_a_caller_who_left_the_queue_while_the_link_was_lost_does_not_wait_there() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.set_state(TRUNK, 6)
    pbx.tell(m.QueueJoined(pbx.now, pbx.facts(TRUNK), "sales"))
    shown = m.ChannelStatus(pbx.facts(TRUNK), None, "Park", "")
    pbx.now += timedelta(seconds=10)

    pbx.tell(m.Snapshot(pbx.now, (shown,)))
    pbx.hang_up(TRUNK)

    assert (pbx.call.queue, pbx.call.reached) == ("sales", Reached.PARKING)


def test_the_number_called_and_the_queue_are_in_the_snapshot() -> None:
    _, events = recovered("asterisk22/status_queue_waiting")

    (call,) = replayed(events).values()

    assert (call.did, call.queue) == ("4952150001", "sales")


# In the same process


def test_after_a_lost_link_the_calls_that_the_snapshot_lacks_have_ended(talking: ScriptedPbx) -> None:
    told = talking.snapshot()

    assert [event for event in told if isinstance(event, CallEnded)] == [
        CallEnded(call_id=talking.call.id, at=talking.now, result=CallResult.ANSWERED, provisional=True)
    ]
    assert talking.tracker.is_empty


def test_events_that_the_snapshot_has_already_shown_change_nothing(talking: ScriptedPbx) -> None:
    talking.snapshot(TRUNK, P101, bridge="b1")

    assert talking.state(P101, 6) + talking.dial(TRUNK, P101) + talking.bridge("b1", P101, TRUNK) == []


@pytest.mark.parametrize("periodic", [True, False])
def test_a_snapshot_that_agrees_changes_nothing_and_counts_nothing(talking: ScriptedPbx, periodic: bool) -> None:
    for _ in range(3):
        assert talking.snapshot(TRUNK, P101, bridge="b1", periodic=periodic) == []

    assert talking.tracker.drift == 0


def test_a_lost_answer_is_made_up_for_by_the_next_snapshot() -> None:
    pbx = ScriptedPbx()
    pbx.snapshot()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.set_state(P101, 6)
    pbx.set_state(TRUNK, 6)

    told = pbx.snapshot(TRUNK, P101, bridge="b1", periodic=True)

    assert [type(event) for event in told] == [LegAnswered]
    assert pbx.tracker.drift == 2


def test_a_periodic_snapshot_may_be_ahead_of_a_hang_up_but_not_twice(talking: ScriptedPbx) -> None:
    assert talking.snapshot(periodic=True) == []

    (ended,) = [event for event in talking.snapshot(periodic=True) if isinstance(event, CallEnded)]

    assert ended.provisional


def test_a_periodic_snapshot_may_be_ahead_of_a_new_call() -> None:
    pbx = ScriptedPbx()
    facts = m.Facts("1.1", TRUNK, "1.1", 4, CALLER, None, "4952150000")

    pbx.tell(m.Snapshot(pbx.now, (m.ChannelStatus(facts, seconds=0),), periodic=True))
    pbx.tell(m.ChannelSeen(pbx.now, facts, created=True))

    assert [type(event) for event in pbx.events] == [CallStarted]
    assert pbx.call.source is Source.LIVE


def test_what_was_heard_after_a_snapshot_was_asked_for_stands() -> None:
    pbx = ScriptedPbx()
    asked_at = pbx.now
    pbx.calls_in()

    assert pbx.tell(m.Snapshot(asked_at, ())) == []
    assert pbx.ring(TRUNK, P101) != []


def test_people_who_talk_about_nothing_with_the_outside_are_not_recovered() -> None:
    pbx = ScriptedPbx(NUMBERING)
    pbx.channel(P101, state=6, number="101")
    pbx.channel(P102, state=6, of=P101)

    assert pbx.heard_by_a_new_process().snapshot(P101, P102, bridge="b1") == []


def test_the_outcome_of_a_leg_that_ended_meanwhile_is_what_can_be_known(talking: ScriptedPbx) -> None:
    before = ScriptedPbx()
    before.calls_in()
    before.ring(TRUNK, P101)
    pbx = restarted(before)

    told = pbx.snapshot(TRUNK)

    assert told == [LegEnded(call_id=before.call.id, at=pbx.now, extension="101", outcome=LegOutcome.NO_ANSWER)]
    assert [type(event) for event in pbx.ring(TRUNK, P102)] == [LegRang]


def test_a_second_call_of_one_phone_goes_on_as_itself() -> None:
    before = ScriptedPbx()
    outgoing(before)
    before.answer(P101, LINE)
    before.hang_up(LINE)
    before.ring(P101, SECOND_LINE, "79037770001@trunk")
    before.answer(P101, SECOND_LINE, "b2")
    pbx = restarted(before)

    pbx.snapshot(P101, SECOND_LINE, bridge="b2")
    pbx.hang_up(P101, SECOND_LINE)

    first, second = before.calls
    assert {event.call_id for event in pbx.events} == {second.id}
    assert {each.call_id for each in pbx.events if isinstance(each, CallEnded)} == {second.id}
    assert not first.linkedids & second.linkedids


def test_a_phone_that_had_left_and_is_called_again_rings_on_after_a_restart(talking: ScriptedPbx) -> None:
    talking.ring(TRUNK, P103)
    talking.answer(TRUNK, P103, "b2")
    talking.hang_up(P101)
    again = "PJSIP/101-00000009"
    talking.ring(TRUNK, again)
    assert not talking.call.legs[0].is_talking
    pbx = restarted(talking)

    assert pbx.snapshot(TRUNK, P103, again) == []
    told = pbx.answer(TRUNK, again, "b3")
    assert (LegAnswered, "101") in [(type(event), getattr(event, "extension", None)) for event in told]
