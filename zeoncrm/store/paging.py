"""Keyset paging: a page is found by the last row of the one before, so that it stays right while rows come and go."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")

MAX_LIMIT = 200


class BadCursor(ValueError):
    """A cursor that no list of ours gave."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows, and the cursor of the next page (None: there is none)."""

    items: Sequence[Item]
    next: str | None


def encode_cursor(*key: Any) -> str:
    """An opaque text for the sort key of a page's last row."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in key]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type) -> tuple[Any, ...]:
    """The sort key in a cursor, with a value of each type.

    Raises:
        BadCursor: the text is no cursor of this list.
    """
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(types):
            raise BadCursor("not a cursor of this list")
        return tuple(_value(value, kind) for value, kind in zip(values, types, strict=True))
    except (ValueError, OverflowError, RecursionError) as error:
        raise BadCursor("not a cursor of this list") from error


def page_of(rows: Sequence[Item], limit: int, key: Callable[[Item], tuple[Any, ...]]) -> Page[Item]:
    """The page from `limit + 1` rows: the one too many only says that there is more."""
    items = rows[:limit]
    return Page(items, encode_cursor(*key(items[-1])) if len(rows) > limit else None)


def _value(value: Any, kind: type) -> Any:
    if kind is datetime:
        parsed = datetime.fromisoformat(str(value))
        if parsed.tzinfo is None:
            raise BadCursor("not a cursor of this list")
        return parsed.astimezone(UTC)
    if not isinstance(value, kind):
        raise BadCursor("not a cursor of this list")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise BadCursor("not a cursor of this list")
    return value
