"""The schema that migrations make is the one that the queries are written for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
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


def _migrate_to(connection: sa.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_of_legs_from_before_rings_were_counted_it_is_known_whether_they_rang(database_url: str) -> None:
    database = Database(database_url)
    began = "2026-03-02 12:00:00+00:00"
    async with database.write() as tx:
        await tx.connection.run_sync(_migrate_to, "0001")
        for statement in (
            "INSERT INTO calls (id, pbx, direction, state, started_at, source, partly_heard)"
            f" VALUES ('1', 'main', 'inbound', 'ended', '{began}', 'live', false)",
            f"INSERT INTO legs (call_id, extension, position, rang_at) VALUES ('1', '101', 0, '{began}')",
            "INSERT INTO legs (call_id, extension, position) VALUES ('1', '102', 1)",
        ):
            await tx.connection.execute(sa.text(statement))
    await schema.upgrade(database)
    async with database.read() as connection:
        found = await connection.execute(sa.text("SELECT extension, rings FROM legs ORDER BY extension"))
        assert [tuple(row) for row in found] == [("101", 1), ("102", 0)]
    await database.close()


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
