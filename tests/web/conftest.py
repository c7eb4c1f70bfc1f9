"""A running server with its firm, on SQLite; `postgres_world` is the same on PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.passwords import quick_passwords
from tests.postgres import PostgresCluster, database_name
from tests.web.world import World, prepare
from zeoncrm.store.database import Database


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that every test begins with."""
    path = tmp_path_factory.mktemp("web") / "zeoncrm.db"
    asyncio.run(prepare(f"sqlite://{path}"))
    return path


@pytest.fixture(scope="session")
def prepared_postgres(postgres: PostgresCluster) -> Iterator[str]:
    """The same in PostgreSQL: the name of the database to copy."""
    url = postgres.create_database()
    asyncio.run(prepare(url))
    yield database_name(url)
    postgres.drop_database(url)


@pytest.fixture
async def world(prepared_sqlite: Path, tmp_path: Path) -> AsyncIterator[World]:
    """The firm, with its server running."""
    path = tmp_path / "zeoncrm.db"
    shutil.copyfile(prepared_sqlite, path)
    async for running in _running(f"sqlite://{path}"):
        yield running


@pytest.fixture
async def postgres_world(postgres: PostgresCluster, prepared_postgres: str) -> AsyncIterator[World]:
    """The firm on PostgreSQL."""
    url = postgres.create_database(template=prepared_postgres)
    async for running in _running(url):
        yield running
    postgres.drop_database(url)


async def _running(url: str) -> AsyncIterator[World]:
    database, passwords = Database(url), quick_passwords()
    try:
        async with World(database, passwords).running() as world:
            yield world
    finally:
        await database.close()
        passwords.close()
