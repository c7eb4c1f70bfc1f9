"""Somebody else's table of call records: read, never written, in pages, with time-outs.

FreePBX's `cdr` has `calldate` and no `end`, what cdr_adaptive_odbc fills has whatever columns its owner made, and
MikoPBX's `cdr_general` calls them otherwise. There is no primary key to go on by, and perhaps an index of the start:
each question names a span of it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from zeoncrm.store.engines import server_url
from zeoncrm.store.errors import StoreError, translated
from zeoncrm.store.sql import at_most

SECONDS = 20
# No call is longer: a record that ended since a time began at most so long before it.
LONGEST = timedelta(hours=12)
_CHUNK = 200
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "mysql": "mysql+aiomysql",
    "mariadb": "mysql+aiomysql",
}
_WANTED = (
    *("calldate", "start", "answer", "end", "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp"),
    *("lastdata", "duration", "billsec", "disposition", "uniqueid", "linkedid", "sequence", "did"),
    "recordingfile",
)
# What a column is called where it has not Asterisk's own name: by MikoPBX, and in the sample of cdr_sqlite3_custom.
_OTHERWISE = {
    "end": ("endtime",),
    "channel": ("src_chan",),
    "dstchannel": ("dst_chan",),
    "src": ("src_num", "source"),
    "dst": ("dst_num", "destination"),
}
_NEEDED = ("channel", "dstchannel", "disposition")


class CdrTable:
    """The table behind a URL, `?table=` when it is not called `cdr`. Each question has a connection of its own."""

    def __init__(self, url: str) -> None:
        """Raises StoreError for what is no such URL, and for a driver that is not installed."""
        parsed, self._table = _read_url(url)
        self._file = Path(parsed.database.removeprefix("file:")) if parsed.database and _is_sqlite(parsed) else None
        self.name = f"{make_url(url).difference_update_query(['table']).render_as_string()} table {self._table}"
        self._engine = create_async_engine(parsed, poolclass=NullPool, hide_parameters=True, **_options(parsed))

    async def ended_since(self, since: datetime, most: int) -> list[Mapping[str, Any]]:
        """Records whose end is not before this time, by their ends; raises StoreError."""
        async with self._connected() as connection:
            columns = await self._columns(connection)
            begin, end = _start(columns), self._end(columns)
            statement = (
                sa.select(*_selected(columns))
                .select_from(sa.table(self._table))
                .where(begin >= self._bound(begin, since - LONGEST), end >= self._bound(begin, since))
                .order_by(end)
                .limit(at_most(most))
            )
            return [dict(row) for row in (await connection.execute(statement)).mappings()]

    async def of_calls(
        self, linkedids: Collection[str], uniqueids: Collection[str], about: datetime
    ) -> list[Mapping[str, Any]]:
        """The records of these calls that began at most a long call before this time; raises StoreError."""
        async with self._connected() as connection:
            columns = await self._columns(connection)
            name, ids = ("linkedid", linkedids) if "linkedid" in columns and linkedids else ("uniqueid", uniqueids)
            if name not in columns:
                return []
            begin, wanted = _start(columns), sorted(ids)
            found: list[Mapping[str, Any]] = []
            for start in range(0, len(wanted), _CHUNK):
                statement = (
                    sa.select(*_selected(columns))
                    .select_from(sa.table(self._table))
                    .where(
                        begin >= self._bound(begin, about - LONGEST),
                        columns[name].in_(wanted[start : start + _CHUNK]),
                    )
                )
                found += [dict(row) for row in (await connection.execute(statement)).mappings()]
            return found

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        self._check_file()
        try:
            with translated():
                async with asyncio.timeout(SECONDS), self._engine.connect() as connection:
                    await self._restrain(connection)
                    yield connection
        except TimeoutError as error:
            raise StoreError(f"no answer within {SECONDS} s") from error
        except TypeError as error:  # an option that the driver does not have
            raise StoreError(str(error)) from error

    def _check_file(self) -> None:
        """Before a thread of the driver's fails at it."""
        if self._file is not None and not os.access(self._file, os.R_OK):
            raise StoreError("no such file" if not self._file.exists() else "the file may not be read")

    async def _restrain(self, connection: AsyncConnection) -> None:
        """The server itself gives up what takes long, and lets nothing be changed."""
        if connection.dialect.name != "mysql":
            return
        mariadb = getattr(connection.dialect, "is_mariadb", False)
        limit = f"max_statement_time={SECONDS}" if mariadb else f"max_execution_time={SECONDS * 1000}"
        for statement in (f"SET SESSION {limit}", "SET SESSION TRANSACTION READ ONLY"):
            await connection.exec_driver_sql(statement)
        await connection.rollback()

    async def _columns(self, connection: AsyncConnection) -> dict[str, sa.ColumnClause[Any]]:
        """Those of ours that the table has, by Asterisk's names."""
        try:
            found = await connection.run_sync(lambda sync: sa.inspect(sync).get_columns(self._table))
        except sqlalchemy.exc.NoSuchTableError:
            raise StoreError(
                f"there is no table {self._table}: name the one of call records with ?table=NAME"
            ) from None
        # SQLite keeps texts, whatever the column is declared as.
        plain = connection.dialect.name == "sqlite"
        types = {column["name"].lower(): (column["name"], column["type"]) for column in found}
        columns: dict[str, sa.ColumnClause[Any]] = {}
        for name in _WANTED:
            theirs = next((each for each in (name, *_OTHERWISE.get(name, ())) if each in types), None)
            if theirs is not None:
                columns[name] = sa.column(types[theirs][0], sa.String() if plain else types[theirs][1])
        missing = [name for name in _NEEDED if name not in columns]
        if "lastapp" not in columns and "src_chan" not in types:
            missing.append("lastapp")
        if "src" not in columns and "clid" not in columns:
            missing.append("src")
        if "calldate" not in columns and "start" not in columns:
            missing.append("calldate or start")
        if "duration" not in columns and "end" not in columns:
            missing.append("duration or end")
        if missing:
            raise StoreError(f"the table {self._table} has no column {', '.join(missing)}")
        return columns

    def _end(self, columns: Mapping[str, sa.ColumnClause[Any]]) -> sa.ColumnElement[Any]:
        """The end of a record, or what it is from its start and length."""
        if "end" in columns:
            return columns["end"]
        begin, length = _start(columns), columns["duration"]
        match self._engine.dialect.name:
            case "sqlite":
                return sa.func.datetime(begin, sa.literal_column("'+'").concat(length).concat(" seconds"))
            case "mysql":
                return sa.func.timestampadd(sa.text("SECOND"), length, begin, type_=begin.type)
            case _:
                return sa.cast(begin, sa.DateTime) + length * sa.literal_column("interval '1 second'")

    def _bound(self, column: sa.ColumnElement[Any], at: datetime) -> Any:
        """The time as the column has it."""
        if isinstance(column.type, sa.String):
            return at.strftime("%Y-%m-%d %H:%M:%S")
        zoned = isinstance(column.type, sa.DateTime) and column.type.timezone
        return at.astimezone(UTC) if zoned else at.replace(tzinfo=None)


