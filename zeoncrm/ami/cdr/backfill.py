"""Reads the call records of one PBX after each reconnect and every few minutes, and has calls made of what is new."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from zeoncrm.ami.cdr.groups import channels_of, groups_of
from zeoncrm.ami.cdr.rows import CdrRow
from zeoncrm.ami.cdr.sources import AHEAD, CdrError, CdrSource, Mark, Read, Reading
from zeoncrm.ami.cdr.story import lacks_whom_they_met
from zeoncrm.ami.cdr.told import calls_of
from zeoncrm.pipeline.backfill import CallsTold, Filled
from zeoncrm.pipeline.call_events import CallResult
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.store.errors import StoreError

MOST_CALLS = 100
PERIOD = 300.0  # seconds between readings when nothing asks for one
# Seconds until the next try: when our own database was away, and when the records were.
AGAIN, AGAIN_THERE = 5.0, 60.0
# How long after its last record a call may still get others.
SETTLED_AFTER = timedelta(seconds=5)
# Nothing goes on for so long: a channel of that name is another one.
_LONGEST = timedelta(hours=12)
# When much is read at once: how long after a record others of its call may follow.
_SPREAD = timedelta(hours=2)
# Records of calls that ended so long before what has been read already are no news, wherever they turn up.
_STALE = timedelta(hours=1)
# Records are to the second, and the PBX's clock is another one.
_CLOCKS = timedelta(minutes=1)
_ZONE = "is cdr_timezone right?"
_OWN = "the CRM's own database: "
# How long after a call its record is waited for: Asterisk may write them in batches, by another clock.
WRITTEN = timedelta(minutes=15)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CdrState:
    """What an operator may know. `watermark`: the end of the last call read; times in UTC, None for not yet.

    `misread`: why the last record was not understood of those that were not, and `misread_at` when.
    """

    source: str
    watermark: datetime | None = None
    last_run: datetime | None = None
    problem: str | None = None
    problem_since: datetime | None = None
    misread: str | None = None
    misread_at: datetime | None = None
    rows: int = 0
    made: int = 0
    completed: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the backfill asks of the rest of the daemon.

    `is_ready`: the link is up and all that came over it is taken. Of a call with these ids and channels, `goes_on`
    says whether it does, `was_heard` whether the tracker heard all of it. `were_there`: whether a channel is there now
    that was at that time. `numbering`: as it is now. `mark`: the last that was kept, `keep` keeps calls and mark at
    once, and gives None when they can never be kept. `silence`: seconds since the link was last heard from; the events
    of a call that ended since may still come over it.
    """

    is_ready: Callable[[], bool]
    goes_on: Callable[[AbstractSet[str], AbstractSet[str]], bool]
    was_heard: Callable[[AbstractSet[str], AbstractSet[str]], bool]
    numbering: Callable[[], Numbering]
    mark: Callable[[], Awaitable[Mark | None]]
    keep: Callable[[CallsTold], Awaitable[Filled | None]]
    silence: Callable[[], float] = lambda: 0.0
    were_there: Callable[[datetime], bool] = lambda at: False


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Records of calls that are over, and those that must be read again; `hasty`: in a moment.

    `waited_for`: the end of the oldest call that is over and of which somebody who is still there will tell more.
    """

    settled: list[list[CdrRow]]
    held: list[Read]
    hasty: bool
    waited_for: datetime | None


class Backfill:
    """One PBX's. `run` keeps at it, until cancelled; nothing that a source does makes it raise."""

    def __init__(
        self,
        pbx: str,
        source: CdrSource,
        around: Surroundings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        period: float = PERIOD,
    ) -> None:
        self.state = CdrState(source.name)
        self._pbx = pbx
        self._source = source
        self._around = around
        self._clock = clock
        self._period = period
        self._wanted = asyncio.Event()
        # The end of the newest record that was read, and of the first talk heard since of which none has come.
        self._newest: datetime | None = None
        self._unrecorded: datetime | None = None
        self._log = log.bind(pbx=pbx, source=source.name)

    def wake(self) -> None:
        """There may be something new: the link is back."""
        self._wanted.set()

    def wake_soon(self) -> None:
        """A call ended of which not all was heard: its records are written in a moment."""
        asyncio.get_running_loop().call_later(SETTLED_AFTER.total_seconds() + 1, self._wanted.set)

    def note_talk(self, ended_at: datetime) -> None:
        """A talk that was heard to its end: the PBX will have a record of it, or writes none at all."""
        self._unrecorded = self._unrecorded or ended_at

    async def run(self) -> None:
        """Read again and again."""
        with contextlib.suppress(CdrError, StoreError):  # said when it is read
            # At once, lest what happens before the link is up the first time counts as history.
            await self._around.mark() or await self._begin()
        pause = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)
            self._wanted.clear()
            pause = await self._attempt() if self._around.is_ready() else min(1.0, self._period)

    async def _attempt(self) -> float:
        """Read once; gives the seconds until the next time."""
        try:
            hasty = await self.read()
        except CdrError as error:
            # A machine that starts again has its PBX up before its database.
            self._note_problem(str(error))
            return min(AGAIN_THERE, self._period)
        except StoreError as error:
            self._note_problem(f"{_OWN}{error}")
            return min(AGAIN, self._period)
        except Exception as error:
            self._log.exception("call records failed")
            self._note_problem(f"internal error: {type(error).__name__}")
        else:
            return min(SETTLED_AFTER.total_seconds() + 1, self._period) if hasty else self._period
        return self._period

    async def read(self) -> bool:
        """Read what is new; gives whether more of it may come in a moment.

        Raises:
            CdrError: the source can't be read. StoreError: our own database can't.
        """
        kept = await self._around.mark() or await self._begin()
        since, until = (datetime.fromisoformat(kept[name]) for name in ("since", "until"))
        # A PBX whose clock was ahead, or a zone that was wrong, must not hide what comes once that is put right.
        floor = max(since - _CLOCKS, min(until, self._clock()) - _STALE)
        # Where the last source was another, that says how far: its place means nothing to this one.
        place: Mark = {**kept["place"], "until": kept["until"]}
        held: list[Read] = []
        bad, why = 0, ""
        while True:
            reading = await self._source.read(place)
            now = self._clock()
            reading, credible = _judged(reading, now)
            ends = [read.row.end for read in credible]
            self._newest = max([*ends, self._newest] if self._newest else ends, default=None)
            heard = now - timedelta(seconds=min(self._around.silence(), _LONGEST.total_seconds()))
            found = _sorted([*held, *credible], reading.more, now, heard, self._around)
            fresh = [group for group in found.settled if _newest(group) >= floor]
            until = max([until, *map(_newest, fresh)])
            if found.waited_for is not None:  # it may take hours, and must not be stale then
                until = min(until, found.waited_for)
            again = next((read.mark for read in found.held if read.mark is not None), reading.mark)
            mark = {"since": since.isoformat(), "until": until.isoformat(), "place": dict(again)}
            told = self._told(fresh)
            # Records that were written late may leave the mark where it is.
            if told or mark != kept:
                await self._keep(told, kept, mark)
            self.state = replace(self.state, rows=self.state.rows + len(reading.records))
            bad, why, held, kept = bad + reading.bad, reading.why or why, found.held, mark
            place = {**reading.mark, "until": kept["until"]}
            if not reading.more:
                break
        if bad:
            # The reading after this one may be good: a line that is lost for good must not be forgotten with it.
            self.state = replace(self.state, misread=why, misread_at=self._clock())
        self._note_run(until, f"{bad} records were not understood, the last for {why}" if bad else self._unwritten())
        return found.hasty

    async def _begin(self) -> Mark:
        """The first time: what is there already is history, and stays that."""
        now = self._clock()
        mark = {"since": now.isoformat(), "until": now.isoformat(), "place": dict(await self._source.begin(now))}
        await self._around.keep(CallsTold(call_id="", at=now, pbx=self._pbx, calls=(), mark=mark))
        return mark

    def _told(self, groups: Sequence[Sequence[CdrRow]]) -> list[Call]:
        numbering = self._around.numbering()
        calls = [
            call
            for group in groups
            if not self._around.was_heard(*_names(group[:1]))
            for call in calls_of(group, self._pbx, numbering)
        ]
        return sorted(calls, key=lambda call: call.started_at)

    async def _keep(self, calls: list[Call], before: Mark, after: Mark) -> None:
        """Keep the calls, and with the last of them how far the records have been read."""
        while len(calls) > MOST_CALLS:
            await self._keep_some(calls[:MOST_CALLS], before)
            calls = calls[MOST_CALLS:]
        await self._keep_some(calls, after)

    async def _keep_some(self, calls: list[Call], mark: Mark) -> None:
        told = CallsTold(call_id="", at=self._clock(), pbx=self._pbx, calls=tuple(calls), mark=mark)
        filled = await self._around.keep(told)
        if filled is None and len(calls) > 1:
            # One that can never be written must not keep the others out.
            for call in calls:
                await self._keep_some([call], mark)
            return
        if filled is None and calls:
            await self._keep_some([], mark)
            return
        if filled and (filled.made or filled.completed):
            self._log.info("calls filled in from the PBX's records", made=filled.made, completed=filled.completed)
            made, completed = self.state.made + filled.made, self.state.completed + filled.completed
            self.state = replace(self.state, made=made, completed=completed)

    def _unwritten(self) -> str | None:
        """Whether the PBX writes no records there, judged by the talks that were heard."""
        if self._unrecorded is None:
            return None
        if self._newest is not None and self._newest >= self._unrecorded - WRITTEN:
            self._unrecorded = None
        elif self._clock() - self._unrecorded >= WRITTEN:
            at = self._unrecorded.strftime("%Y-%m-%d %H:%M")
            return f"no record has come of a call that ended at {at} UTC: are they written here? {_ZONE}"
        return None

    def _note_run(self, watermark: datetime, problem: str | None) -> None:
        if problem is not None:
            self._note_problem(problem)
        elif self.state.problem is not None:
            self._log.info("call records are read again")
            self.state = replace(self.state, problem=None, problem_since=None)
        self.state = replace(self.state, watermark=watermark, last_run=self._clock())

    def _note_problem(self, problem: str) -> None:
        """Said once, not every few minutes. A database that goes and comes back has many words for that."""
        known = self.state.problem or ""
        if problem != known and not (problem.startswith(_OWN) and known.startswith(_OWN)):
            self._log.warning("call records are not read well", reason=problem)
        since = self.state.problem_since or self._clock()
        self.state = replace(self.state, problem=problem, problem_since=since)


