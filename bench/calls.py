"""100 new calls a second for a minute through the recorder: is everything there afterwards, and what is left over.

`python -m bench.calls [SECONDS]`. Then as many as it takes; the floor writes the same rows by bare sqlite3, 200 to a
transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import sqlalchemy as sa

from bench.board import cluster
from tests.databases import fill_template
from tests.pipeline.firm import PBX
from zeoncrm.pipeline.bus import Bus
from zeoncrm.pipeline.call_events import (
    CallEnded,
    CallEvent,
    CallResult,
    CallStarted,
    Direction,
    LegAnswered,
    LegEnded,
    LegOutcome,
    LegRang,
)
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.people import load_directory
from zeoncrm.pipeline.recorder import MOST_ROWS, Recorder
from zeoncrm.pipeline.settings import CallSettings
from zeoncrm.store.database import Database

RATE = 100
SECONDS = 60
FLOOD = 5_000
TALK_SECONDS = 1.0


def beginning(number: int, at: datetime) -> list[CallEvent]:
    """A stranger calls and is answered."""
    call_id = new_call_id(at)
    phone = f"+7903{number:07}"
    started = CallStarted(
        call_id=call_id,
        at=at,
        pbx=PBX,
        direction=Direction.INBOUND,
        linkedid=f"linked-{number}",
        number=phone,
        number_raw=phone.lstrip("+"),
        caller_name=f"Caller {number}",
    )
    return [
        started,
        LegRang(call_id=call_id, at=at, extension="101"),
        LegRang(call_id=call_id, at=at, extension="102"),
        LegAnswered(call_id=call_id, at=at, extension="102"),
        LegEnded(call_id=call_id, at=at, extension="101", outcome=LegOutcome.ANSWERED_ELSEWHERE),
    ]


class Run:
    """A recorder that writes, and how long its answers take."""

    def __init__(self, database: Database, recorder: Recorder) -> None:
        self.database = database
        self.recorder = recorder
        self.milliseconds: list[float] = []
        self.most_waiting = 0
        self.calls = 0

    async def call(self, number: int, talk_seconds: float) -> None:
        """One call, from its ring to its end; the time from the answer to its commit is noted."""
        events = beginning(number, datetime.now(UTC))
        for event in events[:-1]:
            await self.recorder.record(event)
        begin = time.perf_counter()
        await self.recorder.recorded(events[-1])
        self.milliseconds.append((time.perf_counter() - begin) * 1000)
        await asyncio.sleep(talk_seconds)
        ended = CallEnded(call_id=events[0].call_id, at=datetime.now(UTC), result=CallResult.ANSWERED)
        await self.recorder.recorded(ended)

    async def paced(self, seconds: int) -> None:
        """So many calls a second; prints what was waiting and how the memory went."""
        memory = [resident_mb()]
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as calls:
            for index in range(RATE * seconds):
                await asyncio.sleep(max(0.0, begin + index / RATE - time.perf_counter()))
                self.calls += 1
                calls.create_task(self.call(self.calls, TALK_SECONDS))
                self.most_waiting = max(self.most_waiting, self.recorder.waiting)
                if index % (RATE * max(1, seconds // 6)) == 0:
                    memory.append(resident_mb())
        memory.append(resident_mb())
        p99 = statistics.quantiles(self.milliseconds, n=100)[98]
        print(
            f"  {RATE} calls/s for {seconds} s: answer committed p50 {statistics.median(self.milliseconds):.1f} ms, "
            f"p99 {p99:.1f} ms; {self.most_waiting} events waiting at most"
        )
        print(f"  memory, MB, over the run: {' '.join(f'{each:.0f}' for each in memory)}")

    async def flood(self) -> float:
        """As many calls as it takes; calls a second."""
        begin = time.perf_counter()
        for index in range(FLOOD):
            self.calls += 1
            at = datetime.now(UTC)
            events = beginning(self.calls, at)
            ended = CallEnded(call_id=events[0].call_id, at=at, result=CallResult.ANSWERED)
            for event in events:
                await self.recorder.record(event)
            if index < FLOOD - 1:
                await self.recorder.record(ended)
            else:
                await self.recorder.recorded(ended)
        return FLOOD / (time.perf_counter() - begin)

    async def check(self) -> None:
        """Everything must be there."""
        wanted = {
            "calls": "SELECT count(*) FROM calls WHERE state = 'ended' AND result = 'answered' AND deal_id IS NOT NULL",
            "contacts": "SELECT count(*) FROM contacts",
            "deals": "SELECT count(*) FROM deals WHERE owner_id IS NOT NULL",
        }
        async with self.database.read() as connection:
            for name, query in wanted.items():
                found = (await connection.execute(sa.text(query))).scalar_one()
                if found != self.calls:
                    raise SystemExit(f"{found} {name} of {self.calls} are there")
        print(f"  all {self.calls} calls, contacts and deals are there")


def resident_mb() -> float:
    """The process's memory."""
    return float(psutil.Process().memory_info().rss) / 2**20


