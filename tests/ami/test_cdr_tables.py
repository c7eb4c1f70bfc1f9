"""The tables in which PBXs keep their call records: read in pages, never written, and a bad one costs a clear word."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tests.mariadb import MariaDb
from zeoncrm.ami.cdr.sources import CdrError, Mark
from zeoncrm.ami.cdr.sql_table import SqlTable
from zeoncrm.store.cdr_table import CdrTable
from zeoncrm.store.engines import driver_url
from zeoncrm.store.errors import StoreError

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MOSCOW = timezone(timedelta(hours=3))
BERLIN = ZoneInfo("Europe/Berlin")

# As FreePBX makes it (its MySQL types in the nearest of each engine): no `end`, no key, times of the PBX.
FREEPBX = """CREATE TABLE cdr (calldate timestamp NOT NULL, clid varchar(80), src varchar(80), dst varchar(80),
 dcontext varchar(80), channel varchar(80), dstchannel varchar(80), lastapp varchar(80), lastdata varchar(80),
 duration integer, billsec integer, disposition varchar(45), amaflags integer, accountcode varchar(20),
 uniqueid varchar(32), userfield varchar(255), did varchar(50), recordingfile varchar(255), cnum varchar(80),
 linkedid varchar(32), peeraccount varchar(80), sequence integer)"""
# As somebody may have made it for cdr_adaptive_odbc, with the names that Asterisk's own columns have.
ADAPTIVE = """CREATE TABLE cdr (accountcode varchar(20), src varchar(80), dst varchar(80), dcontext varchar(80),
 clid varchar(80), channel varchar(80), dstchannel varchar(80), lastapp varchar(80), lastdata varchar(80),
 "start" timestamp NOT NULL, answer timestamp, "end" timestamp, duration integer, billsec integer,
 disposition varchar(45), uniqueid varchar(150), linkedid varchar(150))"""


# The sample of cdr_sqlite3_custom.conf, which has no column for either number.
SQLITE_CUSTOM = """CREATE TABLE cdr (AcctId integer PRIMARY KEY, calldate varchar, clid varchar, dcontext varchar,
 channel varchar, dstchannel varchar, lastapp varchar, lastdata varchar, duration varchar, billsec varchar,
 disposition varchar, amaflags varchar, accountcode varchar, uniqueid varchar, userfield varchar, test varchar)"""


class Pbx:
    """The database of a PBX, as the PBX sees it: it may write."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = _engine(url)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.begin() as connection:
            yield connection

    async def make(self, statement: str) -> None:
        if self._engine.dialect.name == "mysql":  # where a timestamp is something else
            statement = statement.replace(" timestamp", " datetime")
        async with self.connected() as connection:
            await connection.execute(sa.text(statement))

    async def note(
        self,
        number: int,
        at: datetime = NOON,
        seconds: int = 10,
        *,
        zone: tzinfo = MOSCOW,
        without: Sequence[str] = (),
        **more: Any,
    ) -> None:
        """A call of so many seconds that began then."""
        local = at.astimezone(zone).replace(tzinfo=None, fold=0)
        row = {
            "src": f"7903111{number:04}",
            "dst": "4952150000",
            "channel": f"PJSIP/trunk-{number:08x}",
            "dstchannel": f"PJSIP/101-{number:08x}",
            "lastapp": "Dial",
            "lastdata": "PJSIP/101,20",
            "duration": seconds,
            "billsec": seconds - 4,
            "disposition": "ANSWERED",
            "uniqueid": f"1772452800.{number}",
            "linkedid": f"1772452800.{number}",
            **more,
        }
        if "start" in more:
            row |= {"start": local, "end": local + timedelta(seconds=seconds), "answer": local + timedelta(seconds=4)}
        else:
            row = {"calldate": local} | row
        if self._engine.dialect.name == "sqlite":
            row = {name: f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value
                   for name, value in row.items()}  # fmt: skip
        row = {name: value for name, value in row.items() if name not in without}
        names, places = ", ".join(f'"{name}"' for name in row), ", ".join(f":{name}" for name in row)
        async with self.connected() as connection:
            await connection.execute(sa.text(f"INSERT INTO cdr ({names}) VALUES ({places})"), row)

    async def close(self) -> None:
        await self._engine.dispose()


def _engine(url: str) -> AsyncEngine:
    return create_async_engine(
        url.replace("mysql:", "mysql+aiomysql:") if url.startswith("mysql:") else driver_url(url)
    )


ENGINES = ["sqlite", *(pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("postgres", "mariadb"))]


@pytest.fixture(params=ENGINES)
async def pbx(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pbx]:
    """Its empty database, of each engine."""
    match request.param:
        case "mariadb":
            server: MariaDb = request.getfixturevalue("mariadb_server")
            name = server.database_name()
            whole = Pbx(server.url())
            await whole.make(f"CREATE DATABASE {name}")
            await whole.close()
            pbx = Pbx(server.url(name))
        case "postgres":
            pbx = Pbx(request.getfixturevalue("postgres_database_url"))
        case _:
            pbx = Pbx(f"sqlite:///{tmp_path}/zeoncrm.db")
    yield pbx
    await pbx.close()


