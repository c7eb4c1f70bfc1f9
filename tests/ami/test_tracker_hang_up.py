"""Whose channels a hang-up ends."""

from __future__ import annotations

import pytest

from tests.ami.pbx_script import CALLER, CLIENT, LINE, P101, P102, SECOND_LINE, TRUNK, ScriptedPbx
from tests.ami.recorded import recording, tracker_for
from zeoncrm.ami.tracker import CallTracker


def while_talking(name: str, calls: int) -> CallTracker:
    """The recording up to where so many calls go on and 101 talks in each of them."""
    each = recording(f"asterisk22/{name}")
    tracker = tracker_for(each.numbering)
    for message in each.messages():
        tracker.feed(message)
        talking = [call for call in tracker.calls.values() if any(by == "101" for by, _ in call.legs.talking())]
        if len(talking) == calls:
            return tracker
    raise AssertionError(f"{name} never has {calls} calls")


def ended_with(tracker: CallTracker) -> dict[str | None, list[str]]:
    """By each call's number: the devices whose channels end with it."""
    return {
        call.number: sorted(channel.rpartition("-")[0] for channel in tracker.channels_of(call.id, None))
        for call in tracker.calls.values()
    }


@pytest.mark.parametrize(
    "name", ["conference_with_two_callers", "conference_where_the_rep_waits_for_two_callers_at_once"]
)
def test_of_two_customers_in_one_conference_each_call_ends_alone(name: str) -> None:
    assert list(ended_with(while_talking(name, 2)).values()) == [["PJSIP/trunk"], ["PJSIP/trunk"]]


def test_so_does_one_who_was_invited_to_the_conference() -> None:
    tracker = while_talking("number_invited_to_a_conference_with_a_caller", 2)

    first, second = (tracker.channels_of(call_id, None) for call_id in tracker.calls)

    assert (len(first), len(second), set(first) & set(second)) == (1, 1, set())


def test_an_agent_stays_on_the_line_when_a_call_ends() -> None:
    assert ended_with(while_talking("agent_on_the_line", 1)) == {"+79031113500": ["PJSIP/trunk"]}


def test_a_talk_ends_for_both() -> None:
    assert ended_with(while_talking("direct_answered", 1)).popitem()[1] == ["PJSIP/101", "PJSIP/trunk"]


def test_calls_that_met_in_a_conference_and_parted_end_one_by_one() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.answer(TRUNK, P101)
    pbx.calls_in(SECOND_LINE, CLIENT)
    pbx.ring(SECOND_LINE, P102)
    pbx.answer(SECOND_LINE, P102, "b2")
    pbx.bridge("room", TRUNK, P101, SECOND_LINE, P102)
    pbx.bridge("b1", TRUNK, P101)
    pbx.bridge("b2", SECOND_LINE, P102)

    ended = {call.number: set(pbx.tracker.channels_of(call.id, None)) for call in pbx.tracker.calls.values()}

    assert ended == {f"+{CALLER}": {TRUNK, P101}, f"+{CLIENT}": {SECOND_LINE, P102}}


def test_a_call_that_is_only_ringing_ends_with_all_its_phones() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    pbx.ring(TRUNK, P102)

    (call,) = pbx.tracker.calls

    assert set(pbx.tracker.channels_of(call, None)) == {TRUNK, P101, P102}


def test_a_click_that_rings_at_the_rep_ends_there() -> None:
    pbx = ScriptedPbx()
    pbx.channel(P101, state=4, number="101")
    pbx.ring(P101, LINE, f"{CLIENT}@trunk")

    (call,) = pbx.tracker.calls

    assert set(pbx.tracker.channels_of(call, None)) == {P101, LINE}
