"""The schema that migrations make is the one that the queries are written for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from zeoncrm.store import schema
from zeoncrm.store.database import Database
from zeoncrm.store.errors import StoreError
from zeoncrm.store.tables import metadata


def _differences(connection: sa.Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_migrations_make_exactly_the_tables_of_the_metadata(database_url: str) -> None:
    database = Database(database_url)
    assert await schema.upgrade(database) == schema.latest()
    async with database.write() as tx:
        assert await tx.connection.run_sync(_differences) == []
    await database.close()


async def test_the_ids_count_by_themselves_and_hold_64_bits(database: Database) -> None:
    async with database.read() as connection:
        columns = await connection.run_sync(lambda sync: sa.inspect(sync).get_columns("deals"))
    kind = next(str(column["type"]) for column in columns if column["name"] == "id")
    # SQLite's INTEGER has 64 bits, and an INTEGER primary key is the row's number.
    assert kind == ("INTEGER" if database.is_sqlite else "BIGINT")


async def test_upgrading_twice_changes_nothing(database: Database) -> None:
    assert await schema.upgrade(database) == schema.latest()
    async with database.write() as tx:
        assert await schema.current(tx) == schema.latest()


async def test_a_newer_database_is_refused_by_name_of_its_revision(database: Database) -> None:
    async with database.write() as tx:
        await tx.connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer version .*9999.* upgrade the program"):
        await schema.upgrade(database)


async def test_a_database_that_is_away_is_named_without_its_password() -> None:
    away = Database("postgresql://crm:hush-hush@127.0.0.1:1/zeoncrm")
    with pytest.raises(StoreError, match=r"^database postgresql://crm:\*\*\*@127\.0\.0\.1:1/zeoncrm: "):
        await schema.upgrade(away)
    await away.close()


async def test_two_programs_that_upgrade_at_once_both_succeed(database_url: str) -> None:
    both = [Database(database_url), Database(database_url)]
    assert await asyncio.gather(*(schema.upgrade(each) for each in both)) == [schema.latest()] * 2
    for each in both:
        await each.close()
