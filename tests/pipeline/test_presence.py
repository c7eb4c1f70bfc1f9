"""How a person stands, from phones, calls and what they said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from zeoncrm.pipeline.call_events import Direction, Hold, LegOutcome
from zeoncrm.pipeline.calls import Call, CallState, Leg, Progress
from zeoncrm.pipeline.presence import PhoneState, PresenceState, presence_of
from zeoncrm.store.people import PersonRow

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ANNA = PersonRow(1, "anna", "Anna", "rep", None, None, True, False, extensions=(("", "101"), ("branch", "201")))
TALKS = Call(id="1", pbx="main", direction=Direction.INBOUND, started_at=NOON, state=CallState.TALKING)
TALKS = replace(TALKS, legs=(Leg("101", rang_at=NOON, answered_at=NOON, outcome=LegOutcome.ANSWERED),))


def state(*calls: Call, person: PersonRow = ANNA, **phones: dict[str, PhoneState]) -> PresenceState:
    return presence_of(person, phones, calls, NOON).state


@pytest.mark.parametrize("phone", [each for each in PhoneState if each.value != "away"])
def test_without_calls_the_phone_tells(phone: PhoneState) -> None:
    assert state(main={"101": phone}) == phone.value


def test_nothing_is_known_while_no_pbx_is_connected() -> None:
    assert state() is PresenceState.UNKNOWN
    assert state(main={}) is PresenceState.UNKNOWN


def test_of_several_phones_the_busiest_counts() -> None:
    free, talking = PhoneState.FREE, PhoneState.TALKING
    assert state(main={"101": free}, branch={"101": free, "201": talking}) is PresenceState.TALKING
    assert state(main={"101": PhoneState.UNREACHABLE}, branch={"201": free}) is PresenceState.FREE
    # 201 is hers at the branch only.
    assert state(main={"101": free, "201": talking}) is PresenceState.FREE


def test_a_call_taken_on_a_mobile_counts_though_the_desk_phone_is_free() -> None:
    assert state(TALKS, main={"101": PhoneState.FREE}) is PresenceState.TALKING


def test_a_call_of_a_pbx_that_is_not_connected_says_nothing() -> None:
    assert state(TALKS, branch={"201": PhoneState.FREE}) is PresenceState.FREE


def test_a_leg_that_is_over_says_nothing_and_one_that_rings_does() -> None:
    left = replace(TALKS, legs=(replace(TALKS.legs[0], left_at=NOON),))
    assert state(left, main={"101": PhoneState.FREE}) is PresenceState.FREE
    rings = replace(TALKS, state=CallState.RINGING, legs=(Leg("101", rang_at=NOON),))
    assert state(rings, main={"101": PhoneState.FREE}) is PresenceState.RINGING
    again = replace(TALKS, legs=(replace(TALKS.legs[0], outcome=None),))
    assert state(again, main={"101": PhoneState.FREE}) is PresenceState.RINGING


def test_who_calls_somebody_is_busy_before_it_is_answered() -> None:
    dials = replace(TALKS, direction=Direction.OUTBOUND, progress=Progress.CALLING, legs=(Leg("101", rang_at=NOON),))
    assert state(dials, main={}) is PresenceState.TALKING
    assert state(replace(dials, progress=Progress.OWN_PHONE), main={}) is PresenceState.RINGING


def test_away_is_what_the_person_said_until_the_phone_is_in_use() -> None:
    away = replace(ANNA, away=True)
    for phone in (PhoneState.FREE, PhoneState.UNREACHABLE, PhoneState.UNKNOWN):
        assert state(person=away, main={"101": phone}) is PresenceState.AWAY
    for phone in (PhoneState.RINGING, PhoneState.TALKING):
        assert state(person=away, main={"101": phone}) == phone.value
        assert presence_of(away, {"main": {"101": phone}}, (), NOON).away


def test_who_talks_is_on_hold_while_all_their_callers_are() -> None:
    later = NOON + timedelta(minutes=1)
    held = replace(TALKS, on_hold=(Hold("101", NOON),))
    other = replace(held, id="2", on_hold=(Hold("101", later),))
    colleagues = replace(TALKS, on_hold=(Hold("102", NOON),))

    def since(*calls: Call) -> datetime | None:
        return presence_of(ANNA, {"main": {"101": PhoneState.TALKING}}, calls, later).on_hold_since

    assert (since(held), since(held, other), since(held, TALKS)) == (NOON, later, None)
    assert (since(TALKS), since(colleagues), since()) == (None, None, None)
