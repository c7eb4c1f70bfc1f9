"""Times as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """An aware time as `2026-03-02T12:00:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
