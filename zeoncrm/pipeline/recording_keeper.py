"""Finds the files in which calls were recorded, says when they can be listened to, and forgets those that are too old.

A file is ready when its call has ended, its size stays the same from one look to the next and, where its kind tells,
its header says that it is whole. A call of which the PBX named no file is looked for by its id in the files' names.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from zeoncrm.pipeline import events
from zeoncrm.pipeline.bus import Published
from zeoncrm.pipeline.call_access import audience
from zeoncrm.pipeline.call_events import CallResult
from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.people import Directory
from zeoncrm.pipeline.recording_files import (
    Archive,
    Look,
    days_around,
    holds_anything,
    inside,
    look_for,
    search,
    uniqueids_in,
    unreadable,
)
from zeoncrm.pipeline.recordings import Archives
from zeoncrm.store import calls
from zeoncrm.store import recordings as store
from zeoncrm.store.database import Database
from zeoncrm.store.errors import StoreError
from zeoncrm.store.recordings import ExpectedRow, UnrecordedRow

# Seconds between looks: while a call has just ended, and else.
SOON, SELDOM = 2.0, 30.0
JUST_ENDED = timedelta(minutes=1)
LATELY = timedelta(minutes=5)
# When to search for a call's file by its id: at the end, and when the PBX has packed or moved it.
SEARCHES = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=15))
MOST_SEARCHED = 2000
# A file whose header is never completed (the PBX was killed) is played as far as it goes.
UNFINISHED = timedelta(minutes=10)
LOST = timedelta(days=2)
# Of what was given up so much is looked for again, at the start and when a folder has come back.
MOST_AGAIN = 2000
AGAIN = timedelta(days=30)
# After so long a folder without any file is not one to which the first has yet to come.
EMPTY = timedelta(hours=1)
AGED_EVERY = timedelta(hours=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FolderSeen:
    """A PBX's folder of recordings: why they can't be read and since when (UTC); None when nothing is amiss."""

    folder: str
    problem: str | None = None
    since: datetime | None = None


class RecordingKeeper:
    """Looks after the recordings of the PBXs that have a folder."""

    def __init__(
        self,
        database: Database,
        archives: Archives,
        directory: Callable[[], Directory],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._archives = archives
        self._directory = directory
        self._now = now
        self._news = asyncio.Event()
        # The sizes of files that are there, as they were at the last look.
        self._sizes: dict[int, int] = {}
        # When to search for the calls of which no file is known, and how often that was done.
        self._searches: dict[str, tuple[datetime, int]] = {}
        self._looked_at_all: datetime | None = None
        self._folders_at: datetime | None = None
        self.folders = {pbx: FolderSeen(str(archive.root)) for pbx, archive in archives.items()}
        self._aged_at: datetime | None = None

    def follow(self, published: Published) -> None:
        """A call has ended: there may be a file."""
        match published.event:
            case events.CallEnded(view=view) if view.call.pbx in self._archives:
                if view.call.result is CallResult.ANSWERED and len(self._searches) < MOST_SEARCHED:
                    self._searches[view.call.id] = (self._now() + SEARCHES[0], 0)
                self._news.set()
            case events.ContactErased():
                self._aged_at = None
                self._news.set()

    async def run(self) -> None:
        """Look, until cancelled; a database that is away is tried again."""
        if not self._archives:
            return
        with contextlib.suppress(StoreError):
            await self.catch_up()
        while True:
            pause = SELDOM
            with contextlib.suppress(StoreError):
                await self.look_at_folders()
                pause = await self.look()
                await self.age()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), pause)
            if self._news.is_set():
                self._news.clear()
                await asyncio.sleep(SOON / 2)

    async def catch_up(self, pbxs: Collection[str] | None = None, since: datetime | None = None) -> None:
        """Search for what was recorded while nobody could look, since a day before now or `since` (UTC), and look once
        more for what was given up."""
        pbxs, now = list(self._archives) if pbxs is None else pbxs, self._now()
        async with self._database.write() as tx:
            await store.expect_again(tx, pbxs, now - AGAIN, MOST_AGAIN)
        async with self._database.read() as connection:
            day_before = (since or now) - timedelta(days=1)
            missing = await store.answered_without(connection, pbxs, day_before, MOST_SEARCHED)
        self._searches = {call_id: (now, len(SEARCHES) - 1) for call_id in missing} | self._searches
        self._looked_at_all = None

    async def look(self) -> float:
        """Look once; the seconds until it is worth looking again."""
        now = self._now()
        await self._search_due(now)
        async with self._database.read() as connection:
            rows = self._worth_a_look(await store.expected(connection, list(self._archives)), now)
        looks = await asyncio.to_thread(self._look_at, rows)
        for row, found in zip(rows, looks, strict=True):
            await self._judge(row, found, now)
        kept = {row.id for row in rows}
        self._sizes = {recording_id: size for recording_id, size in self._sizes.items() if recording_id in kept}
        if self._sizes or any(now - row.ended_at < JUST_ENDED for row in rows):
            return SOON
        next_search = min((at for at, _ in self._searches.values()), default=now + timedelta(seconds=SELDOM))
        return min(SELDOM, max(SOON, (next_search - now).total_seconds()))

    async def look_at_folders(self) -> None:
        """From time to time: whether the recordings can be read. A change is said once."""
        now = self._now()
        if self._folders_at is not None and now - self._folders_at < LATELY:
            return
        self._folders_at = now
        for pbx, archive in self._archives.items():
            before, problem = self.folders[pbx], await self._problem_of(pbx, archive, now)
            if problem is not None and problem != before.problem:
                log.warning("recordings can't be read", pbx=pbx, reason=problem)
            elif problem is None and before.problem is not None:
                await self.catch_up([pbx], now - AGAIN)
                log.info("recordings can be read again", pbx=pbx)
            since = None if problem is None else before.since or now
            self.folders[pbx] = FolderSeen(before.folder, problem, since)

    async def _problem_of(self, pbx: str, archive: Archive, now: datetime) -> str | None:
        problem = await asyncio.to_thread(unreadable, archive.root, now.date())
        if problem is None and not await asyncio.to_thread(holds_anything, archive.root):
            async with self._database.read() as connection:
                if await store.has_files(connection, pbx, now - AGAIN, now - EMPTY):
                    return f"{archive.root}: empty, though calls were recorded"
        return problem

    async def age(self) -> None:
        """Once an hour: what is older than it may be listened to, is not; where so configured its file is deleted.

        What is of people who were erased is forgotten, at once.
        """
        now = self._now()
        if self._aged_at is not None and now - self._aged_at < AGED_EVERY:
            return
        self._aged_at = now
        await self.look_at_folders()  # what is in one that is away is not gone
        for pbx, archive in self._archives.items():
            async with self._database.write() as tx:
                await store.expire(tx, pbx, now - timedelta(days=archive.days) if archive.days else None)
            if archive.days and archive.delete:
                await self._delete_expired(pbx, archive)
            await self._forget_erased(pbx, archive)

    async def _delete_expired(self, pbx: str, archive: Archive) -> None:
        async with self._database.read() as connection:
            rows = await store.expired(connection, pbx)
        while rows:
            paths = [row.path for row in rows if row.path]
            failed = await self._delete(pbx, paths)
            async with self._database.write() as tx:
                for row in rows:
                    if row.path not in failed:
                        await store.settle(tx, row.id, store.DELETED)
            if len(failed) < len(rows):
                log.info("old recordings were deleted", pbx=pbx, files=len(rows) - len(failed), failed=len(failed))
            async with self._database.read() as connection:
                rows = [] if failed else await store.expired(connection, pbx)

    async def _forget_erased(self, pbx: str, archive: Archive) -> None:
        async with self._database.read() as connection:
            rows = await store.erased(connection, pbx)
        if not rows:
            return
        paths = [row.path for row in rows if row.path]
        failed = await self._delete(pbx, paths) if archive.delete else set()
        async with self._database.write() as tx:
            await store.forget(tx, [row.id for row in rows if row.path not in failed])
        if not archive.delete:
            log.warning("recordings of an erased person stay on the PBX: we may not delete them", pbx=pbx)

    async def _delete(self, pbx: str, paths: Sequence[str]) -> set[str]:
        """Delete the files; give those that are still there, or may be in a folder that is away."""
        if self.folders[pbx].problem is not None:
            return set(paths)
        return await asyncio.to_thread(_deleted, self._archives[pbx], paths)

    def _worth_a_look(self, rows: Sequence[ExpectedRow], now: datetime) -> Sequence[ExpectedRow]:
        """All from time to time; else those of calls that ended lately, and those whose file is there."""
        if self._looked_at_all is None or now - self._looked_at_all >= LATELY:
            self._looked_at_all = now
            return rows
        return [row for row in rows if now - row.ended_at < LATELY or row.id in self._sizes]

    def _look_at(self, rows: Sequence[ExpectedRow]) -> list[Look | None]:
        return [look_for(self._archives[row.pbx].root, row.file, row.at) for row in rows]

    async def _judge(self, row: ExpectedRow, found: Look | None, now: datetime) -> None:
        since = now - row.ended_at
        if found is None or found.empty:
            if since > LOST and self.folders[row.pbx].problem is None:
                async with self._database.write() as tx:
                    await store.settle(tx, row.id, store.LOST)
            return
        grows = self._sizes.get(row.id) != found.size
        self._sizes[row.id] = found.size
        if grows or (found.whole is False and since < UNFINISHED):
            return
        del self._sizes[row.id]
        days = self._archives[row.pbx].days
        async with self._database.write() as tx:
            if days and now - row.at > timedelta(days=days):  # found too late
                await store.settle(tx, row.id, store.EXPIRED, path=found.path, seconds=found.seconds)
                return
            await store.settle(tx, row.id, store.READY, path=found.path, seconds=found.seconds)
            call = await calls.one(tx.connection, row.call_id)
            if call is not None:
                people = audience(self._directory(), view_of(call))
                tx.emit(events.RecordingReady(people=people, call_id=row.call_id))

    async def _search_due(self, now: datetime) -> None:
        due = [call_id for call_id, (at, _) in self._searches.items() if at <= now]
        if not due:
            return
        async with self._database.read() as connection:
            rows = await store.unrecorded(connection, due)
        found = await asyncio.to_thread(self._search, rows)
        if found:
            async with self._database.write() as tx:
                await store.note(tx, found)
        again = {row.call_id for row in rows} - {each.call_id for each in found}
        for call_id in due:
            _, done = self._searches.pop(call_id)
            if call_id in again and done + 1 < len(SEARCHES):
                self._searches[call_id] = (now + SEARCHES[done + 1], done + 1)

    def _search(self, rows: Sequence[UnrecordedRow]) -> list[store.Noted]:
        noted = []
        starts = {row.call_id: row.started_at for row in rows}
        for pbx, archive in self._archives.items():
            of_pbx = [row for row in rows if row.pbx == pbx]
            wanted = {each: row.call_id for row in of_pbx for linked in row.linkedids for each in uniqueids_in(linked)}
            days = dict.fromkeys(day for row in of_pbx for day in days_around(row.started_at))
            found = search(archive.root, wanted, days) if wanted else {}
            noted += [store.Noted(call_id, path, starts[call_id]) for call_id, path in found.items()]
        return noted


def _deleted(archive: Archive, paths: Sequence[str]) -> set[str]:
    """Delete the files; give those that are still there."""
    failed = set()
    for path in paths:
        file = inside(archive.root, path)
        try:
            if file is not None:
                file.unlink()
        except OSError as error:
            log.warning("an old recording can't be deleted", reason=error.strerror)
            failed.add(path)
    return failed
