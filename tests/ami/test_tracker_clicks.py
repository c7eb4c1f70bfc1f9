"""What happened to a click-to-call, from the rep's own phone to the number."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.ami.pbx_script import CLIENT, LINE, P101, ScriptedPbx, kinds, outgoing
from zeoncrm.ami import messages as m
from zeoncrm.ami.clicks import channel_id_of
from zeoncrm.pipeline.call_events import CallLinked, CallStarted, Direction
from zeoncrm.pipeline.calls import Call


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


# Clicks that somebody else asked for


def failed(pbx: ScriptedPbx, action: str, channel: str = "PJSIP/101") -> list[str]:
    """The aliases of the call that came of an answer: it was not dialled."""
    told = pbx.tell(m.Originated(pbx.now, False, channel, CLIENT, 0, action))
    return [event.linkedid for event in told if isinstance(event, CallStarted | CallLinked)]


def test_a_failed_click_is_known_by_the_channel_that_was_called_for_it() -> None:
    pbx = ScriptedPbx()
    pbx.dial(None, P101)
    uniqueid = pbx.facts(P101).uniqueid
    pbx.hang_up(P101, cause=21)

    assert failed(pbx, "x1") == [uniqueid, "x1"]
    assert failed(pbx, "x2") == ["x2"]  # for which none was called


@pytest.mark.parametrize(
    "asked", ["Local/101@from-internal", "Local/101@from-internal/n"], ids=["plain", "not optimised away"]
)
def test_so_is_one_over_a_local_channel(asked: str) -> None:
    pbx = ScriptedPbx()
    half = "Local/101@from-internal-0000000c;1"
    pbx.dial(None, half)

    assert failed(pbx, "x1", asked) == [pbx.facts(half).uniqueid, "x1"]


def test_a_talk_and_a_try_of_long_ago_are_not_taken_for_the_click() -> None:
    pbx = ScriptedPbx()
    pbx.dial(None, P101)
    pbx.dial_ends(None, P101, "ANSWER")
    assert failed(pbx, "x1") == ["x1"]
    pbx.dial(None, "PJSIP/101-00000009")
    pbx.wait(3600)
    assert failed(pbx, "x2") == ["x2"]


def test_nor_is_another_device_whose_name_begins_so() -> None:
    pbx = ScriptedPbx()
    pbx.dial(None, "PJSIP/101-mobile-00000009")

    assert failed(pbx, "x1") == ["x1"]


# Ours, over a restart and a lost link


def stored_click(pbx: ScriptedPbx) -> Call:
    """As the store has it: somebody asked for it, and the phone rings."""
    pbx.tracker.expect("click", channel_id=channel_id_of("click"), extension="101", number=f"+{CLIENT}", at=pbx.now)
    pbx.known(P101, channel_id_of("click"))
    pbx.dial(None, P101)
    return Call(
        id="click",
        pbx="main",
        direction=Direction.OUTBOUND,
        started_at=pbx.now,
        number=f"+{CLIENT}",
        linkedids=frozenset({channel_id_of("click")}),
        requested_by=1,
    )


def test_a_click_that_the_rep_rejects_after_a_restart_is_one_call() -> None:
    before = ScriptedPbx()
    stored = stored_click(before)
    pbx = before.heard_by_a_new_process()
    pbx.tracker.resume([stored])
    pbx.snapshot(P101)
    pbx.hang_up(P101, cause=21)
    pbx.tell(m.Originated(pbx.now, False, "PJSIP/101", CLIENT, 0, None))

    assert {event.call_id for event in pbx.events} == {"click"}


def test_a_click_whose_channel_came_while_the_link_was_away_is_not_given_up() -> None:
    pbx = ScriptedPbx()
    pbx.tracker.expect("click", channel_id="our-id", extension="101", number=f"+{CLIENT}", at=pbx.now)
    pbx.now += timedelta(seconds=90)
    assert pbx.tracker.expire(pbx.now, hears=False) == []
    pbx.known(P101, "our-id")
    pbx.set_state(P101, 6)
    pbx.snapshot(P101)
    assert pbx.wait(90) == []
