"""Engines: the connections of one writer and of several readers, set up for each kind of database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from zeoncrm.store.errors import StoreError

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
# What a PostgreSQL URL may say after its `?`, in libpq's words, which `pg_dump` knows too.
_OPTIONS = frozenset({"host", "port", "user", "password", "passfile", "sslmode", "target_session_attrs", "krbsrvname"})
READERS = 4
# A statement that takes longer than any of ours does: the server or the way to it is gone. And compiling one takes
# longer than any of ours.
SERVER: dict[str, Any] = {"timeout": 10, "command_timeout": 60, "server_settings": {"jit": "off"}}
# Errors reach the log, and values are names, numbers and hashes of passwords.
DISCREET: dict[str, Any] = {"hide_parameters": True}


def driver_url(text: str) -> URL:
    """The URL in the config file's form, with our driver; raises StoreError when it is none.

    Of PostgreSQL it is to be handed to `server_url` for a connection.
    """
    try:
        url = make_url(text)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        raise StoreError("not the URL of a database") from error
    driver = DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise StoreError(f"unknown database {url.get_backend_name()!r}: sqlite or postgresql")
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database.startswith(":"):
            raise StoreError("a database in memory can't be shared by readers and a writer: name a file")
        # `sqlite:///var/lib/x.db` means the absolute path: a daemon has no folder of its own.
        if not url.database.startswith(("/", ".")):
            url = url.set(database="/" + url.database)
    else:
        url = _with_known_options(url)
    return url.set(drivername=driver)


def server_url(url: URL) -> URL:
    """The same in the words of PostgreSQL's driver, which calls the mode of encryption otherwise."""
    mode = url.query.get("sslmode")
    return url if mode is None else url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def _with_known_options(url: URL) -> URL:
    if (mode := url.query.get("ssl")) is not None:
        url = url.difference_update_query(["ssl"]).update_query_dict({"sslmode": mode})
    unknown = sorted(url.query.keys() - _OPTIONS)
    if unknown:
        raise StoreError(f"unknown option {unknown[0]!r} in the URL: {', '.join(sorted(_OPTIONS))} are known")
    return url


def writing_engine(url: URL, busy_seconds: float) -> AsyncEngine:
    """One connection. On SQLite a transaction takes the right to write as it begins, waiting `busy_seconds` for it."""
    if url.get_backend_name() != "sqlite":
        return create_async_engine(
            server_url(url), pool_size=1, max_overflow=0, pool_pre_ping=True, connect_args=dict(SERVER), **DISCREET
        )
    engine = create_async_engine(url, pool_size=1, max_overflow=0, connect_args={"timeout": busy_seconds}, **DISCREET)
    _begin_with(engine, "BEGIN IMMEDIATE")
    _on_connect(engine, "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
    return engine


def reading_engine(url: URL, busy_seconds: float) -> AsyncEngine:
    """Connections that can't write, and see through one transaction what was there when it began."""
    if url.get_backend_name() != "sqlite":
        engine = create_async_engine(
            server_url(url),
            pool_size=READERS,
            max_overflow=READERS,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ",
            connect_args=dict(SERVER),
            **DISCREET,
        )
        return engine.execution_options(postgresql_readonly=True)
    engine = create_async_engine(
        url, pool_size=READERS, max_overflow=0, connect_args={"timeout": busy_seconds}, **DISCREET
    )
    _begin_with(engine, "BEGIN")
    _on_connect(engine, "query_only=ON")
    return engine


def _begin_with(engine: AsyncEngine, statement: str) -> None:
    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(statement)


def _on_connect(engine: AsyncEngine, *pragmas: str) -> None:
    @sa.event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling would start them late and silently; ours begin where SQLAlchemy says.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
