"""Call ids: ULIDs (https://github.com/ulid/spec), which sort by the time of the call and need no database."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80


def new_call_id(at: datetime) -> str:
    """A new id for a call that begins at this time (aware)."""
    value = (int(at.timestamp() * 1000) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def is_call_id(text: str) -> bool:
    """Whether the text has the form of a call id."""
    return re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", text) is not None
