from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from zeoncrm.ami.rate import EventRate

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_the_rate_is_that_of_the_last_minute() -> None:
    rate = EventRate()
    assert rate.per_second() == 0
    for second in range(300):
        rate.note(AT + timedelta(seconds=second), 1000 if second < 200 else 1000 + 5 * (second - 200))
    assert rate.per_second() == pytest.approx(5)


def test_a_clock_that_stands_still_gives_no_rate() -> None:
    rate = EventRate()
    rate.note(AT, 0)
    rate.note(AT, 100)
    assert rate.per_second() == 0
