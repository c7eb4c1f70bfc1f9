"""Fixtures for all tests: nothing is left behind, and a database of either kind is at hand."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.databases import fill_template
from tests.leaks import descriptors_left, open_descriptors, tasks_left
from tests.mariadb import MariaDb, mariadb
from tests.pbx.accuracy import cases_in, table
from tests.postgres import PostgresCluster, database_name, postgres_cluster
from tests.real import need
from tests.together import SharedTogether
from zeoncrm.store.database import Database


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """How the tests are spread when several run side by side."""
    return SharedTogether(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many of the hard cases were right on the real PBX, before pytest's own last words."""
    lines = table(cases_in(report for reports in terminalreporter.stats.values() for report in reports))
    if lines:
        terminalreporter.section("hard cases that gave the right calls")
        for line in lines:
            terminalreporter.write_line(line)


def _leaks_allowed(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("leaks_allowed") is not None


@pytest.fixture(autouse=True)
def no_descriptor_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a socket, pipe or file open. `leaks_allowed` is for what a wider fixture keeps."""
    before = open_descriptors()
    yield
    if not _leaks_allowed(request) and (left := descriptors_left(before)):
        pytest.fail(f"left open: {', '.join(sorted(target for _, target in left))}", pytrace=False)


@pytest.fixture(autouse=True)
async def no_task_left(request: pytest.FixtureRequest, no_descriptor_left: None) -> AsyncIterator[None]:
    """Fail a test that leaves a task running in its loop. Comes before a test's own fixtures, so ends after them."""
    before = asyncio.all_tasks()
    yield
    if not _leaks_allowed(request) and (left := await tasks_left(before)):
        pytest.fail(f"still running: {', '.join(str(task.get_coro()) for task in left)}", pytrace=False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    """The private PostgreSQL cluster of this test run."""
    need("postgres")
    with postgres_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDb]:
    """The private MariaDB of this test run."""
    need("mariadb")
    with mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresCluster) -> str:
    """The cluster's maintenance database, for tests that make databases of their own."""
    return postgres.url()


@pytest.fixture
def postgres_database_url(postgres: PostgresCluster) -> Iterator[str]:
    """An empty PostgreSQL database, gone after the test."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database; the test runs once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/zeoncrm.db"
    url: str = request.getfixturevalue("postgres_database_url")
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema, the default pipeline and the staff, to be copied."""
    path = tmp_path_factory.mktemp("template") / "zeoncrm.db"
    asyncio.run(fill_template(f"sqlite://{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresCluster) -> str:
    """The same in PostgreSQL: the name of the database to copy."""
    url = postgres.create_database()
    asyncio.run(fill_template(url))
    return database_name(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the schema, the default pipeline and the staff; the test runs once on each engine."""
    if request.param == "sqlite":
        path = tmp_path / "zeoncrm.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite://{path}"
        return
    postgres: PostgresCluster = request.getfixturevalue("postgres")
    url = postgres.create_database(template=request.getfixturevalue("postgres_template"))
    yield url
    postgres.drop_database(url)


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    """Such a database, opened."""
    database = Database(migrated_url)
    yield database
    await database.close()
