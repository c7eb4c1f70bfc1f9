"""Which rule a call falls under: every condition and its edges, without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.incoming_rules import (
    Asked,
    BadPattern,
    Incoming,
    Listed,
    is_within,
    pattern_of,
    ruling,
    whose_turn,
)
from zeoncrm.store.incoming import ListedRow, RuleRow

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
# A Monday, 15:00 in Moscow.
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MONDAY, FRIDAY, SATURDAY, SUNDAY = 1, 5, 6, 7


def _rule(number: int = 1, **values: Any) -> RuleRow:
    return RuleRow(id=number, name=f"rule {number}", **values)


def _asked(**values: Any) -> Asked:
    return Asked(**{"at": NOON} | values)


def _found(*rules: RuleRow, **asked: Any) -> str | None:
    found = ruling(rules, _asked(**asked), MOSCOW, "RU")
    return found.rule.name if found.rule else None


def test_without_rules_none_is_found() -> None:
    found = ruling((), _asked(), MOSCOW, "RU")
    assert (found.rule, found.settled) == (None, True)


def test_a_rule_that_asks_for_nothing_fits_every_call() -> None:
    assert _found(_rule()) == "rule 1"
    assert _found(_rule(), did="4952150000", queue="sales", known=True) == "rule 1"


def test_the_first_that_fits_counts_and_a_switched_off_one_is_passed_over() -> None:
    assert _found(_rule(1, dids=("4952150001",)), _rule(2), _rule(3), did="4952150000") == "rule 2"
    assert _found(_rule(1, active=False), _rule(2)) == "rule 2"


@pytest.mark.parametrize("said", ["4952150000", "+74952150000", "84952150000", "+7 495 215-00-00"])
def test_a_line_is_the_same_however_carriers_and_people_write_it(said: str) -> None:
    assert _found(_rule(dids=("8 (495) 215-00-00",)), did=said) == "rule 1"


def test_a_short_or_named_line_is_compared_as_it_stands() -> None:
    assert _found(_rule(dids=("5001", "Main")), did="5001") == "rule 1"
    assert _found(_rule(dids=("5001", "Main")), did="main") == "rule 1"
    assert _found(_rule(dids=("5001",)), did="15001") is None
    assert _found(_rule(dids=("5001",)), did=None) is None


def test_known_and_unknown_callers_are_told_apart() -> None:
    known, unknown = _rule(1, callers="known"), _rule(2, callers="unknown")
    assert _found(known, unknown, known=True) == "rule 1"
    assert _found(known, unknown, known=False) == "rule 2"


# Queues


def test_a_queue_is_the_same_in_capitals() -> None:
    assert _found(_rule(queues=("Sales", "support")), queue="sales") == "rule 1"
    assert _found(_rule(queues=("Sales",)), queue="other") is None


def test_nothing_is_settled_while_a_call_may_reach_the_queue_that_an_earlier_rule_asks_for() -> None:
    rules = (_rule(1, queues=("sales",)), _rule(2))
    waiting = ruling(rules, _asked(final=False), MOSCOW, "RU")
    assert (waiting.rule, waiting.settled) == (None, False)
    assert _found(*rules, queue="sales", final=False) == "rule 1"
    assert _found(*rules, queue="other", final=False) == "rule 2"
    assert _found(*rules, final=True) == "rule 2"


def test_a_queue_of_a_later_or_unfit_rule_holds_nothing_up() -> None:
    assert _found(_rule(1), _rule(2, queues=("sales",)), final=False) == "rule 1"
    assert _found(_rule(1, queues=("sales",), callers="known"), _rule(2), final=False) == "rule 2"


# Hours and days


def _within(local: str, begins: str | None, ends: str | None, *days: int) -> bool:
    return is_within(datetime.fromisoformat(local), _minutes(begins), _minutes(ends), days)


def _minutes(clock: str | None) -> int | None:
    return None if clock is None else int(clock[:2]) * 60 + int(clock[3:])


@pytest.mark.parametrize(
    "local, inside",
    [("08:59:59", False), ("09:00", True), ("17:59:59", True), ("18:00", False), ("00:00", False)],
)
def test_hours_begin_with_their_first_minute_and_end_before_their_last(local: str, inside: bool) -> None:
    assert _within(f"2026-03-02T{local}", "09:00", "18:00") is inside


@pytest.mark.parametrize(
    "local, inside",
    [
        ("2026-03-06T21:59", False),  # Friday
        ("2026-03-06T22:00", True),
        ("2026-03-07T00:00", True),  # Saturday, but Friday's night
        ("2026-03-07T05:59", True),
        ("2026-03-07T06:00", False),
        ("2026-03-06T03:00", False),  # Thursday's night
        ("2026-03-07T23:00", False),  # Saturday's own
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(local: str, inside: bool) -> None:
    assert _within(local, "22:00", "06:00", FRIDAY) is inside


def test_sundays_night_is_sundays_on_monday_morning() -> None:
    assert _within("2026-03-02T01:00", "23:00", "02:00", SUNDAY)
    assert not _within("2026-03-02T01:00", "23:00", "02:00", MONDAY)


def test_one_end_alone_reaches_to_midnight() -> None:
    assert _within("2026-03-02T23:59", "18:00", None)
    assert not _within("2026-03-03T00:00", "18:00", None)
    assert _within("2026-03-02T00:00", None, "09:00")
    assert not _within("2026-03-02T09:00", None, "09:00")


def test_no_hours_and_hours_that_end_when_they_begin_are_the_whole_day() -> None:
    for clock in ("00:00", "09:00", "23:59"):
        assert _within(f"2026-03-02T{clock}", None, None, MONDAY)
        assert not _within(f"2026-03-02T{clock}", None, None, SUNDAY)
        assert _within(f"2026-03-02T{clock}", "00:00", "00:00", MONDAY)
    assert _within("2026-03-07T08:59", "09:00", "09:00", FRIDAY)
    assert not _within("2026-03-07T09:00", "09:00", "09:00", FRIDAY)


def test_the_hours_are_those_of_the_companys_clock() -> None:
    rule = _rule(begins=_minutes("15:00"), ends=_minutes("16:00"), weekdays=(MONDAY,))
    assert ruling([rule], _asked(), MOSCOW, "RU").rule == rule
    assert ruling([rule], _asked(), ZoneInfo("UTC"), "RU").rule is None
    # Half past midnight on Tuesday there is still Monday in UTC.
    late = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)
    assert ruling([_rule(weekdays=(MONDAY,))], _asked(at=late), MOSCOW, "RU").rule is None


def test_the_hour_that_comes_twice_in_autumn_fits_both_times() -> None:
    rule = _rule(begins=_minutes("02:00"), ends=_minutes("03:00"))
    for utc in ("2026-10-25T00:30+00:00", "2026-10-25T01:30+00:00"):
        assert ruling([rule], _asked(at=datetime.fromisoformat(utc)), BERLIN, "DE").rule == rule
    assert ruling([rule], _asked(at=datetime.fromisoformat("2026-10-25T02:30+00:00")), BERLIN, "DE").rule is None


def test_the_hour_that_is_left_out_in_spring_fits_nothing_and_those_around_it_do() -> None:
    before, after = (datetime.fromisoformat(f"2026-03-29T0{hour}:59+00:00") for hour in (0, 1))
    night = _rule(begins=_minutes("01:00"), ends=_minutes("04:00"), weekdays=(SUNDAY,))
    skipped = _rule(begins=_minutes("02:00"), ends=_minutes("03:00"))
    for at in (before, after):
        assert ruling([night], _asked(at=at), BERLIN, "DE").rule == night
        assert ruling([skipped], _asked(at=at), BERLIN, "DE").rule is None


@given(st.datetimes(), st.integers(0, 1439), st.integers(0, 1439))
def test_each_minute_of_a_week_is_either_in_the_hours_or_in_the_others(at: datetime, begins: int, ends: int) -> None:
    if begins != ends and at.year > 1:
        assert is_within(at, begins, ends, ()) is not is_within(at, ends, begins, ())


# Turns


def test_the_turn_is_theirs_whose_last_is_longest_ago() -> None:
    last = {1: 5, 2: 3, 3: 4}
    assert whose_turn((1, 2, 3), last.__getitem__, lambda _: True) == 2
    assert whose_turn((1, 2, 3), lambda _: 0, lambda _: True) == 1
    assert whose_turn((), lambda _: 0, lambda _: True) is None


def test_who_is_away_is_passed_over_unless_all_are() -> None:
    last = {1: 5, 2: 3, 3: 4}
    assert whose_turn((1, 2, 3), last.__getitem__, lambda person: person != 2) == 3
    assert whose_turn((1, 2, 3), last.__getitem__, lambda _: False) == 2


# Lists


@pytest.mark.parametrize(
    "text, pattern",
    [
        ("8 (903) 111-22-33", "+79031112233"),
        ("+7 903 111 22 33", "+79031112233"),
        ("+7800*", "+7800*"),
        ("+7 (800) 555*", "+7800555*"),
        ("900", "900"),
        ("900 01", "90001"),
    ],
)
def test_a_number_is_listed_in_one_way_of_writing(text: str, pattern: str) -> None:
    assert pattern_of(text, "RU") == pattern


@pytest.mark.parametrize("text", ["", "*", "+*", "8800*", "+7*00", "call me", "1", "+7800**", "x" * 80, "٣٤٥"])
def test_what_is_no_number_can_not_be_listed(text: str) -> None:
    with pytest.raises(BadPattern):
        pattern_of(text, "RU")


def _listed(**listing_of: str) -> Incoming:
    rows = [
        ListedRow(id=number, pattern=pattern, listing=listing, note="", added_by=None, created_at=NOON)
        for number, (pattern, listing) in enumerate(listing_of.items())
    ]
    return Incoming(listed=Listed.of(rows))


def test_the_very_number_counts_before_beginnings_and_a_longer_one_before_a_shorter() -> None:
    incoming = _listed(**{"+7*": "blocked", "+7800*": "ignored", "+78005553535": "blocked"})
    assert incoming.screening("+78005553535", None) is Screening.BLOCKED
    assert incoming.screening("+78001112233", None) is Screening.IGNORED
    assert incoming.screening("+79031112233", None) is Screening.BLOCKED
    assert incoming.screening("+375291112233", None) is None


def test_a_short_number_is_found_by_what_the_pbx_said_and_nobody_by_nothing() -> None:
    incoming = _listed(**{"900": "ignored"})
    assert incoming.screening(None, "900") is Screening.IGNORED
    assert incoming.screening(None, "9001") is None
    assert incoming.screening("+79031112233", "900") is None
    assert incoming.screening(None, None) is None
