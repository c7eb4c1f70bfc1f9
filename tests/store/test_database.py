"""Connections and transactions: one writer, readers that can't write, events after the commit and in order."""

from __future__ import annotations

import asyncio
import sqlite3
import traceback
from contextlib import AsyncExitStack, closing

import pytest
import sqlalchemy as sa

from tests.databases import held_by_another, sqlite_path, url_of
from zeoncrm.store import settings
from zeoncrm.store.database import Database
from zeoncrm.store.engines import READERS
from zeoncrm.store.errors import Conflict, StoreError, Unsound
from zeoncrm.store.tables import callers, deals, people

sqlite_only = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


async def _stored(database: Database, key: str = "k") -> object:
    async with database.read() as connection:
        return await settings.get(connection, key)


@pytest.fixture
def published(database: Database) -> list[object]:
    """What was published."""
    heard: list[object] = []
    database.publish = heard.extend
    return heard


# How connections are set up


@sqlite_only
async def test_the_writer_waits_for_the_disk_and_keeps_foreign_keys(database: Database) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    async with database.write() as tx:
        found = {name: (await tx.connection.execute(sa.text(f"PRAGMA {name}"))).scalar_one() for name in wanted}
    assert found == wanted


async def test_a_reader_can_not_write(database: Database) -> None:
    with pytest.raises(StoreError, match=r"readonly|read-only"):
        async with database.read() as connection:
            await connection.execute(sa.text("DELETE FROM settings"))


async def test_a_reader_sees_one_moment(database: Database) -> None:
    async with database.read() as connection:
        assert await settings.get(connection, "k") is None
        async with database.write() as tx:
            await settings.put(tx, "k", 1)
        assert await settings.get(connection, "k") is None
    assert await _stored(database) == 1


async def test_there_is_one_writing_connection_and_transactions_wait_for_one_another(database: Database) -> None:
    order: list[str] = []

    async def write(name: str) -> None:
        async with database.write() as tx:
            order.append(f"{name} begins")
            await settings.put(tx, "k", name)
            await asyncio.sleep(0.001)
            order.append(f"{name} ends")

    await asyncio.gather(*(write(name) for name in "abc"))
    assert order == [f"{name} {part}" for name in "abc" for part in ("begins", "ends")]
    assert database._writer.pool.checkedin() == 1  # type: ignore[attr-defined]


@sqlite_only
async def test_another_program_that_writes_is_waited_for(database: Database) -> None:
    with held_by_another(database):
        writing = asyncio.create_task(_put(database, 1))
        done, _ = await asyncio.wait([writing], timeout=0.05)
        assert not done
    await writing
    assert await _stored(database) == 1


async def _put(database: Database, value: object) -> None:
    async with database.write() as tx:
        await settings.put(tx, "k", value)


async def test_slow_readers_never_keep_the_writer_waiting(database: Database) -> None:
    async with AsyncExitStack() as readers:
        for _ in range(READERS):
            connection = await readers.enter_async_context(database.read())
            await connection.execute(deals.select())
        await asyncio.wait_for(_put(database, 1), timeout=5)
        if database.is_sqlite:
            with closing(sqlite3.connect(sqlite_path(database), timeout=0)) as other:
                other.execute("UPDATE settings SET value = '2' WHERE key = 'k'")
                other.commit()


# What is told


async def test_events_are_published_after_the_commit_in_their_order(database: Database) -> None:
    heard: list[object] = []
    seen: list[object] = []

    def publish(events: object) -> None:
        heard.append(list(events))  # type: ignore[call-overload]
        if database.is_sqlite:
            with closing(sqlite3.connect(sqlite_path(database))) as other:
                seen.extend(row[0] for row in other.execute("SELECT value FROM settings WHERE key = 'k'"))

    database.publish = publish
    for number in (1, 2):
        async with database.write() as tx:
            tx.emit(f"{number}a")
            await settings.put(tx, "k", number)
            tx.emit(f"{number}b")
            assert len(heard) == number - 1
    assert heard == [["1a", "1b"], ["2a", "2b"]]
    # SQLite has no type of its own for JSON.
    assert seen == ([1, 2] if database.is_sqlite else [])


