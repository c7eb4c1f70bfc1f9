"""Many queries in one go are part of their transaction like any others."""

from __future__ import annotations

import asyncio

import pytest

from zeoncrm.store import settings
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.errors import Conflict
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
