"""Call records that are read while our own database is away: in the journal once it is back, once each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from tests.ami.scripted_server import ScriptedServer
from tests.daemon.conftest import Prepare
from tests.daemon.process import DaemonProcess
from tests.databases import NOON, held_by_another
from tests.pipeline.firm import PBX, Firm, running, until
from tests.postgres import PostgresCluster
from zeoncrm.ami.cdr.backfill import Backfill, Surroundings
from zeoncrm.ami.cdr.csv_file import CsvFile
from zeoncrm.pipeline import recorder
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.store import cdr_marks
from zeoncrm.store.database import Database

MINUTE = timedelta(minutes=1)


def line(number: int, ended: datetime) -> str:
    """A call of half a minute that 101 answered."""
    began = ended - MINUTE / 2
    times = ",".join(f'"{at:%Y-%m-%d %H:%M:%S}"' for at in (began, began, ended))
    return (
        f'"","7903111{number:04}","4952150000","from-trunk","7903111{number:04}","PJSIP/trunk-{number:08x}",'
        f'"PJSIP/101-{number:08x}","Dial","PJSIP/101,20",{times},30,30,"ANSWERED","DOCUMENTATION",'
        f'"{began.timestamp():.0f}.{number}",""\n'
    )


def append(file: Path, *lines: str) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write("".join(lines))


# Our own parts, in this process


class Office:
    """A firm with records in a file, and what reads them."""

    def __init__(self, database: Database, file: Path) -> None:
        self.firm = Firm(database)
        self.file = file
        self.now = NOON
        around = Surroundings(
            is_ready=lambda: True,
            goes_on=lambda ids, names: False,
            was_heard=lambda ids, names: False,
            numbering=lambda: Numbering("RU", frozenset({"101", "102"})),
            mark=self._mark,
            keep=self.firm.recorder.fill_in,
        )
        self.backfill = Backfill(PBX, CsvFile(file, UTC), around, clock=lambda: self.now, period=0.02)

    async def _mark(self) -> Mapping[str, Any] | None:
        async with self.firm.database.read() as connection:
            return await cdr_marks.get(connection, PBX)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        await self.firm.open()
        self.file.touch()
        task = asyncio.create_task(self.backfill.run())
        try:
            async with running(self.firm.recorder):
                await until(lambda: self.backfill.state.last_run is not None)
                yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def calls_end(self, *numbers: int) -> None:
        """A call of each number ended, and another minute has passed."""
        append(self.file, *(line(number, self.now) for number in numbers))
        self.now += MINUTE

    @property
    def is_in_trouble(self) -> bool:
        return self.backfill.state.problem is not None or self.firm.recorder.trouble is not None

    async def numbers(self) -> list[str]:
        """Of the calls in the journal."""
        return sorted((call.values["number"] or "")[-4:] for call in await self.firm.calls())

    async def until_kept(self, made: int) -> None:
        async with asyncio.timeout(30):
            await until(lambda: self.backfill.state.made == made and not self.is_in_trouble)


Away = Callable[[], Any]


@pytest.fixture(params=["locked", "full", pytest.param("stopped", marks=pytest.mark.postgres)])
def fault(request: pytest.FixtureRequest) -> str:
    """What happens to the database."""
    return str(request.param)


@pytest.fixture
def migrated_url(request: pytest.FixtureRequest, fault: str, tmp_path: Path) -> Iterator[str]:
    if fault != "stopped":
        path = tmp_path / "zeoncrm.db"
        path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        yield f"sqlite://{path}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    url = cluster.create_database(template=request.getfixturevalue("postgres_template"))
    cluster.make_lasting(url)
    yield url
    cluster.drop_database(url)


@pytest.fixture
async def office(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(recorder, "LAST_RETRY", 0.05)
    database = Database(migrated_url, busy_seconds=0.05)
    yield Office(database, tmp_path / "Master.csv")
    await database.close()


@pytest.fixture
def away(request: pytest.FixtureRequest, office: Office, fault: str) -> Away:
    """The database is that while the block lasts."""

    @asynccontextmanager
    async def stopped() -> AsyncIterator[None]:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        await asyncio.to_thread(cluster.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(cluster.resume)

    @asynccontextmanager
    async def locked() -> AsyncIterator[None]:
        with held_by_another(office.firm.database):
            yield

    @asynccontextmanager
    async def full() -> AsyncIterator[None]:
        database = office.firm.database
        async with database.read() as connection:
            used = (await connection.execute(sa.text("PRAGMA page_count"))).scalar_one()
        await _room(database, used)
        yield
        await _room(database, 2**30)

    return {"stopped": stopped, "locked": locked, "full": full}[fault]


async def _room(database: Database, pages: int) -> None:
    """As much as SQLite may take of the disk."""
    async with database.write() as tx:
        await tx.connection.execute(sa.text(f"PRAGMA max_page_count = {pages}"))


async def test_records_read_while_the_database_is_away_are_kept_once_it_is_back_and_once(
    office: Office, away: Away
) -> None:
    async with office.open():
        with capture_logs() as logs:
            async with away():
                office.calls_end(*range(1, 80))
                await until(lambda: office.is_in_trouble)
                office.calls_end(*range(80, 100))
            await office.until_kept(99)
            office.calls_end(100)
            await office.until_kept(100)
        assert await office.numbers() == [f"{number:04}" for number in range(1, 101)]
    for event in ("the database takes no calls, they wait", "call records are not read well"):
        assert [entry["event"] for entry in logs].count(event) <= 1, logs
    told = {entry["event"] for entry in logs}
    assert {"the database takes no calls, they wait", "the database takes calls again"} <= told or {
        "call records are not read well",
        "call records are read again",
    } <= told


async def test_a_daemon_that_dies_with_records_in_its_hand_reads_them_again(
    office: Office, away: Away, migrated_url: str
) -> None:
    async with AsyncExitStack() as process:
        await process.enter_async_context(office.open())
        office.calls_end(1)
        await office.until_kept(1)
        async with away():
            office.calls_end(*range(2, 80))
            await until(lambda: office.is_in_trouble)
            await process.aclose()
    database = Database(migrated_url)
    another = Office(database, office.file)
    another.now = office.now
    try:
        async with another.open():
            await another.until_kept(78)
            assert await another.numbers() == [f"{number:04}" for number in range(1, 80)]
    finally:
        await database.close()


# The daemon as a process


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("dies", [False, True], ids=["it lives on", "it is killed meanwhile"])
async def test_calls_of_the_time_when_the_server_was_away_come_from_the_records(
    prepare: Prepare, postgres: PostgresCluster, database_url: str, tmp_path: Path, dies: bool
) -> None:
    postgres.make_lasting(database_url)
    records = tmp_path / "Master.csv"
    async with ScriptedServer() as pbx:
        environ, token = await prepare(pbx.port)
        environ |= {"ZEONCRM_PBX__CDR": f"csv://{records}", "ZEONCRM_PBX__CDR_TIMEZONE": "UTC"}
        daemon = DaemonProcess(environ, token)
        async with daemon:
            session = await pbx.session()
            await session.action("Status")
            await daemon.until("/readyz", lambda ready: ready["pbx"]["main"]["state"] == "up")
            append(records, line(1, datetime.now(UTC) - MINUTE / 3))
            session.close()
            session = await pbx.session()
            await daemon.until("/api/v1/calls", lambda found: found["items"])
            await asyncio.to_thread(postgres.stop)
            try:
                await daemon.logged("the database is away")
                append(records, line(2, datetime.now(UTC) - MINUTE / 4))
                session.close()
                problem = await daemon.logged("call records are not read well")
                assert problem["reason"].startswith("the CRM's own database: ")
                if dies:
                    await daemon.kill()
            finally:
                await asyncio.to_thread(postgres.resume)
            if not dies:
                await daemon.logged("the database is back")
                await _filled(daemon)
        if dies:
            async with DaemonProcess(environ, token) as daemon:
                await _filled(daemon)


async def _filled(daemon: DaemonProcess) -> None:
    calls = await daemon.until("/api/v1/calls", lambda found: len(found["items"]) >= 2)
    assert [call["number"] for call in calls["items"]] == ["+79031110002", "+79031110001"]
    assert {call["source"] for call in calls["items"]} == {"backfilled"}
