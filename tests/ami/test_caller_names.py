"""A caller's own name is told apart from what dialplans put before it."""

from __future__ import annotations

import pytest

from zeoncrm.ami.caller_names import own_name

NUMBER = "79031112233"


@pytest.mark.parametrize(
    "shown, name",
    [
        ("Ivan Petrov", "Ivan Petrov"),
        ("Sales:Ivan Petrov", "Ivan Petrov"),
        ("Line 2: Sales: Ivan Petrov", "Ivan Petrov"),
        ("Sales:", None),
        ("Sales: ", None),
        (NUMBER, None),
        (f"Sales:{NUMBER}", None),
        (f"Sales {NUMBER}", None),
        (f"+{NUMBER}", None),
        ("", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("number", [NUMBER, f"+{NUMBER}"])
def test_a_prefix_and_the_number_are_no_name(shown: str | None, number: str, name: str | None) -> None:
    assert own_name(shown, number) == name


@pytest.mark.parametrize(
    "shown, name",
    [
        ("Ivan", None),
        ("Sales:Ivan", None),
        ("[Sales] Ivan", None),
        ("Sales - Ivan", None),
        ("Petr Ivan", "Petr Ivan"),  # the whole name, out of a directory
        ("P. Ivan", "P. Ivan"),
        ("Maria", "Maria"),
    ],
)
def test_of_a_name_that_is_known_only_another_one_is_news(shown: str, name: str | None) -> None:
    assert own_name(shown, NUMBER, "Ivan") == name


@pytest.mark.parametrize(
    "shown, number, name",
    [
        ("OOO Romashka 101", "101", "OOO Romashka 101"),
        ("101", "101", None),
        ("Sales:Anonymous", "anonymous", None),
        ("Anonymous", None, "Anonymous"),
    ],
)
def test_a_short_number_is_one_only_by_itself_and_a_word_for_none_is_no_name(
    shown: str, number: str | None, name: str | None
) -> None:
    assert own_name(shown, number) == name
