"""Times of day: minutes since midnight inside, `09:30` outside."""

from __future__ import annotations


def clock_text(minutes: int | None) -> str | None:
    """`09:30` for 570."""
    return None if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"


def minutes_of(clock: str) -> int:
    """570 for `09:30`; raises ValueError for what is no time of day."""
    hours, _, minutes = clock.partition(":")
    if not (hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60):
        raise ValueError("no time of day")
    return int(hours) * 60 + int(minutes)
