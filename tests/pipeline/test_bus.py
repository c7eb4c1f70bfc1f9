"""The bus: order, late comers, subscribers that fail."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from zeoncrm.pipeline.bus import KEPT, Bus, Published
from zeoncrm.pipeline.events import PeopleChanged


def _events(count: int) -> list[PeopleChanged]:
    return [PeopleChanged(people=frozenset({number})) for number in range(count)]


def test_everybody_hears_everything_in_order() -> None:
    bus = Bus(first_id=10)
    heard: list[list[Published]] = [[], []]
    for each in heard:
        bus.subscribe(each.append)
    events = _events(5)
    bus.publish(events[:2])
    bus.publish(events[2:])
    assert heard[0] == heard[1] == [Published(10 + index, event) for index, event in enumerate(events)]
    assert bus.last_id == 14


def test_a_subscriber_that_fails_keeps_nobody_from_hearing() -> None:
    bus = Bus(first_id=1)
    heard: list[Published] = []

    def fail(_: Published) -> None:
        raise ZeroDivisionError

    bus.subscribe(fail)
    bus.subscribe(heard.append)
    with capture_logs() as logs:
        bus.publish(_events(2))
    assert [each.id for each in heard] == [1, 2]
    assert [(entry["event"], entry["event_type"]) for entry in logs] == [("a subscriber failed", "PeopleChanged")] * 2


def test_who_has_left_hears_nothing_and_may_leave_twice_and_while_it_is_told() -> None:
    bus = Bus(first_id=1)
    heard: list[Published] = []

    def hear_once(published: Published) -> None:
        heard.append(published)
        leave()

    leave = bus.subscribe(hear_once)
    bus.publish(_events(2))
    leave()
    assert len(heard) == 1


def test_a_late_comer_gets_what_came_after_the_last_one_seen() -> None:
    bus = Bus(first_id=100)
    bus.publish(_events(5))
    resumed = {last: bus.after(last) for last in (99, 102, 104)}
    assert {last: [each.id for each in got or []] for last, got in resumed.items()} == {
        99: [100, 101, 102, 103, 104],
        102: [103, 104],
        104: [],
    }


@pytest.mark.parametrize("last", [-1, 0, 98, 105, 10**30])
def test_who_was_away_too_long_or_comes_from_elsewhere_must_begin_anew(last: int) -> None:
    bus = Bus(first_id=100)
    bus.publish(_events(5))
    assert bus.after(last) is None


def test_only_so_many_are_kept() -> None:
    bus = Bus(first_id=1)
    bus.publish(_events(KEPT + 10))
    assert bus.after(9) is None
    assert len(bus.after(10) or []) == KEPT


def test_before_the_first_event_there_is_nothing_to_catch_up_with() -> None:
    bus = Bus(first_id=100)
    assert (bus.after(99), bus.after(50)) == ([], None)
