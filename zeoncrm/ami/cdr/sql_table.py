"""The table in which the PBX keeps its call records: FreePBX's, or one that cdr_adaptive_odbc fills.

It has no key by which to go on, and a record is written when its channel ends: a mark is a time, and a little of what
was read before is read again. Times are the PBX's; a mark is in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from zeoncrm.ami.cdr.rows import BadRow, CdrRow, row_of
from zeoncrm.ami.cdr.sources import AHEAD, CdrError, Mark, Read, Reading
from zeoncrm.store.cdr_table import CdrTable
from zeoncrm.store.errors import StoreError

MOST_ROWS = 1000
# Records that the PBX writes in batches, or late, are not missed.
_OVERLAP = timedelta(minutes=5)
_HOUR = timedelta(hours=1)


class SqlTable:
    """A source; `zone` is that of the times in it, None for this machine's."""

    def __init__(
        self,
        table: CdrTable,
        zone: tzinfo | None,
        *,
        most_rows: int = MOST_ROWS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._table = table
        self._zone = zone
        self._most_rows = most_rows
        self._clock = clock

    @property
    def name(self) -> str:
        """The database's address and the table."""
        return self._table.name

    async def begin(self, now: datetime) -> Mark:
        """Now."""
        return _mark(now)

    async def read(self, mark: Mark) -> Reading:
        """The records of channels that ended since, with all others of their calls."""
        after = datetime.fromisoformat(str(mark.get("after") or mark["until"]))
        if mark.get("going_on"):
            since = after
        else:
            # A clock that was ahead, or a zone that was wrong, has left a mark in the future.
            since = min(after, self._clock()) - _OVERLAP
            since -= self._put_back(since)
        try:
            found = await self._page(since)
            records, bad, why = self._records(found)
            last = self._last(records, since)
            others, _, _ = self._records(await self._rest(records))
        except StoreError as error:
            raise CdrError(f"{self.name}: {error}") from error
        known = set(records)
        rest = [row for row in others if row not in known]
        more = len(found) >= self._most_rows and last > since
        reads = [Read(row, _mark(row.end)) for row in records] + [Read(row, None) for row in rest]
        further = {**_mark(last), "going_on": True} if more else _mark(max(after, last))
        return Reading(reads, further, more, bad, why)

    async def _page(self, since: datetime) -> list[Mapping[str, Any]]:
        """At least one more than a second's worth, so that the next page begins later. In the hour that comes twice as
        the PBX writes it, more: records of the first and the second are mixed."""
        most = self._most_rows
        while True:
            rows = await self._table.ended_since(self._local(since), most)
            last = self._last(self._records(rows)[0], since)
            if len(rows) < most or last > since or most >= 64 * self._most_rows:
                return rows
            most *= 4

    def _last(self, records: Iterable[CdrRow], since: datetime) -> datetime:
        """The end of the last, but for those of a clock that was wrong."""
        latest = self._clock() + AHEAD
        return max((row.end for row in records if row.end < latest), default=since)

    async def _rest(self, records: list[CdrRow]) -> list[Mapping[str, Any]]:
        if not records:
            return []
        first = min(row.start for row in records)
        linkedids = {row.linkedid for row in records if row.linkedid}
        uniqueids = {row.uniqueid for row in records if row.uniqueid}
        return await self._table.of_calls(linkedids, uniqueids, self._local(first))

    def _records(self, rows: Iterable[Mapping[str, Any]]) -> tuple[list[CdrRow], int, str]:
        records, bad, why = [], 0, ""
        for row in rows:
            try:
                records.append(row_of(row, self._zone))
            except BadRow as error:
                bad, why = bad + 1, str(error)
        return records, bad, why

    def _put_back(self, at: datetime) -> timedelta:
        """By how much clocks are put back in the hour after this time: what is written then looks older."""
        before, after = (self._local(each).utcoffset() for each in (at, at + _HOUR))
        return max(timedelta(0), (before or timedelta(0)) - (after or timedelta(0)))

    def _local(self, at: datetime) -> datetime:
        """As the PBX writes it."""
        return at.astimezone(self._zone)


def _mark(after: datetime) -> Mark:
    return {"after": after.astimezone(UTC).isoformat()}
