"""Telephone numbers: what is one number, what is none, what may be dialled."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zeoncrm.pipeline.numbers import (
    NOWHERE,
    BadNumber,
    Whereabouts,
    dialable,
    is_home,
    is_premium,
    is_service,
    national,
    normalise,
    whereabouts,
)

REGIONS = ("RU", "US", "GB", "DE", "KZ", "IT", "FR")
NUMBERISH = st.text(alphabet="0123456789+ ()-./\u00a0\u2011", max_size=70)


@pytest.mark.parametrize(
    "written",
    [
        "8 903 111-22-33",
        "+7 903 1112233",
        "79031112233",
        "9031112233",
        "89031112233",
        "8(903)1112233",
        "+7 (903) 111-22-33",
        "8.903.111.22.33",
        " 8 903 111 22 33 ",
        "8\u00a0903\u202f111\u201122\u201333",
        "0079031112233",
        "81079031112233",
    ],
)
def test_a_number_is_one_however_it_is_written(written: str) -> None:
    assert normalise(written, "RU") == "+79031112233"


@pytest.mark.parametrize(
    "region, written, number",
    [
        ("RU", "4951234567", "+74951234567"),
        ("RU", "+44 20 7946 0958", "+442079460958"),
        ("RU", "442079460958", "+442079460958"),
        ("RU", "88002000600", "+78002000600"),
        ("US", "(212) 555-0100", "+12125550100"),
        ("US", "1-212-555-0100", "+12125550100"),
        ("US", "011 44 20 7946 0958", "+442079460958"),
        ("GB", "020 7946 0958", "+442079460958"),
        ("GB", "07911 123456", "+447911123456"),
        ("DE", "030 901820", "+4930901820"),
        ("DE", "0151 23456789", "+4915123456789"),
        ("DE", "49 30 901820", "+4930901820"),
        ("KZ", "8 701 123 45 67", "+77011234567"),
        ("KZ", "7011234567", "+77011234567"),
        ("IT", "06 6982", None),
        ("IT", "06 69821234", "+390669821234"),
    ],
)
def test_a_number_without_a_country_is_the_regions(region: str, written: str, number: str | None) -> None:
    assert normalise(written, region) == number


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", None, "101", "112", "12345", "anonymous", "Anonymous", "unknown", "Restricted", "<unknown>"),
        *("0000000", "0000000000", "1111111111", "+0000000000", "s", "sip:101@pbx", "8 903 111-22-33 доб. 5"),
        *(
            "8903111223344556677889900",
            "٨٩٠٣١١١٢٢٣٣",
            "８９０３１１１２２３３",
            "7" * 10_000,
            "1-800-FLOWERS",
            "+",
            "-",
            "()",
        ),
        # Local ones without their area code, though some island's number has as many digits.
        *("2901234", "6834123", "1234567"),
    ],
)
def test_what_identifies_nobody_is_no_number(written: str | None) -> None:
    assert normalise(written, "RU") is None


@given(st.one_of(st.text(max_size=80), NUMBERISH), st.sampled_from(REGIONS))
@example("10000000000000", "DE")  # sixteen digits with the country's code
@example("0000001", "DE")  # each reading would take another zero for the trunk prefix
def test_a_number_is_in_e164_or_none_and_reading_it_again_changes_nothing(written: str, region: str) -> None:
    number = normalise(written, region)
    if number is not None:
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
        assert {normalise(number, other) for other in REGIONS} == {number}
        assert national(number, region)


@given(st.sampled_from(REGIONS), st.integers(10**9, 10**10 - 1))
def test_a_number_read_back_from_how_it_is_shown_is_the_same(region: str, digits: int) -> None:
    number = normalise(str(digits), region)
    # In ranges that nobody uses, a trunk prefix may look like another country's code.
    if number is not None and phonenumbers.is_valid_number(phonenumbers.parse(number)):
        assert normalise(national(number, region), region) == number


@pytest.mark.parametrize(
    "raw",
    [
        *("", "   ", "+", "()", "1", "7" * 30, "9" * 100, "abc", "8903111223a", "8903111223\n8", "8 903 111-22-33\0"),
        *("500&PJSIP/101", "79031112233/1", "79031112233@pbx", "7903,1112233", "7903;1112233", "7903#", "*72"),
        *("٨٩٠٣١١١٢٢٣٣", "７９０３１１１２２３３", "7903🙂", "w9031112233", "7903111223\ud800"),
    ],
)
def test_what_is_no_number_can_not_be_dialled(raw: str) -> None:
    with pytest.raises(BadNumber):
        dialable(raw, "RU")


@given(st.one_of(st.text(max_size=80), NUMBERISH), st.sampled_from(REGIONS))
def test_what_is_dialled_is_digits_and_a_plus_at_most(raw: str, region: str) -> None:
    try:
        number = dialable(raw, region)
    except BadNumber:
        return
    assert re.fullmatch(r"\+?[0-9]{2,20}", number)


@pytest.mark.parametrize(
    "region, number, home",
    [
        ("RU", "+79031112233", True),
        ("RU", "+78002000600", True),
        ("RU", "+77011234567", False),
        ("KZ", "+77011234567", True),
        ("KZ", "+79031112233", False),
        ("US", "+12125550100", True),
        ("US", "+18765550100", False),
        ("US", "+18095550100", False),
        ("US", "+14165550100", False),
        ("CA", "+14165550100", True),
        ("GB", "+442079460958", True),
        ("GB", "+441534880000", False),
        ("DE", "+442079460958", False),
        ("RU", "nonsense", False),
    ],
)
def test_the_numbers_of_others_that_share_a_country_code_are_not_home(region: str, number: str, home: bool) -> None:
    assert is_home(number, region) is home


@pytest.mark.parametrize(
    "number, premium", [("+78091234567", True), ("+19005550100", True), ("+79031112233", False), ("x", False)]
)
def test_premium_numbers_are_known(number: str, premium: bool) -> None:
    assert is_premium(number) is premium


@pytest.mark.parametrize(
    "number, region, shown",
    [
        ("+79031112233", "RU", "8 (903) 111-22-33"),
        ("+442079460958", "RU", "+44 20 7946 0958"),
        ("101", "RU", "101"),
        (None, "RU", ""),
        ("", "RU", ""),
        ("anonymous", "RU", "anonymous"),
    ],
)
def test_numbers_are_shown_as_people_of_the_region_read_them(number: str | None, region: str, shown: str) -> None:
    assert national(number, region) == shown


@pytest.mark.parametrize("digits", ["112", "101", "103"])
def test_public_services_are_told_from_a_pbx_s_own_short_numbers(digits: str) -> None:
    assert is_service(digits, "RU")
    assert not is_service("800", "RU")
    assert not is_service(digits + "45", "RU")


MARCH = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "number, country, zone",
    [
        ("+73832223344", "RU", "Asia/Novosibirsk"),
        ("+79031112233", "RU", None),  # a mobile one: anywhere between Kaliningrad and Kamchatka
        ("+77272223344", "KZ", "Asia/Almaty"),
        ("+12125551234", "US", "America/New_York"),
        ("+420601123456", "CZ", "Europe/Prague"),
        ("+80012345678", None, None),  # freephone, no country's
        ("112", None, None),
        (None, None, None),
    ],
)
def test_a_number_tells_its_country_and_its_clock_if_there_is_but_one(
    number: str | None, country: str | None, zone: str | None
) -> None:
    assert whereabouts(number, MARCH) == Whereabouts(country, ZoneInfo(zone) if zone else None)


def test_zones_whose_clocks_show_the_same_are_one_as_long_as_they_do() -> None:
    arizona, july = (
        "+19282836789",
        datetime(2026, 7, 2, 12, 0, tzinfo=UTC),
    )  # Phoenix keeps winter time, Denver does not
    assert (whereabouts(arizona, MARCH).zone, whereabouts(arizona, july).zone) == (ZoneInfo("America/Denver"), None)


@pytest.mark.parametrize(
    "number, told",
    [
        ("+74952223344", NOWHERE),
        ("+73832223344", Whereabouts(None, ZoneInfo("Asia/Novosibirsk"))),
        ("+375171234567", Whereabouts("BY", None)),  # by Moscow's clock
        ("+79031112233", NOWHERE),
    ],
)
def test_people_are_told_what_is_not_as_at_home(number: str, told: Whereabouts) -> None:
    assert whereabouts(number, MARCH).seen_from("RU", ZoneInfo("Europe/Moscow"), MARCH) == told