async def test_a_transaction_that_fails_changes_and_tells_nothing(database: Database, published: list[object]) -> None:
    async def fail() -> None:
        async with database.write() as tx:
            await settings.put(tx, "k", 1)
            tx.emit("k is 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert (await _stored(database), published) == (None, [])


@pytest.mark.parametrize("steps", [*range(12), *range(12, 80, 4)])
async def test_a_cancellation_at_any_moment_leaves_nothing_open_and_tells_what_is_committed(
    database: Database, published: list[object], steps: int
) -> None:
    async def write() -> None:
        async with database.write() as tx:
            await settings.put(tx, "k", 1)
            tx.emit("k is 1")

    task = asyncio.create_task(write())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert published == ([] if await _stored(database) is None else ["k is 1"])
    await asyncio.wait_for(_put(database, 2), timeout=5)
    if database.is_sqlite:
        with closing(sqlite3.connect(sqlite_path(database), timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")


@sqlite_only
async def test_a_cancellation_while_another_program_writes_leaves_nothing_open(migrated_url: str) -> None:
    database = Database(migrated_url, busy_seconds=0.05)
    with held_by_another(database):
        task = asyncio.create_task(_put(database, 1))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    await _put(database, 2)
    assert await _stored(database) == 2
    await database.close()


# What goes wrong


@sqlite_only
async def test_a_database_that_another_program_keeps_is_told_as_locked(migrated_url: str) -> None:
    database = Database(migrated_url, busy_seconds=0)
    with held_by_another(database):
        with pytest.raises(StoreError, match="locked"):
            await _put(database, 1)
        with pytest.raises(StoreError, match="locked"):
            await database.check()
        assert await _stored(database) is None
    await _put(database, 1)
    await database.check()
    await database.close()


async def test_a_check_that_takes_too_long_is_told_as_an_error(migrated_url: str) -> None:
    database = Database(migrated_url, busy_seconds=-0.99)
    async with database.write():
        with pytest.raises(StoreError, match="does not answer"):
            await database.check()
    await database.close()


@sqlite_only
async def test_a_check_finds_a_full_disk(database: Database) -> None:
    async def bound(pages: int) -> None:
        async with database.write() as tx:
            await tx.connection.execute(sa.text(f"PRAGMA max_page_count = {pages}"))

    async def fill() -> None:
        for number in range(2_000):
            async with database.write() as tx:
                await settings.put(tx, f"fill.{number}", "x")

    # Until no page has room for one row more.
    await bound(1)
    with pytest.raises(StoreError, match="full"):
        await fill()
    async with database.write() as tx:
        await tx.connection.execute(sa.text("DELETE FROM settings WHERE key = 'health.check'"))
    with pytest.raises(StoreError, match="full"):
        await database.check()
    await bound(2**30)
    await database.check()


async def test_a_constraint_that_refuses_is_a_conflict(database: Database) -> None:
    with pytest.raises(Conflict):
        async with database.write() as tx:
            await tx.connection.execute(callers.insert().values(number="+79031112233", contact_id=999))
    with pytest.raises(Conflict):
        async with database.write() as tx:
            await tx.connection.execute(sa.text("UPDATE people SET login = NULL"))


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("login", ["x" * 500, 5, object()], ids=["too long", "a number", "no value at all"])
async def test_what_a_column_can_not_hold_is_unsound_and_not_an_outage(database: Database, login: object) -> None:
    with pytest.raises(Unsound):
        async with database.write() as tx:
            await tx.connection.execute(sa.update(people).values(login=sa.bindparam("x", login, type_=sa.String)))


async def test_an_error_tells_no_values(database: Database) -> None:
    secret = "the-hash"
    broken = people.insert().values(login="eve", name="Eve", role="rep", password_hash=secret, created_at=5)
    with pytest.raises(StoreError) as raised:
        async with database.write() as tx:
            await tx.connection.execute(broken)
    assert secret not in "".join(traceback.format_exception(raised.value))


async def test_a_table_that_is_missing_now_is_worth_another_try(database: Database) -> None:
    with pytest.raises(StoreError) as raised:
        async with database.read() as connection:
            await connection.execute(sa.text("SELECT * FROM gone"))
    assert not isinstance(raised.value, Unsound)


async def test_a_server_that_is_not_there_is_an_outage(tmp_path: object) -> None:
    database = Database(f"postgresql:///zeoncrm?host={tmp_path}")
    with pytest.raises(StoreError):
        async with database.read():
            pass
    await database.close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/x", "zeoncrm.db", "", "postgresql"]
)
def test_a_url_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(StoreError):
        Database(url)


async def test_a_file_without_a_leading_slash_lies_at_the_root(tmp_path: object) -> None:
    database = Database(f"sqlite:///{str(tmp_path).lstrip('/')}/x.db")
    assert database.url.database == f"{tmp_path}/x.db"
    await database.close()


# What no engine can hold


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "a\udfffb", "\U0001f642", "ж" * 50])
async def test_any_text_is_kept_and_looked_for_alike_on_both_engines(database: Database, text: str) -> None:
    async with database.write() as tx:
        await tx.connection.execute(people.update().where(people.c.login == "anna").values(name=text))
    async with database.read() as connection:
        found = (await connection.execute(sa.select(people.c.login).where(people.c.name == text))).scalars().all()
        kept = (await connection.execute(sa.select(people.c.name).where(people.c.login == "anna"))).scalar_one()
    assert found == ["anna"]
    assert kept == "".join("\ufffd" if letter in "\0\ud800\udfff" else letter for letter in text)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**40])
async def test_an_id_that_no_engine_can_hold_is_no_rows(database: Database, number: int) -> None:
    async with database.read() as connection:
        assert (await connection.execute(deals.select().where(deals.c.id == number))).all() == []


async def test_a_second_program_on_the_same_database_sees_what_is_committed(database: Database) -> None:
    other = Database(url_of(database))
    await _put(database, "ours")
    assert await _stored(other) == "ours"
    await _put(other, "theirs")
    assert await _stored(database) == "theirs"
    await other.close()
