"""Who is at a channel: one of our people, the outside, or only a helper of Asterisk's.

Decided by the channel's device, and for outside lines by the number at their other end; never by connected-line data,
which transfers and pickups rewrite.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from functools import lru_cache

from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.numbers import normalise


class Kind(Enum):
    """What a channel is to a call."""

    PERSON = auto()
    OUTSIDE = auto()
    HELPER = auto()


@dataclass(frozen=True, slots=True)
class Party:
    """Who is there. `extension` for persons; `number` (E.164) and `raw` for what is outside."""

    kind: Kind
    extension: str | None = None
    number: str | None = None
    raw: str | None = None


HELPER = Party(Kind.HELPER)

# Channels that are no telephone: halves of Local channels, announcers, recorders, what a masquerade leaves behind.
HELPERS = frozenset(
    {"Announcer", "AsyncGoto", "AudioSocket", "Bridge", "CBAnn", "CBRec", "Console", "Local", "Message"}
    | {"MulticastRTP", "Parked", "Recorder", "Snoop", "Surrogate", "Test", "UnicastRTP", "WebSocket"}
)
# Technologies whose device names are extensions. A DAHDI name is a port, which may look like an extension.
PHONES = frozenset({"IAX2", "PJSIP", "SCCP", "SIP", "Skinny"})
_DEVICE = re.compile(r"(?P<technology>[^/]+)/(?P<device>.+?)(?:-[0-9a-fA-F]+)?\Z")


@lru_cache(maxsize=4096)
def device_of(name: str) -> tuple[str, str]:
    """Technology and device in a channel's name: `PJSIP/101-0000002b` is ("PJSIP", "101")."""
    match = _DEVICE.match(name)
    return (match["technology"], match["device"]) if match else (name, "")


def whole(name: str) -> str:
    """A channel's name; of half a Local channel, that of the whole."""
    return name[:-2] if name.endswith((";1", ";2")) else name


def party_at(name: str, numbers: tuple[str | None, ...], numbering: Numbering) -> Party:
    """Who is at the channel of this name. `numbers`: what may be its number, the most certain first."""
    technology, device = device_of(name)
    if technology in HELPERS or name.endswith((">", "<")):
        return HELPER
    extension = extension_of(technology, device, numbering)
    if extension is not None:
        return Party(Kind.PERSON, extension)
    if numbering.trunks and not is_trunk(name, f"{technology}/{device}", numbering.trunks):
        return HELPER
    number, raw = first_number(numbers, numbering.region)
    person = numbering.outside.get(number) if number else None
    if person is not None:
        return Party(Kind.PERSON, person, number, raw)
    return Party(Kind.OUTSIDE, None, number, raw)


def extension_of(technology: str, device: str, numbering: Numbering) -> str | None:
    """The extension of which the device is a phone."""
    named = numbering.devices.get(f"{technology}/{device}")
    if named is None and technology in PHONES and device in numbering.extensions:
        return device
    return named


def first_number(candidates: tuple[str | None, ...], region: str) -> tuple[str | None, str | None]:
    """The first candidate that is a full number, in E.164 and as written; else what is written first."""
    for raw in candidates:
        number = normalise(raw, region)
        if number is not None:
            return number, raw
    return None, next((raw for raw in candidates if raw), None)


def dial_string(data: str, name: str) -> str | None:
    """By which of the dial strings in the data of a dial the channel of this name was called: `101` of `PJSIP/101,20`,
    `79031112233@trunk`."""
    return next(iter(dial_strings(data, name)), None)


def dial_strings(data: str, name: str) -> list[str]:
    """All of them by which it may have been called: there may be several numbers on one trunk."""
    technology, device = device_of(name)
    found = []
    for each in data.partition(",")[0].split("&"):
        string = each.removeprefix(f"{technology}/")
        if string != each and (string == device or string.endswith(f"@{device}") or string.startswith(f"{device}/")):
            found.append(string)
    return found


def dialled_number(dialled: str | None) -> str | None:
    """The number in a dial string: `79031112233@trunk`, `trunk/79031112233`, `trunk/sip:79031112233@host`."""
    written = user_dialled(dialled or "")
    return written if any(character.isdigit() for character in written) else None


def user_dialled(dialled: str) -> str:
    """Who is called by a dial string, by number or word: `ivan.petrov` of `trunk/sip:ivan.petrov@host`."""
    return dialled.rpartition("/")[2].partition("@")[0].rpartition(":")[2].partition(";")[0]


def is_trunk(name: str, device: str, patterns: tuple[str, ...]) -> bool:
    """Whether a channel or its device is named by one of the configuration's patterns."""
    return any(fnmatchcase(device, pattern) or fnmatchcase(name, pattern) for pattern in patterns)
