"""One daemon a database, on PostgreSQL: whatever becomes of the server and of the way to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.postgres import SUPERUSER, PostgresCluster, database_name
from zeoncrm.store import held_server
from zeoncrm.store.engines import driver_url
from zeoncrm.store.errors import StoreError
from zeoncrm.store.held import held
from zeoncrm.store.held_server import ServerHold, Taken

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for here comes at once or never."""
    monkeypatch.setattr(held_server, "PATIENCE", "200ms")
    monkeypatch.setattr(held_server, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(held_server, "LAST_RETRY", 0.05)
    monkeypatch.setattr(held_server, "ANSWER_SECONDS", 1.0)


@asynccontextmanager
async def keeping(url: str) -> AsyncIterator[asyncio.Task[None]]:
    async with held(url) as keep:
        task = asyncio.create_task(keep())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])


async def refused(url: str) -> str:
    with pytest.raises(StoreError) as refusal:
        async with held(url):
            pass
    return str(refusal.value)


async def until_logged(logs: Sequence[Mapping[str, object]], event: str) -> None:
    async with asyncio.timeout(20):
        while all(entry["event"] != event for entry in logs):  # noqa: ASYNC110 - the log has no event of its own
            await asyncio.sleep(0.01)


async def test_a_second_daemon_is_told_who_has_the_database_and_may_have_it_afterwards(
    postgres_database_url: str,
) -> None:
    async with held(postgres_database_url):
        text = await refused(postgres_database_url)
        assert f"/{database_name(postgres_database_url)}?" in text
        assert ": a zeoncrm daemon is using it (process " in text
        assert text.endswith("); stop it first")
    async with held(postgres_database_url):
        pass


async def test_other_databases_are_others(postgres: PostgresCluster, postgres_database_url: str) -> None:
    other = postgres.create_database()
    try:
        async with held(postgres_database_url), held(other):
            pass
    finally:
        postgres.drop_database(other)


async def test_another_schema_is_another_firm_s(postgres_database_url: str) -> None:
    administrator = await asyncpg.connect(postgres_database_url)
    try:
        await administrator.execute("CREATE ROLE firm LOGIN; CREATE SCHEMA firm AUTHORIZATION firm")
        theirs = postgres_database_url.replace(f"user={SUPERUSER}", "user=firm")
        async with held(postgres_database_url), held(theirs):
            await refused(theirs)
    finally:
        await administrator.execute("DROP SCHEMA firm; DROP ROLE firm")
        await administrator.close()


async def test_one_that_is_about_to_go_is_waited_for(
    postgres_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_server, "PATIENCE", "20s")
    first = ServerHold(driver_url(postgres_database_url))
    await first.take()
    second = ServerHold(driver_url(postgres_database_url))
    taking = asyncio.create_task(second.take())
    await asyncio.wait([taking], timeout=0.2)
    assert not taking.done()
    await first.close()
    await taking
    await second.close()


@pytest.mark.parametrize("steps", range(0, 40, 4))
async def test_a_cancellation_at_any_moment_leaves_no_connection_and_no_lock(
    postgres_database_url: str, steps: int
) -> None:
    hold = ServerHold(driver_url(postgres_database_url))
    taking = asyncio.create_task(hold.take())
    for _ in range(steps):
        await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    await hold.close()
    async with held(postgres_database_url):
        pass


async def test_a_server_that_was_away_is_held_again_and_said_once_each(
    postgres: PostgresCluster, postgres_database_url: str
) -> None:
    with capture_logs() as logs:
        async with keeping(postgres_database_url) as task:
            await asyncio.to_thread(postgres.stop)
            try:
                await until_logged(logs, "the database is away")
                assert "database" in await refused(postgres_database_url)
            finally:
                await asyncio.to_thread(postgres.resume)
            await until_logged(logs, "the database is back")
            assert "is using it" in await refused(postgres_database_url)
            assert not task.done()
    assert [entry["event"] for entry in logs] == ["the database is away", "the database is back"]


async def test_a_daemon_that_finds_the_database_taken_when_it_is_back_stops_with_a_word(
    postgres_database_url: str,
) -> None:
    other = await asyncpg.connect(postgres_database_url)
    try:
        async with keeping(postgres_database_url) as task:
            # It waits for the lock, and so has it before the one that loses it can ask again.
            name = "SELECT set_config('application_name', 'zeoncrm daemon c0ffee process 7 on crm2', false)"
            await other.execute(name)
            waiting = asyncio.create_task(other.execute(f"SELECT pg_advisory_lock({held_server._KEY})"))
            await end_connections(postgres_database_url)
            with pytest.raises(
                Taken, match=r"while it was away another .* took it \(process 7 on crm2\): this one stop"
            ):
                await asyncio.wait_for(asyncio.shield(task), 20)
            await waiting
    finally:
        await other.close()


async def end_connections(url: str) -> None:
    """As an administrator does: those of the daemons."""
    administrator = await asyncpg.connect(url)
    try:
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'zeoncrm daemon%' AND application_name NOT LIKE '%crm2'"
            " AND datname = current_database()"
        )
    finally:
        await administrator.close()


@pytest.mark.parametrize("how", ["broken", "silent"])
async def test_its_own_connection_that_the_server_still_believes_in_is_put_away(
    postgres: PostgresCluster, postgres_database_url: str, tmp_path: Path, how: str
) -> None:
    async with relay(postgres, tmp_path) as lose:
        url = f"postgresql:///{database_name(postgres_database_url)}?host={quote(str(tmp_path))}&user={SUPERUSER}"
        with capture_logs() as logs:
            async with keeping(url) as task:
                lose(how)
                await until_logged(logs, "the database is back")
                assert not task.done()
                assert "is using it" in await refused(postgres_database_url)


@asynccontextmanager
async def relay(postgres: PostgresCluster, folder: Path) -> AsyncIterator[Callable[[str], None]]:
    """Another way to the server. What it gives breaks the connections there are, without the server's noticing, or
    lets them pass nothing more."""
    clients: list[asyncio.StreamWriter] = []
    tasks: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(postgres.socket)
        clients.append(writer)
        servers.append(server_writer)
        tasks.add(asyncio.create_task(pipe(reader, server_writer)))
        tasks.add(asyncio.create_task(pipe(server_reader, writer)))

    def lose(how: str) -> None:
        for task in tasks:
            task.cancel()
        while how == "broken" and clients:
            clients.pop().transport.abort()

    servers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_unix_server(accept, folder / postgres.socket.name)
    try:
        yield lose
    finally:
        server.close()
        lose("broken")
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in servers:
            writer.transport.abort()
        await server.wait_closed()
