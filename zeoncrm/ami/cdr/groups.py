"""Which records are of one call: those that share a linkedid, a uniqueid or a channel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from zeoncrm.ami.cdr.rows import CdrRow
from zeoncrm.ami.parties import whole

# A channel's name comes again when the PBX is started again: only records of one time are of the same channel.
_SAME_CHANNEL_WITHIN = timedelta(seconds=10)


def groups_of(rows: Iterable[CdrRow]) -> list[list[CdrRow]]:
    """The records by call, each once and in order; the calls by their beginning."""
    ordered = sorted(dict.fromkeys(rows), key=in_order)
    joined = _Joined(len(ordered))
    with_id: dict[str, int] = {}
    with_channel: dict[tuple[str, int], tuple[int, datetime]] = {}
    runs = _runs(ordered)
    for index, row in enumerate(ordered):
        for key in (row.linkedid, row.uniqueid):
            if key:
                joined.join(with_id.setdefault(key, index), index)
        for name in channels_of(row):
            channel = (name, runs[index])
            other, until = with_channel.get(channel, (index, row.end))
            if row.start <= until + _SAME_CHANNEL_WITHIN:
                joined.join(other, index)
                until = max(until, row.end)
            else:
                until = row.end
            with_channel[channel] = (index, until)
    groups: dict[int, list[CdrRow]] = {}
    for index, row in enumerate(ordered):
        groups.setdefault(joined.first(index), []).append(row)
    return list(groups.values())


def _runs(rows: Sequence[CdrRow]) -> list[int]:
    """In which run of the PBX, from one start to the next, each record's channel was made.

    Channels are counted from each start on: where the count falls back, there was a start in between. Names come again
    then, within seconds. A record whose id does not tell is of the run of the one before it.
    """
    made = sorted((*row.made, index) for index, row in enumerate(rows) if row.made is not None)
    runs: dict[int, int] = {}
    run, last = 0, -1
    for _, count, index in made:
        run, last = run + (count < last), count
        runs[index] = run
    found: list[int] = []
    for index in range(len(rows)):
        found.append(runs.get(index, found[-1] if found else 0))
    return found


def channels_of(row: CdrRow) -> tuple[str, ...]:
    """The channels that a record tells of. The halves of a Local channel count as one."""
    return tuple(whole(name) for name in (row.channel, row.peer) if name)


def in_order(row: CdrRow) -> tuple[Any, ...]:
    """By time, and within a second as the PBX made them, where it says so."""
    return (row.start, row.sequence, row.end, row.channel, row.peer)


class _Joined:
    """Numbers from 0, joined step by step; each joined lot goes by its first."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def first(self, index: int) -> int:
        while self._parents[index] != index:
            self._parents[index] = self._parents[self._parents[index]]
            index = self._parents[index]
        return index

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.first(one), self.first(other)))
        self._parents[second] = first
