"""Many queries in one go are part of their transaction like any others."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store import settings
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.errors import Conflict, StoreError
from zeoncrm.store.tables import people


async def value(database: Database, key: str) -> object:
    async with database.read() as connection:
        return await settings.get(connection, key)


async def test_what_is_done_at_once_is_committed_with_the_rest(database: Database) -> None:
    async def work(tx: Transaction) -> str:
        await settings.put(tx, "inside", 1)
        return str(await settings.get(tx.connection, "before"))

    async with database.write() as tx:
        await settings.put(tx, "before", "seen")
        assert await tx.at_once(lambda: work(tx)) == "seen"
        await settings.put(tx, "after", 1)

    assert [await value(database, key) for key in ("before", "inside", "after")] == ["seen", 1, 1]


async def test_what_fails_at_once_undoes_the_whole_transaction(database: Database) -> None:
    async def work(tx: Transaction) -> None:
        await settings.put(tx, "inside", 1)
        raise LookupError("no such thing")

    async def write() -> None:
        async with database.write() as tx:
            await settings.put(tx, "before", 1)
            await tx.at_once(lambda: work(tx))

    with pytest.raises(LookupError):
        await write()

    assert [await value(database, key) for key in ("before", "inside")] == [None, None]


async def test_a_constraint_is_told_as_ever(database: Database) -> None:
    async def work(tx: Transaction) -> None:
        row = people.insert().values(login="anna")
        await tx.connection.execute(row)

    async def write() -> None:
        async with database.write() as tx:
            await tx.at_once(lambda: work(tx))

    with pytest.raises(Conflict):
        await write()

    async with database.write() as tx:
        await settings.put(tx, "next", 1)
    assert await value(database, "next") == 1


async def test_a_cancellation_waits_and_undoes(database: Database) -> None:
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def work(tx: Transaction) -> None:
        loop.call_soon_threadsafe(started.set)
        for number in range(50):
            await settings.put(tx, "inside", number)

    async def write() -> None:
        async with database.write() as tx:
            await tx.at_once(lambda: work(tx))
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await value(database, "inside") is None


async def test_one_statement_is_looked_up_without_a_transaction_and_sees_what_was_committed_last(
    database: Database,
) -> None:
    async def look_up() -> object:
        return await database.look_up(lambda connection: settings.get(connection, "key"))

    for number in range(3):
        async with database.write() as tx:
            await settings.put(tx, "key", number)
        # More at once than there are connections.
        assert await asyncio.gather(*(look_up() for _ in range(10))) == [number] * 10
    assert await value(database, "key") == 2


async def test_what_is_looked_up_can_not_write(database: Database) -> None:
    async def write(connection: AsyncConnection) -> None:
        await connection.execute(people.delete())

    with pytest.raises(StoreError):
        await database.look_up(write)