def source(pbx: Pbx, **options: Any) -> SqlTable:
    return SqlTable(CdrTable(pbx.url), MOSCOW, **options)


async def read_all(table: SqlTable, mark: Mark) -> tuple[list[str], Mark]:
    callers, more = [], True
    while more:
        reading = await table.read(mark)
        callers += [read.row.src[-4:] for read in reading.records]
        mark, more = reading.mark, reading.more
    return callers, mark


async def test_the_table_of_freepbx_is_read(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    table = source(pbx)
    mark = await table.begin(NOON)
    await pbx.note(1, NOON - timedelta(hours=1))
    await pbx.note(2, did="4952150007")
    (read,) = (await table.read(mark)).records
    row = read.row
    assert (row.start, row.answer, row.end) == (NOON, NOON + timedelta(seconds=4), NOON + timedelta(seconds=10))
    assert (row.src, row.line, row.linkedid, row.app) == ("79031110002", "4952150007", "1772452800.2", "Dial")


async def test_a_table_that_cdr_adaptive_odbc_fills_is_read(pbx: Pbx) -> None:
    await pbx.make(ADAPTIVE)
    table = source(pbx)
    mark = await table.begin(NOON)
    await pbx.note(1, NOON - timedelta(hours=1), start=None)
    await pbx.note(2, start=None)
    (read,) = (await table.read(mark)).records
    assert (read.row.start, read.row.answer, read.row.end) == (
        *(NOON, NOON + timedelta(seconds=4), NOON + timedelta(seconds=10)),
    )


async def test_a_long_call_is_found_by_its_end(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    table = source(pbx)
    await pbx.note(1, NOON - timedelta(hours=3), seconds=3 * 3600 + 20)
    callers, mark = await read_all(table, await table.begin(NOON))
    assert callers == ["0001"]
    await pbx.note(2, NOON + timedelta(seconds=30))
    # What ended a moment before is read again: records may be written late.
    assert (await read_all(table, mark))[0] == ["0001", "0002"]


async def test_the_other_records_of_a_call_come_with_its_last(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    await pbx.note(1, NOON - timedelta(hours=1), uniqueid="1772452800.7", linkedid="1772452800.5")
    await pbx.note(2, uniqueid="1772452800.8", linkedid="1772452800.5")
    table = source(pbx)
    reading = await table.read(await table.begin(NOON))
    assert [(read.row.src[-4:], read.mark is None) for read in reading.records] == [
        ("0002", False),
        ("0001", True),
    ]


async def test_much_is_read_page_by_page(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    for number in range(12):
        await pbx.note(number, NOON + timedelta(seconds=number // 4))
    table = source(pbx, most_rows=3)
    reading = await table.read(await table.begin(NOON))
    assert reading.more
    callers, _ = await read_all(table, await table.begin(NOON))
    assert sorted(set(callers)) == [f"{number:04}" for number in range(12)]


async def test_nothing_can_be_written_through_it(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    table = CdrTable(pbx.url)
    async with table._connected() as connection:
        with pytest.raises(sa.exc.DBAPIError):
            await connection.execute(sa.text("DELETE FROM cdr"))


@pytest.mark.parametrize("column", ["channel", "disposition", "calldate"])
async def test_a_table_without_a_column_is_named_with_the_column(pbx: Pbx, column: str) -> None:
    await pbx.make(FREEPBX.replace(f" {column} ", f" other_{column} ").replace(f"({column} ", f"(other_{column} "))
    with pytest.raises(CdrError, match=rf"the table cdr has no column .*{column}"):
        await source(pbx).read({"after": NOON.isoformat()})


async def test_a_table_that_is_not_there_is_named(pbx: Pbx) -> None:
    await pbx.make("CREATE TABLE other (id integer)")
    with pytest.raises(CdrError, match=r"no table cdr: .*\?table=NAME"):
        await source(pbx).read({"after": NOON.isoformat()})


async def test_a_database_that_is_away_is_said_without_the_password() -> None:
    table = CdrTable("postgresql://reader:secret@127.0.0.1:1/asterisk")
    with pytest.raises(CdrError, match=r"127.0.0.1:1/asterisk table cdr: ") as error:
        await SqlTable(table, UTC).read({"after": NOON.isoformat()})
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "url, words",
    [
        ("postgresql://127.0.0.1:1/asterisk?sslmode=require", "table cdr: "),
        ("postgresql://127.0.0.1:1/asterisk?sslmod=require", "unexpected keyword argument 'sslmod'"),
        ("mysql://127.0.0.1:1/asterisk?charsett=utf8", "unexpected keyword argument 'charsett'"),
    ],
)
async def test_an_option_that_the_driver_lacks_is_named(url: str, words: str) -> None:
    with pytest.raises(CdrError, match=words):
        await SqlTable(CdrTable(url), UTC).read({"after": NOON.isoformat()})


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(CdrError, match="no such file"):
        await SqlTable(CdrTable(f"sqlite://{tmp_path}/cdr.db"), UTC).read({"after": NOON.isoformat()})
    assert not (tmp_path / "cdr.db").exists()


@pytest.mark.parametrize("url", ["mysql://reader:secret@127.0.0.1/asteriskcdrdb", "mariadb://127.0.0.1/x?table=cdr_2"])
def test_mysql_has_a_driver_and_a_table_may_have_another_name(url: str) -> None:
    table = CdrTable(url)
    assert "secret" not in table.name
    assert table.name.endswith("table cdr_2" if "cdr_2" in url else "asteriskcdrdb table cdr")


def test_on_mysql_the_end_is_worked_out_by_the_server() -> None:
    table = CdrTable("mysql://127.0.0.1/asteriskcdrdb")
    columns: dict[str, sa.ColumnClause[Any]] = {
        "calldate": sa.column("calldate", sa.DateTime()),
        "duration": sa.column("duration", sa.Integer()),
    }
    compiled = str(table._end(columns).compile(dialect=mysql.dialect()))
    assert compiled == "timestampadd(SECOND, duration, calldate)"


@pytest.mark.parametrize("url", ["oracle://x/y", "mysql:", "nothing"])
def test_what_is_no_such_url_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="is expected"):
        CdrTable(url)


async def test_the_place_in_another_source_says_nothing_and_the_watermark_counts(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    await pbx.note(1, NOON - timedelta(hours=1))
    await pbx.note(2)
    mark = {"offset": 700, "print": "c0ffee", "until": NOON.isoformat()}
    assert [read.row.src[-4:] for read in (await source(pbx).read(mark)).records] == ["0002"]


async def test_what_comes_in_the_hour_that_is_there_twice_is_read(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    table = SqlTable(CdrTable(pbx.url), BERLIN)
    # Read until 02:58 in summer time; at 03:00 it is 02:00 again.
    mark = await table.begin(datetime(2026, 10, 25, 0, 58, tzinfo=UTC))
    await pbx.note(1, calldate=datetime.fromisoformat("2026-10-25 02:10"))
    callers, mark = await read_all(table, mark)
    assert callers == ["0001"]
    await pbx.note(2, calldate=datetime.fromisoformat("2026-10-25 03:01"))
    assert "0002" in (await read_all(table, mark))[0]


@pytest.mark.parametrize("shape", [FREEPBX, ADAPTIVE], ids=["freepbx", "adaptive"])
async def test_of_the_hour_that_is_there_twice_each_call_has_its_own_time(pbx: Pbx, shape: str) -> None:
    await pbx.make(shape)
    table = SqlTable(CdrTable(pbx.url), BERLIN, most_rows=3)
    first, second = datetime(2026, 10, 25, 0, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    started = [*(first + timedelta(minutes=number) for number in range(0, 60, 3))]
    started += [*(second + timedelta(minutes=number) for number in range(1, 60, 20))]
    more: dict[str, Any] = {"start": None} if shape is ADAPTIVE else {}
    for number, at in enumerate(started):
        await pbx.note(number, at, zone=BERLIN, uniqueid=f"{at.timestamp():.0f}.{number}", **more)
    found: dict[str, datetime] = {}
    reading = await table.read(await table.begin(first))
    while True:
        found |= {read.row.src[-4:]: read.row.start for read in reading.records}
        if not reading.more:
            break
        reading = await table.read(reading.mark)
    assert found == {f"{number:04}": at for number, at in enumerate(started)}


async def test_a_record_of_a_clock_that_was_wrong_hides_no_later_ones(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    table = SqlTable(CdrTable(pbx.url), MOSCOW, clock=lambda: NOON)
    await pbx.note(1, NOON + timedelta(days=3650))
    _, mark = await read_all(table, await table.begin(NOON))
    await pbx.note(2)
    assert (await read_all(table, mark))[0][0] == "0002"


async def test_a_mark_in_the_future_hides_nothing_that_comes_once_the_clock_or_the_zone_is_right(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    table = SqlTable(CdrTable(pbx.url), MOSCOW, clock=lambda: NOON)
    await pbx.note(1, NOON - timedelta(minutes=1))
    assert (await read_all(table, await table.begin(NOON + timedelta(hours=3))))[0] == ["0001"]


async def test_the_file_of_a_recording_is_told(pbx: Pbx) -> None:
    await pbx.make(FREEPBX)
    await pbx.note(1, recordingfile="in-101.wav")
    (read,) = (await source(pbx).read(await source(pbx).begin(NOON))).records
    assert read.row.recording == "in-101.wav"


async def test_the_sample_of_cdr_sqlite3_custom_is_read_without_columns_for_the_numbers(tmp_path: Path) -> None:
    pbx = Pbx(f"sqlite:///{tmp_path}/master.db")
    await pbx.make(SQLITE_CUSTOM)
    table = source(pbx)
    mark = await table.begin(NOON)
    await pbx.note(1, clid='"Ivan" <79031110001>', without=("src", "dst", "linkedid"))
    (read,) = (await table.read(mark)).records
    assert (read.row.src, read.row.start, read.row.end) == ("79031110001", NOON, NOON + timedelta(seconds=10))
    await pbx.close()
