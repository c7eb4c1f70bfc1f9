from __future__ import annotations

from datetime import timedelta

import pytest

from tests.web.world import NOON
from zeoncrm.pipeline.errors import TooMany
from zeoncrm.web.throttle import ACCOUNT, ADDRESS, HERE, Throttle


def test_a_network_of_guessers_is_slowed_down_by_account() -> None:
    throttle = Throttle()
    for guess in range(ACCOUNT.burst):
        throttle.take("anna", f"198.51.{guess}.1", NOON)
    with pytest.raises(TooMany):
        throttle.take("anna", "203.0.113.7", NOON)
    throttle.take("anna", "203.0.113.7", NOON + ACCOUNT.every)


def test_a_place_where_the_password_was_right_is_not_slowed_down_by_guesses_from_elsewhere() -> None:
    throttle = Throttle()
    throttle.take("anna", "203.0.113.7", NOON)
    throttle.forgive("anna", "203.0.113.7")
    for guess in range(ACCOUNT.burst):
        throttle.take("anna", f"198.51.{guess}.1", NOON)
    throttle.take("anna", "203.0.113.7", NOON)


def test_one_address_that_tries_many_logins_is_slowed_down() -> None:
    throttle = Throttle()
    for guess in range(ADDRESS.burst):
        throttle.take(f"login{guess}", "198.51.100.1", NOON)
    with pytest.raises(TooMany):
        throttle.take("another", "198.51.100.1", NOON)
    throttle.take("another", "198.51.100.2", NOON)


def test_the_addresses_of_one_subscriber_count_as_one() -> None:
    throttle = Throttle()
    for guess in range(HERE.burst):
        throttle.take("anna", f"2001:db8::{guess}", NOON)
    with pytest.raises(TooMany):
        throttle.take("anna", "2001:db8::ffff", NOON)
    throttle.take("anna", "2001:db8:0:1::1", NOON)


def test_the_wait_that_is_told_is_enough_and_refused_attempts_do_not_make_it_longer() -> None:
    throttle = Throttle()
    for _ in range(HERE.burst):
        throttle.take("anna", "198.51.100.1", NOON)
    waits = []
    for _ in range(3):
        with pytest.raises(TooMany) as refused:
            throttle.take("anna", "198.51.100.1", NOON)
        waits.append(refused.value.retry_after)
    assert len(set(waits)) == 1
    throttle.take("anna", "198.51.100.1", NOON + timedelta(seconds=waits[0]))


def test_right_passwords_do_not_count() -> None:
    throttle = Throttle()
    for _ in range(ADDRESS.burst * 2):
        throttle.take("anna", "198.51.100.1", NOON)
        throttle.forgive("anna", "198.51.100.1")


def test_it_remembers_only_so_much() -> None:
    throttle = Throttle(most=10)
    for guess in range(1000):
        throttle.take(f"login{guess}", f"198.51.{guess % 250}.{guess // 250}", NOON)
    assert len(throttle._full_at) <= 10