def _selected(columns: Mapping[str, sa.ColumnClause[Any]]) -> list[sa.Label[Any]]:
    return [column.label(name) for name, column in columns.items()]


def _start(columns: Mapping[str, sa.ColumnClause[Any]]) -> sa.ColumnClause[Any]:
    return columns["calldate"] if "calldate" in columns else columns["start"]


def _read_url(text: str) -> tuple[URL, str]:
    try:
        url = make_url(text)
        driver = _DRIVERS[url.get_backend_name()]
    except (sqlalchemy.exc.ArgumentError, KeyError, ValueError) as error:
        raise StoreError("mysql://, postgresql:// or sqlite:/// is expected") from error
    table = url.query.get("table", "cdr")
    url = url.difference_update_query(["table"]).set(drivername=driver)
    if url.get_backend_name() == "mysql" and importlib.util.find_spec("aiomysql") is None:
        raise StoreError("MySQL and MariaDB need a driver: pip install 'zeoncrm[mysql]'")
    if _is_sqlite(url):
        path = "/" + (url.database or "").lstrip("/") if not (url.database or "").startswith(".") else url.database
        url = url.set(database=f"file:{path}").update_query_dict({"mode": "ro", "uri": "true"})
    return (server_url(url) if url.get_backend_name() == "postgresql" else url), str(table)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _options(url: URL) -> dict[str, Any]:
    match url.get_backend_name():
        case "sqlite":
            return {"connect_args": {"timeout": 5}}
        case "mysql":
            return {"connect_args": {"connect_timeout": 10}}
        case _:
            settings = {"default_transaction_read_only": "on", "statement_timeout": f"{SECONDS * 1000}"}
            return {"connect_args": {"timeout": 10, "command_timeout": SECONDS, "server_settings": settings}}
