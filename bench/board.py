"""The board at 1,000 and at 100,000 deals, on both engines: read from the database, as JSON and as a page.

Aim: the second within 1.5 times the first. Floor: the same columns by the bare driver, without names and numbers of
whom the deals are with.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import asyncpg

from bench.filled import fill
from tests.passwords import quick_passwords
from tests.postgres import PostgresCluster, postgres_cluster
from tests.web.world import World, prepare
from tools.real_parts import postgres_bin
from zeoncrm.pipeline.board import CARDS, load_board
from zeoncrm.store.database import Database

SIZES = (1_000, 100_000)
ROUNDS = 40
AIM = 1.5
STAGES = "SELECT id FROM stages ORDER BY position"
COLUMN = f"SELECT * FROM deals WHERE stage_id = $1 ORDER BY stage_entered_at DESC, id DESC LIMIT {CARDS + 1}"  # noqa: S608
TOTALS = "SELECT stage_id, sum(deals), sum(amount) FROM stage_totals GROUP BY stage_id"

Work = Callable[[], Awaitable[object]]


@contextlib.asynccontextmanager
async def bare(url: str) -> AsyncIterator[Work]:
    """The floor's way to read a board."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection:
            stages = [row[0] for row in connection.execute(STAGES)]

            async def read_file() -> None:
                for stage in stages:
                    connection.execute(COLUMN.replace("$1", "?"), (stage,)).fetchall()
                connection.execute(TOTALS).fetchall()

            yield read_file
    else:
        server = await asyncpg.connect(url)
        columns = [row["id"] for row in await server.fetch(STAGES)]

        async def ask_server() -> None:
            for stage in columns:
                await server.fetch(COLUMN, stage)
            await server.fetch(TOTALS)

        yield ask_server
        await server.close()


@contextlib.asynccontextmanager
async def boards(url: str, size: int) -> AsyncIterator[dict[str, Work]]:
    """The ways to read a board of so many deals."""
    await prepare(url)
    database, passwords = Database(url), quick_passwords()
    try:
        await fill(database, size)
        async with World(database, passwords).running() as world, bare(url) as floor:
            sveta = world.person("sveta")
            program, browser = await world.api("sveta"), await world.browser("sveta")
            for client, path in ((program, "/api/v1/board/1"), (browser, "/board")):
                answer = await client.get(path)
                assert answer.status == 200, (path, answer.status)
            yield {
                "floor": floor,
                "database": lambda: load_board(database, sveta, None),
                "JSON": lambda: program.get("/api/v1/board/1"),
                "page": lambda: browser.get("/board"),
            }
    finally:
        await database.close()
        passwords.close()


async def compare(engine: str, urls: Sequence[str]) -> None:
    """Read the small and the large board in turn, so that both meet the same machine; print the medians."""
    async with boards(urls[0], SIZES[0]) as small, boards(urls[1], SIZES[1]) as large:
        print(f"board on {engine}, {SIZES[0]:,} and {SIZES[1]:,} deals (aim: ratio at most {AIM}):")
        floor = 0.0
        for name in small:
            took: tuple[list[float], list[float]] = ([], [])
            for _ in range(ROUNDS):
                for work, times in zip((small[name], large[name]), took, strict=True):
                    begin = time.perf_counter()
                    await work()
                    times.append((time.perf_counter() - begin) * 1000)
            first, second = map(statistics.median, took)
            floor = floor or second
            above = "" if name == "floor" else f"   {second / floor:5.1f} times the floor"
            print(f"  {name:9} {first:7.2f} ms  {second:7.2f} ms   ratio {second / first:4.2f}{above}")


@contextlib.contextmanager
def cluster() -> Iterator[PostgresCluster | None]:
    """A private PostgreSQL, if it is installed."""
    if postgres_bin() is None:
        print("board on PostgreSQL: left out, no server is installed")
        yield None
        return
    with postgres_cluster() as running:
        yield running


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare("SQLite", [f"sqlite://{Path(folder)}/{size}.db" for size in SIZES]))
    with cluster() as postgres:
        if postgres is not None:
            asyncio.run(compare("PostgreSQL", [postgres.create_database() for _ in SIZES]))


if __name__ == "__main__":
    main()
