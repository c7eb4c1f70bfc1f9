"""Telephone numbers: read once, stored in E.164, shown in national format.

The one place that knows how numbers are written. Regions are ISO 3166 codes ("RU").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers.timezone import time_zones_for_number

# What a phone keypad and people's handwriting put into a number; anything else makes it no number.
_WRITTEN = re.compile(r"\+?[0-9 ().\-/]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DIALABLE = re.compile(r"\+?[0-9]{2,20}")
# Typewriters' and word processors' spaces and dashes.
_PLAIN = str.maketrans(
    {"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-"}
)
_LONGEST = 64
_IDENTIFYING_DIGITS = 7
# A country's code with a number of its own: fewer digits are more likely a local number without its area code.
_INTERNATIONAL_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a number is: its country (ISO 3166), and a time zone (IANA) whose clock holds for all of where it may be.
    None: not known."""

    country: str | None = None
    zone: ZoneInfo | None = None

    def seen_from(self, region: str, home: ZoneInfo, at: datetime) -> Whereabouts:
        """What of it is worth telling people of the region whose clocks go by `home`: what differs."""
        zone = self.zone
        if zone is not None and at.astimezone(zone).utcoffset() == at.astimezone(home).utcoffset():
            zone = None
        return replace(self, country=None if self.country == region else self.country, zone=zone)


NOWHERE = Whereabouts()


class BadNumber(ValueError):
    """The text is no telephone number."""


def normalise(raw: str | None, region: str) -> str | None:
    """The number in E.164, or None when the text does not identify an outside party.

    Short numbers (extensions, services), withheld ones (words, or one digit again and again) and anything that is
    longer than 64 characters give None, so that they never merge contacts. A number without a country code is read as
    one of the region; one that is complete but for its `+` is taken as such.
    """
    if not raw or len(raw) > _LONGEST:
        return None
    text = raw.strip().translate(_PLAIN)
    return _read(text, region) if _WRITTEN.fullmatch(text) else None


@lru_cache(maxsize=8192)
def _read(text: str, region: str) -> str | None:
    digits = re.sub(r"\D", "", text)
    if len(digits) < _IDENTIFYING_DIGITS or len(set(digits)) == 1:
        return None
    readings = [text]
    if not text.startswith("+") and (digits.startswith("00") or len(digits) >= _INTERNATIONAL_DIGITS):
        readings.append("+" + digits.removeprefix("00"))
    for is_number in (phonenumbers.is_valid_number, _is_complete):
        for reading in readings:
            parsed = _parse(reading, region)
            if parsed is not None and is_number(parsed) and (number := _e164(parsed)) is not None:
                return number
    return None


def _e164(parsed: phonenumbers.PhoneNumber) -> str | None:
    """The number in E.164; None when it is too long for that, or one that would be read as another the next time: some
    plans have room for more digits than E.164, and for zeros that may be a trunk prefix."""
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return number if _E164.fullmatch(number) and _parse(number, "ZZ") == parsed else None


def dialable(raw: str, region: str) -> str:
    """What may be dialled for a person's input, in E.164 if it can be read so, else its bare digits.

    Raises:
        BadNumber: letters, separators that the PBX would act on (`& / @ , ;`), or too few or many digits.
    """
    text = raw.strip().translate(_PLAIN) if len(raw) <= _LONGEST else ""
    if not _WRITTEN.fullmatch(text) or "/" in text:
        raise BadNumber("not a telephone number")
    number = normalise(text, region)
    if number is not None:
        return number
    digits = re.sub(r"[^0-9+]", "", text)
    if not _DIALABLE.fullmatch(digits):
        raise BadNumber("not a telephone number")
    return digits


@lru_cache(maxsize=4096)
def national(number: str | None, region: str) -> str:
    """How people of the region read the number: national format at home, international abroad."""
    if not number:
        return ""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return number
    if not number.startswith("+"):
        return number
    at_home = phonenumbers.region_code_for_number(parsed) == region
    formats = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, formats.NATIONAL if at_home else formats.INTERNATIONAL)


@lru_cache(maxsize=256)
def national_line(did: str | None, region: str) -> str:
    """A line of ours as people of the region read it; what is no telephone number as the PBX names it."""
    return national(normalise(did, region), region) or did or ""


def _parse(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _is_complete(number: phonenumbers.PhoneNumber) -> bool:
    """Right length with its area code: good enough for ranges that are newer than the metadata."""
    return phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE


def is_home(number: str, region: str) -> bool:
    """Whether the number (E.164) is one of the region's own: others may share its country code (+1, +7, +44).

    One of a range that is in nobody's plan yet counts as the region's that its country code is best known for.
    """
    parsed = _parse(number, "ZZ")
    if parsed is None or parsed.country_code != phonenumbers.country_code_for_region(region):
        return False
    owner = phonenumbers.region_code_for_number(parsed)
    return (owner or phonenumbers.region_code_for_country_code(parsed.country_code)) == region


def is_premium(number: str) -> bool:
    """Whether calling this number (E.164) costs more than a call."""
    dear = (phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST)
    parsed = _parse(number, "ZZ")
    return parsed is not None and phonenumbers.number_type(parsed) in dear


def is_service(digits: str, region: str) -> bool:
    """Whether the few digits are a public service of the region: emergency, directory, a paid message."""
    code = phonenumbers.country_code_for_region(region)
    number = phonenumbers.PhoneNumber(country_code=code, national_number=int(digits))
    return bool(phonenumbers.is_valid_short_number_for_region(number, region))


def dialled(number: str, region: str, form: str) -> str:
    """A number in E.164 as a dialplan wants it: `digits` (79031112233), `e164` or `national` (89031112233)."""
    if form == "e164":
        return number
    if form == "national":
        at_home = phonenumbers.region_code_for_number(phonenumbers.parse(number)) == region
        return re.sub(r"\D", "", national(number, region)) if at_home else number.lstrip("+")
    return number.lstrip("+")


def whereabouts(number: str | None, at: datetime) -> Whereabouts:
    """Where the number (E.164) is, as far as it tells. A mobile one of a country with several clocks tells no zone, and
    one that is no country's nothing.

    The library's names of places are not used: to have them takes 100 MB and seconds (measured, version 9.0).
    """
    parsed = _parse(number, "ZZ") if number else None
    if parsed is None:
        return NOWHERE
    code = phonenumbers.region_code_for_number(parsed)
    country = code if code is not None and code.isalpha() else None
    return Whereabouts(country, _one_clock(time_zones_for_number(parsed), at))


def _one_clock(names: Iterable[str], at: datetime) -> ZoneInfo | None:
    """The first of these zones, if the clocks of all show the same."""
    try:
        zones = [ZoneInfo(name) for name in names]
    except (ZoneInfoNotFoundError, ValueError):
        return None
    return zones[0] if len({at.astimezone(zone).utcoffset() for zone in zones}) == 1 else None