def floor(path: Path) -> float:
    """Calls a second when the same rows are written without anything being decided."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE calls (id TEXT PRIMARY KEY, number TEXT, started_at TEXT, deal_id INTEGER)")
        connection.execute("CREATE TABLE legs (call_id TEXT, extension TEXT, at TEXT)")
        for name in ("contacts", "phones", "callers", "deals", "timeline"):
            connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, name TEXT, number TEXT, at TEXT)")
        begin = time.perf_counter()
        for start in range(0, FLOOD, MOST_ROWS // 6):
            numbers = range(start, min(start + MOST_ROWS // 6, FLOOD))
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO calls VALUES (?, 'number', 'at', 1)", [(f"call-{n}",) for n in numbers])
            connection.executemany(
                "INSERT INTO legs VALUES (?, '101', 'at')", [(f"call-{n // 2}",) for n in numbers] * 2
            )
            for name in ("contacts", "phones", "callers", "deals", "timeline"):
                rows = [(f"Caller {n}",) for n in numbers]
                connection.executemany(f"INSERT INTO {name} (name, number, at) VALUES (?, 'number', 'at')", rows)  # noqa: S608
            connection.execute("COMMIT")
        return FLOOD / (time.perf_counter() - begin)


@contextlib.contextmanager
def databases() -> Iterator[Iterator[tuple[str, str]]]:
    """A fresh database of each kind: its name and URL."""
    with tempfile.TemporaryDirectory() as folder:

        def each() -> Iterator[tuple[str, str]]:
            yield "SQLite", f"sqlite://{folder}/bench.db"
            with cluster() as postgres:
                if postgres is not None:
                    yield "PostgreSQL", postgres.create_database()

        yield each()


async def measure(url: str, seconds: int) -> float:
    """One engine; the calls a second of the flood."""
    await fill_template(url)
    database = Database(url, Bus(first_id=1).publish)
    rules = Rules(CallSettings(), await load_directory(database), "RU")
    recorder = Recorder(database, lambda: rules)
    writing = asyncio.create_task(recorder.run())
    run = Run(database, recorder)
    await run.paced(seconds)
    rate = await run.flood()
    await run.check()
    writing.cancel()
    await asyncio.wait([writing])
    await database.close()
    return rate


def main() -> None:
    """Print the figures."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        least = floor(Path(folder) / "floor.db")
    with databases() as each:
        for name, url in each:
            print(f"calls through the recorder, {name}:")
            rate = asyncio.run(measure(url, seconds))
            print(
                f"  at most {rate:.0f} calls/s: {rate / RATE:.1f} times what is needed; "
                f"floor {least:.0f} calls/s, ratio {rate / least:.3f}"
            )


if __name__ == "__main__":
    main()