def _judged(reading: Reading, now: datetime) -> tuple[Reading, list[Read]]:
    """The records whose times can be right; those that can't are told with the ones that were not understood."""
    credible = [read for read in reading.records if read.row.end < now + AHEAD]
    bad, why = reading.bad, reading.why
    if len(credible) < len(reading.records):
        bad, why = bad + len(reading.records) - len(credible), why or f"an end in the future; {_ZONE}"
    if early := sum(read.row.is_before_its_channel for read in credible):
        # Those that seem to have ended long ago are no news, and would go unnoticed.
        bad, why = bad + early, reading.why or f"a time before its own channel was made; {_ZONE}"
    return replace(reading, bad=bad, why=why), credible


def _sorted(
    reads: Sequence[Read],
    more: bool,
    now: datetime,
    heard: datetime,
    around: Surroundings,
) -> _Sorted:
    """Which records are of calls that are over, and of which the link has told all that it will."""
    last = max((read.row.end for read in reads), default=now)
    settled, held_rows, hasty, waited_for = [], set(), False, None
    for group in groups_of(read.row for read in reads):
        newest = _newest(group)
        is_new = heard - newest < SETTLED_AFTER
        going_on = now - newest < _LONGEST and around.goes_on(*_names(group))
        half_told = not going_on and now - newest < _LONGEST and _is_half_told(group, around)
        if half_told:
            waited_for = min(waited_for or newest, newest)
        if is_new or going_on or half_told or (more and last - newest < _SPREAD):
            held_rows.update(group)
            hasty = hasty or (is_new and not going_on and not half_told)
        else:
            settled.append(group)
    return _Sorted(settled, [read for read in reads if read.row in held_rows], hasty, waited_for)


def _is_half_told(group: Sequence[CdrRow], around: Surroundings) -> bool:
    """Whether it may be a caller who left a conference, of whom those who are still there will tell that they met."""
    if not lacks_whom_they_met(group) or around.was_heard(*_names(group[:1])) or not around.were_there(_newest(group)):
        return False
    return any(call.result is CallResult.MISSED for call in calls_of(group, "", around.numbering()))


def _names(rows: Sequence[CdrRow]) -> tuple[set[str], set[str]]:
    """The ids and the channels of some records."""
    ids = {each for row in rows for each in (row.linkedid, row.uniqueid) if each}
    return ids, {name for row in rows for name in channels_of(row)}


def _newest(group: Sequence[CdrRow]) -> datetime:
    return max(row.end for row in group)
