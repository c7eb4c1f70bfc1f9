"""The command line, as an operator types it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.daemon.process import DaemonProcess, attempt, command, environment, on_terminal

RECORDINGS = Path(__file__).parents[1] / "recordings" / "asterisk22"


@pytest.fixture
def plain() -> dict[str, str]:
    """No configuration at all."""
    return {key: value for key, value in os.environ.items() if not key.startswith("ZEONCRM_")}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return environment(f"sqlite:///{tmp_path}/zeoncrm.db", None)


async def test_a_mistake_in_the_config_stops_with_the_key_s_name_and_2(plain: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[web]\nprot = 1\n", encoding="utf-8")

    code, _, errors = await attempt(plain, "--config", str(tmp_path / "bad.toml"), "serve")

    assert (code, "web.prot" in errors) == (2, True)


async def test_init_writes_a_config_that_serves_and_prints_the_least_rights(
    plain: dict[str, str], tmp_path: Path
) -> None:
    printed = await command(plain, "--config", str(tmp_path / "new.toml"), "init")

    assert "read = system,call,agent,cdr\nwrite = call,originate\nwritetimeout = 5000\n" in printed
    secret = next(line for line in printed.splitlines() if line.startswith("secret = ")).removeprefix("secret = ")
    written = (tmp_path / "new.toml").read_text(encoding="utf-8")
    assert f'secret = "{secret}"' in written
    assert (tmp_path / "new.toml").stat().st_mode & 0o077 == 0
    database = {"ZEONCRM_DATABASE__URL": f"sqlite:///{tmp_path}/x.db"}
    await command(plain | database, "--config", str(tmp_path / "new.toml"), "db", "upgrade")


async def test_a_reader_that_has_seen_enough_gets_no_complaint(environ: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        doctor = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "zeoncrm", "doctor", env=environ, stdout=closed, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await doctor.communicate()

    assert (doctor.returncode, errors) == (1, b"")


async def test_init_leaves_an_existing_file_alone(plain: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text("# mine\n", encoding="utf-8")

    code, _, errors = await attempt(plain, "--config", str(tmp_path / "old.toml"), "init")

    assert (code, "old.toml exists" in errors) == (2, True)
    assert (tmp_path / "old.toml").read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.parametrize(
    "arguments, named",
    [
        (("Anna", "--name", "A", "--role", "rep"), "login"),
        (("anna", "--name", " ", "--role", "rep"), "name"),
        (("anna", "--name", "A", "--role", "rep", "--extension", "PJSIP/1"), "extensions"),
        (("anna", "--name", "A", "--role", "rep", "--outside", "101"), "outside"),
        (("boris", "--name", "B", "--role", "rep"), "login"),
        (("anna", "--name", "A", "--role", "rep", "--extension", "102"), "extensions"),
    ],
)
async def test_a_bad_person_is_refused_by_field(
    environ: dict[str, str], arguments: tuple[str, ...], named: str
) -> None:
    await command(environ, "user", "add", "boris", "--name", "Boris", "--role", "rep", "--extension", "102")

    code, _, errors = await attempt(environ, "user", "add", *arguments)

    assert (code, errors.startswith(f"zeoncrm: {named}: ")) == (2, True), errors


async def test_a_short_password_is_refused(environ: dict[str, str]) -> None:
    code, _, errors = await attempt(
        environ, "user", "add", "anna", "--name", "Anna", "--role", "rep", "--password-stdin", stdin="short\n"
    )

    assert (code, "password" in errors) == (2, True)


async def test_a_token_is_for_somebody(environ: dict[str, str]) -> None:
    code, printed, errors = await attempt(environ, "token", "create", "nobody")

    assert (code, printed, "nobody" in errors) == (1, "", True)


async def test_a_backup_is_restored(environ: dict[str, str], tmp_path: Path) -> None:
    await command(environ, "user", "add", "anna", "--name", "Anna", "--role", "rep")
    await command(environ, "db", "backup", str(tmp_path / "backup.db"))
    await command(environ, "user", "add", "boris", "--name", "Boris", "--role", "rep")

    await command(environ, "db", "restore", str(tmp_path / "backup.db"))

    await command(environ, "token", "create", "anna")
    code, _, _ = await attempt(environ, "token", "create", "boris")
    assert code == 1


async def test_rubbish_is_not_restored(environ: dict[str, str], tmp_path: Path) -> None:
    await command(environ, "user", "add", "anna", "--name", "Anna", "--role", "rep")
    (tmp_path / "rubbish.db").write_bytes(b"no database at all")

    code, _, errors = await attempt(environ, "db", "restore", str(tmp_path / "rubbish.db"))

    assert (code, "no backup" in errors) == (1, True)
    await command(environ, "token", "create", "anna")


async def test_of_two_daemons_on_one_database_the_second_is_refused_and_so_is_a_restore(
    database_url: str, tmp_path: Path
) -> None:
    environ = environment(database_url, None)
    await command(environ, "db", "upgrade")
    await command(environ, "db", "backup", str(tmp_path / "backup.db"))
    async with DaemonProcess(environ):
        second = await attempt(environ, "serve")
        restore = await attempt(environ, "db", "restore", str(tmp_path / "backup.db"))
        await command(environ, "db", "backup", str(tmp_path / "meanwhile.db"))
        await command(environ, "db", "upgrade")
        await command(environ, "user", "add", "anna", "--name", "Anna", "--role", "rep")
        await command(environ, "token", "create", "anna")
    await command(environ, "db", "restore", str(tmp_path / "backup.db"))

    for code, _, errors in (second, restore):
        assert (code, "a zeoncrm daemon is using it" in errors, "Traceback" in errors) == (1, True, False), errors


@pytest.mark.postgres
async def test_a_daemon_whose_database_another_took_while_it_was_away_stops_with_1_and_says_so(
    postgres_database_url: str,
) -> None:
    daemon = DaemonProcess(environment(postgres_database_url, None))
    other = await asyncpg.connect(postgres_database_url)
    try:
        async with daemon:
            # It waits for the lock, and so has it before the daemon that loses it can ask again.
            key = "hashtext('zeoncrm daemon'), hashtext('public')"
            waiting = asyncio.create_task(other.execute(f"SELECT pg_advisory_lock({key})"))
            administrator = await asyncpg.connect(postgres_database_url)
            try:
                await administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'zeoncrm d%'"
                )
            finally:
                await administrator.close()
            await waiting
            failed = await daemon.logged("a part failed")
            await daemon.logged("ended")
    finally:
        await other.close()

    assert (failed["level"], "while it was away another zeoncrm daemon took it" in failed["reason"]) == (
        *("critical", True),
    )
    assert daemon.code == 1
    assert not any("Traceback" in entry["event"] for entry in daemon.log)


async def test_replay_prints_each_call_as_a_line(plain: dict[str, str]) -> None:
    stream = RECORDINGS / "ring_group.ami"

    printed = await command(plain, "replay", str(stream), "--extensions", "101-108", "--region", "RU")

    call = json.loads(printed)
    expected = json.loads(stream.with_suffix(".json").read_text(encoding="utf-8"))["calls"][0]
    assert {leg["extension"]: leg["outcome"] for leg in call["legs"]} == expected.pop("legs")
    assert {key: call[key] for key in expected} == expected


async def test_replay_is_told_of_phones_that_are_not_named_by_their_extension(
    plain: dict[str, str], tmp_path: Path
) -> None:
    stream = tmp_path / "named.ami"
    stream.write_bytes((RECORDINGS / "direct_answered.ami").read_bytes().replace(b"PJSIP/101", b"PJSIP/desk-anna"))

    printed = await command(plain, "replay", str(stream), "--device", "101=PJSIP/desk-anna")

    assert json.loads(printed)["answered_by"] == "101"


async def test_replay_says_when_a_file_holds_no_stream(plain: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Ivan called.\n")

    code, printed, errors = await attempt(plain, "replay", str(tmp_path / "notes.txt"))

    assert (code, printed, "no AMI event" in errors) == (0, "", True)


@pytest.mark.parametrize(
    "arguments, named",
    [
        (("--extensions", "1o1"), "--extensions"),
        (("--outside", "105"), "--outside"),
        (("--device", "101=anna"), "--device"),
        (("--region", "Mars"), "--region"),
    ],
)
async def test_replay_names_a_bad_option(plain: dict[str, str], arguments: tuple[str, ...], named: str) -> None:
    code, _, errors = await attempt(plain, "replay", str(RECORDINGS / "ring_group.ami"), *arguments)

    assert (code, named in errors) == (2, True)


async def test_what_is_created_is_not_for_everybody_to_read(environ: dict[str, str], tmp_path: Path) -> None:
    await command(environ, "db", "upgrade")

    assert (tmp_path / "zeoncrm.db").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("arguments", [("serve",), ("db", "upgrade")])
async def test_a_database_that_can_t_be_opened_is_named(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    path = f"{tmp_path}/nowhere/zeoncrm.db"

    code, _, errors = await attempt(environment(f"sqlite:///{path}", None), *arguments)

    assert (code, f"database {path}: " in errors) == (1, True), errors


@pytest.mark.parametrize("typed, code", [(("long enough", "long enough"), 0), (("long enough", "long enouhg"), 2)])
async def test_a_password_is_typed_twice(environ: dict[str, str], typed: tuple[str, str], code: int) -> None:
    ended, printed = await asyncio.to_thread(
        on_terminal, environ, ("user", "add", "anna", "--name", "A", "--role", "rep"), typed
    )

    assert ended == code, printed
    assert "long" not in printed
