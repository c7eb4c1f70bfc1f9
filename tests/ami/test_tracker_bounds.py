"""What the tracker tells besides calls, and what it does not keep for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.ami.pbx_script import P101, P102, START, TRUNK, ScriptedPbx, kinds
from zeoncrm.pipeline.call_events import (
    CallEnded,
)
from zeoncrm.pipeline.numbering import Numbering

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


def test_a_call_is_left_to_the_last_of_ours_who_talks_on_it() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    pbx.ring(TRUNK, P101)
    tracker, call = pbx.tracker, pbx.call.id
    assert not tracker.is_left_to(call, "101")
    pbx.answer(TRUNK, P101)
    assert tracker.is_left_to(call, "101")
    pbx.channel(P102, state=4, number="102")
    pbx.state(P102, 6)
    pbx.bridge("b1", P102)
    assert not tracker.is_left_to(call, "101")

    pbx.hang_up(P101)

    assert tracker.is_left_to(call, "102")
    assert not tracker.is_left_to(call, "101")
    assert not tracker.is_left_to("another", "102")


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
