"""Connections and transactions, on SQLite and PostgreSQL alike.

One transaction writes at a time, on both engines: what it emits is published after its commit and before the next
one starts, so that everybody hears of changes in the order in which they were made. Reading takes nothing away from
writing: it has connections of its own.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from zeoncrm.store.at_once import InlineConnection, Work, inline_engine, run_inline
from zeoncrm.store.engines import driver_url, reading_engine, writing_engine
from zeoncrm.store.errors import StoreError, translated
from zeoncrm.store.sql import insert_or
from zeoncrm.store.tables import settings
from zeoncrm.store.unbroken import unbroken

BUSY_SECONDS = 5.0
# Of SQLite: the writer's and the readers', with those that were made anew.
MOST_CONNECTIONS = 8

Publish = Callable[[Sequence[Any]], None]
Result = TypeVar("Result")
Reading = Callable[[AsyncConnection], Coroutine[Any, Any, Result]]


class Transaction:
    """One writing transaction: its connection, and what is to be published once it is committed.

    `when_committed` is called between the commit and the publishing: whoever hears of the change finds it done.
    """

    def __init__(self, connection: AsyncConnection, inline: _Inline | None = None) -> None:
        self.connection = connection
        self.emitted: list[Any] = []
        self.when_committed: Callable[[], None] = lambda: None
        self._inline = inline

    def emit(self, event: Any) -> None:
        """Publish the event after the commit; forget it if the transaction fails."""
        self.emitted.append(event)

    async def at_once(self, work: Work[Result]) -> Result:
        """Run a coroutine that awaits nothing but queries of this transaction, in one go where that is quicker."""
        if self._inline is None:
            return await work()
        return await unbroken(self._inline.write(self, work))


class _Inline:
    """Runs work in the threads of SQLite connections, on those connections."""

    def __init__(self) -> None:
        # Of each connection that is open; those of connections that were closed since are dropped with the next.
        self._engines: dict[sqlite3.Connection, sa.Engine] = {}

    async def write(self, transaction: Transaction, work: Work[Result]) -> Result:
        """Work of a transaction, as part of it."""
        outer = transaction.connection

        def with_it(connection: AsyncConnection) -> Result:
            transaction.connection = connection
            try:
                return run_inline(work)
            finally:
                transaction.connection = outer

        return await self._run(outer, with_it)

    async def read(self, connection: AsyncConnection, read: Reading[Result]) -> Result:
        """One statement on a connection that has not begun anything."""
        return await self._run(connection, lambda inline: run_inline(lambda: read(inline)))

    async def _run(self, outer: AsyncConnection, work: Callable[[AsyncConnection], Result]) -> Result:
        driver: Any = (await outer.get_raw_connection()).driver_connection

        def in_its_thread() -> Result:
            with self._engine_on(driver._conn).connect() as connection:
                return work(cast(AsyncConnection, InlineConnection(connection)))

        result: Result = await driver._execute(in_its_thread)
        return result

    def _engine_on(self, raw: sqlite3.Connection) -> sa.Engine:
        engine = self._engines.get(raw)
        if engine is None:
            if len(self._engines) >= MOST_CONNECTIONS:
                self._engines.clear()
            engine = self._engines[raw] = inline_engine(raw)
        return engine


class Database:
    """The database behind everything: `read()` and `write()` give connections.

    `busy_seconds`: how long to wait for another process that writes to the same SQLite file.
    """

    def __init__(self, url: str, publish: Publish = lambda events: None, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.url = driver_url(url)
        self.publish = publish
        self._busy_seconds = busy_seconds
        self._writing = asyncio.Lock()
        self._writer = writing_engine(self.url, busy_seconds)
        self._reader = reading_engine(self.url, busy_seconds)
        self._inline = _Inline() if self.is_sqlite else None

    @property
    def is_sqlite(self) -> bool:
        """Whether the engine is SQLite, which has exactly one writing connection."""
        return self.url.get_backend_name() == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading: one consistent view, and no way to write.

        Raises:
            StoreError: the database is away, locked, full or broken.
        """
        with translated():
            async with _connected(self._reader) as connection:
                yield connection

    async def look_up(self, read: Reading[Result]) -> Result:
        """What one statement says, as quickly as can be: without a transaction of its own on SQLite, where each step of
        one is a way to another thread and back. Raises as `read`."""
        if self._inline is None:
            async with self.read() as connection:
                return await read(connection)
        with translated():
            async with _connected(self._reader, begun=False) as connection:
                return await self._inline.read(connection, read)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """A transaction that commits when the block ends, and undoes everything when it raises.

        A cancellation that comes during the commit waits for it: what is committed is published, always.

        Raises:
            Conflict: a constraint refused it. StoreError: the database is away, locked, full or broken.
        """
        async with self._writing:
            with translated():
                async with _connected(self._writer) as connection:
                    transaction = Transaction(connection, self._inline)
                    yield transaction
                    await unbroken(self._commit(transaction))

    async def _commit(self, transaction: Transaction) -> None:
        await transaction.connection.commit()
        transaction.when_committed()
        if transaction.emitted:
            self.publish(transaction.emitted)

    async def check(self) -> None:
        """Prove that the database can be read and written; raises StoreError when it can't."""
        try:
            async with asyncio.timeout(self._busy_seconds + 1):
                async with self.write() as tx:
                    # Really written: a full disk takes a transaction that changes nothing.
                    row = insert_or(tx.connection, settings).values(key="health.check", value=secrets.token_hex(4))
                    changed = {"value": row.excluded.value}
                    await tx.connection.execute(row.on_conflict_do_update(index_elements=["key"], set_=changed))
                async with self.read() as connection:
                    await connection.execute(sa.text("SELECT 1"))
        except TimeoutError as error:
            raise StoreError("the database does not answer") from error

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        await self._reader.dispose()


@asynccontextmanager
async def _connected(engine: AsyncEngine, *, begun: bool = True) -> AsyncIterator[AsyncConnection]:
    """A connection, with a transaction `begun` unless one does without, which is undone at the end if it still goes on.

    A cancellation waits while the connection is made, begins or ends: the drivers lose one that is cancelled there,
    with its thread, its file and its lock.
    """
    connection = engine.connect()
    try:
        await unbroken(_begun(connection) if begun else connection.start())
        yield connection
    finally:
        if connection.sync_connection is not None:
            await unbroken(connection.close())


async def _begun(connection: AsyncConnection) -> None:
    await connection.start()
    await connection.begin()
