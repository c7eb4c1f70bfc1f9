"""What doctor finds on this machine: config, database, people, web address."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from tests.ami.scripted_server import ScriptedServer
from tests.databases import NOON, held_by_another, sqlite_path, url_of
from tests.doctor.examined import ids, person, problems, well
from tests.nobody import folder_for_all, not_root
from tests.ports import free_port
from zeoncrm.ami.agi import AgiServer
from zeoncrm.config import AgiConfig, Config, DatabaseConfig, PbxConfig, WebConfig
from zeoncrm.doctor.agi import examine_agi
from zeoncrm.doctor.database import FULL, TIGHT, examine_database, room_finding
from zeoncrm.doctor.files import file_findings
from zeoncrm.doctor.findings import Finding, State, json_text
from zeoncrm.doctor.people import pbx_findings, people_findings
from zeoncrm.doctor.records import examine_records
from zeoncrm.doctor.run import examine
from zeoncrm.doctor.web import Trouble, examine_web, trouble_findings
from zeoncrm.pipeline.people import Directory
from zeoncrm.pipeline.routing import Route
from zeoncrm.store import schema
from zeoncrm.store.database import Database

ON_SQLITE = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
PBX = PbxConfig(name="main", username="zeoncrm", secret=SecretStr("s"))


# Config


@pytest.mark.parametrize("mode, found", [(0o640, []), (0o600, []), (0o644, ["config-readable"])])
def test_a_config_with_a_secret_is_not_for_everybody(tmp_path: Path, mode: int, found: list[str]) -> None:
    file = tmp_path / "zeoncrm.toml"
    file.touch()
    file.chmod(mode)
    assert problems(file_findings(file, Config(pbx=[PBX]))) == found


def test_it_is_the_secret_s_file_that_must_be_closed_when_it_has_one(tmp_path: Path) -> None:
    config, secret = tmp_path / "zeoncrm.toml", tmp_path / "secret"
    for file in (config, secret):
        file.touch()
        file.chmod(0o644)
    pbx = PbxConfig(name="main", username="zeoncrm", secret_file=str(secret))
    [found] = [each for each in file_findings(config, Config(pbx=[pbx])) if each.state is State.PROBLEM]
    assert (found.id, str(secret) in found.text) == ("config-readable", True)


def test_a_config_without_a_pbx_is_told() -> None:
    assert problems(file_findings(None, Config())) == ["pbx-none"]


def test_a_folder_of_recordings_that_can_t_be_read_is_told(tmp_path: Path) -> None:
    there = PBX.model_copy(update={"recordings": str(tmp_path)})
    away = PBX.model_copy(update={"recordings": str(tmp_path / "away")})
    assert problems(file_findings(None, Config(pbx=[there]))) == []
    assert problems(file_findings(None, Config(pbx=[away]))) == ["recordings-folder"]


def test_a_folder_in_which_old_recordings_can_t_be_deleted_is_told() -> None:
    with folder_for_all() as folder:
        pbx = PBX.model_copy(update={"recordings": str(folder), "recordings_days": 90, "recordings_delete": True})
        with not_root():
            assert problems(file_findings(None, Config(pbx=[pbx]))) == ["recordings-delete"]
            kept = pbx.model_copy(update={"recordings_delete": False})
            assert problems(file_findings(None, Config(pbx=[kept]))) == []


def test_that_root_asks_is_told() -> None:
    asked = ids(file_findings(None, Config(pbx=[PBX])))
    assert asked == (["run-as-root"] if os.geteuid() == 0 else [])
    if os.geteuid() == 0:
        with not_root():
            assert ids(file_findings(None, Config(pbx=[PBX]))) == []


# Call records

CALL = (
    '"","79031112233","101","from-trunk","","PJSIP/trunk-00000001","PJSIP/101-00000002","Dial","PJSIP/101,20",'
    '"2026-03-02 11:00:00","2026-03-02 11:00:05","2026-03-02 11:01:00",60,55,"ANSWERED","DOCUMENTATION",'
    '"1772449200.1",""\n'
)


async def of_records(source: str | None, zone: str = "UTC") -> list[Finding]:
    found: list[Finding] = []
    await examine_records(PBX.model_copy(update={"cdr": source, "cdr_timezone": zone}), NOON, found.append)
    return found


async def test_call_records_are_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    file.write_text(CALL, encoding="utf-8")
    [found] = await of_records(f"csv://{file}")
    assert (found.id, found.text.endswith("Master.csv, 1 of them looked at")) == (None, True)
    assert ids(await of_records(f"csv://{file}", "America/New_York")) == ["cdr-timezone"]
    file.write_text(CALL + "no record\n", encoding="utf-8")
    assert ids(await of_records(f"csv://{file}")) == ["cdr-not-understood"]


async def test_a_file_of_call_records_to_which_nothing_is_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    [found] = await of_records(f"csv://{file}")
    assert (found.id, found.state, found.text.endswith("is not there yet")) == ("cdr-unwritten", State.NOTE, True)
    file.write_text(CALL, encoding="utf-8")
    os.utime(file, (0, (NOON - timedelta(days=8)).timestamp()))
    assert ids(await of_records(f"csv://{file}")) == ["cdr-unwritten"]
    os.utime(file, (0, (NOON - timedelta(days=6)).timestamp()))
    assert ids(await of_records(f"csv://{file}")) == []


async def test_call_records_that_are_away_or_not_named_are_told(tmp_path: Path) -> None:
    assert ids(await of_records(None)) == ["cdr-none"]
    assert ids(await of_records(f"csv://{tmp_path}/away/Master.csv")) == ["cdr-away"]
    assert ids(await of_records(f"sqlite:///{tmp_path}/away.db")) == ["cdr-away"]
    assert ids(await of_records("postgresql://nobody@127.0.0.1:1/none")) == ["cdr-away"]
    assert ids(await of_records("oracle://nobody@127.0.0.1:1/none")) == ["cdr-away"]


# Database


async def of_database(url: str) -> tuple[list[Finding], Directory | None]:
    found: list[Finding] = []
    return found, await examine_database(url, found.append)


async def test_a_database_of_this_version_gives_its_people(database: Database) -> None:
    found, people = await of_database(url_of(database))
    assert problems(found) == []
    assert people is not None
    assert {row.login for row in people.rows} == {"anna", "boris", "sveta"}


@ON_SQLITE
async def test_a_database_that_somebody_writes_to_is_read_all_the_same(database: Database) -> None:
    with held_by_another(database):
        found, people = await of_database(url_of(database))
    assert (problems(found), people is not None) == ([], True)


async def test_a_look_at_a_sqlite_file_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    found, people = await of_database(f"sqlite:///{tmp_path}/zeoncrm.db")
    assert (ids(found), people, list(tmp_path.iterdir())) == (["database-missing"], None, [])


@pytest.mark.parametrize("url", ["sqlite:////nowhere/zeoncrm.db", "postgresql://nobody@127.0.0.1:1/none"])
async def test_a_database_that_is_away_is_told(url: str) -> None:
    assert problems((await of_database(url))[0]) == ["database-away"]


@ON_SQLITE
async def test_a_database_of_another_version_is_told(database: Database) -> None:
    url, file = url_of(database), sqlite_path(database)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "database-newer" in ids((await of_database(url))[0])


async def test_an_empty_database_is_brought_up_by_the_next_start(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).touch()
    found, people = await of_database(database_url)
    assert (ids(found), people) == (["database-older"], None)


def test_room_is_looked_at() -> None:
    states = [room_finding("/var", free).state for free in (FULL - 1, FULL, TIGHT)]
    assert states == [State.PROBLEM, State.NOTE, State.OK]


# People


def test_an_extension_that_two_people_claim_is_told() -> None:
    people = Directory.of(1, [person("anna", ("", "101")), person("boris", ("main", "101"), ("main", "102"), id=2)])
    found = people_findings(people)
    assert problems(found) == ["extension-claimed-twice"]
    assert "101 is anna's on every PBX, and boris's on main" in found[-1].text


def test_an_extension_on_a_pbx_that_is_not_named_is_told() -> None:
    people = Directory.of(1, [person("anna", ("", "101"), ("main", "102"), ("brnach", "103"))])
    [finding] = pbx_findings(people, ["main", "branch"])
    assert finding.id == "extension-elsewhere"
    assert "103@brnach (anna)" in finding.text


def test_nobody_and_reps_without_a_phone_are_told() -> None:
    assert ids(people_findings(Directory())) == ["people-none"]
    people = Directory.of(1, [person("anna"), person("olga", role="admin", id=2)])
    [noted] = [each for each in people_findings(people) if each.id]
    assert (noted.id, noted.text.endswith(": anna")) == ("person-without-phone", True)


async def test_all_of_it_is_looked_at_whatever_is_amiss_with_some(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/zeoncrm.db"
    database = Database(url)
    await schema.upgrade(database)
    await database.close()
    found: list[Finding] = []
    async with ScriptedServer(well()) as server:
        refused = PBX.model_copy(update={"name": "away", "port": free_port()})
        there = PBX.model_copy(update={"port": server.port})
        config = Config(database=DatabaseConfig(url=url), web=WebConfig(port=free_port()), pbx=[refused, there])
        await examine(config, None, None, found.append)
    assert problems(found) == ["people-none", "pbx-refused"]
    assert "logged in as zeoncrm" in [each.text for each in found if each.part == "pbx main"]


# Web


@asynccontextmanager
async def answering(body: str, metrics: str = "") -> AsyncIterator[int]:
    async def ready(request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    async def counted(request: web.Request) -> web.Response:
        return web.Response(text=metrics)

    app = web.Application()
    app.router.add_get("/metrics", counted)
    app.router.add_get("/readyz", ready)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def of_web(**config: Any) -> list[Finding]:
    found: list[Finding] = []
    await examine_web(WebConfig(**config), found.append)
    return found


UP = {"state": "up", "since": "2026-03-02T12:00:00Z", "reason": None}
LAME = UP | {"reason": "the account lacks write = originate (no click-to-call)"}
DOWN = UP | {"state": "down", "reason": "hung"}


async def test_what_the_daemon_itself_can_t_read_is_told() -> None:
    counted = 'zeoncrm_recordings_trouble{pbx="main"} 1.0\nzeoncrm_cdr_trouble{pbx="main"} 0.0\n'
    async with answering(json.dumps({"database": "ok", "pbx": {"main": UP}}), metrics=counted) as port:
        troubles = await examine_web(WebConfig(port=port), lambda finding: None)
    assert troubles == [Trouble("recordings", "main")]
    [found] = trouble_findings(troubles, [])
    assert (found.id, found.text) == ("daemon-files", "the running daemon has trouble with the recordings of main")
    met = [Finding("pbx main", State.PROBLEM, "", "recordings-folder")]
    assert trouble_findings(troubles, met) == []


@pytest.mark.parametrize(
    "told, found",
    [
        (json.dumps({"database": "ok", "pbx": {"main": UP}}), []),
        (json.dumps({"database": "locked", "pbx": {}}), ["web-not-ready"]),
        (json.dumps({"database": "ok", "pbx": {"main": DOWN, "second": LAME}}), ["link-not-up", "link-not-up"]),
        (json.dumps([]), ["web-not-ours"]),
        ("hello", ["web-not-ours"]),
    ],
)
async def test_what_answers_at_the_address_is_looked_at(told: str, found: list[str]) -> None:
    async with answering(told) as port:
        assert ids(await of_web(port=port)) == found


async def test_a_port_that_is_free_says_that_the_daemon_does_not_run() -> None:
    assert ids(await of_web(port=free_port())) == ["web-not-running"]


async def test_an_address_that_is_not_ours_is_told() -> None:
    assert ids(await of_web(host="192.0.2.1", port=free_port()))[0] in ("web-port", "web-not-ours")


async def test_a_page_in_the_clear_is_noted() -> None:
    assert ids(await of_web(host="0.0.0.0", port=free_port())) == ["web-not-running", "web-in-the-clear"]
    found = await of_web(port=free_port(), public_url="http://crm.invalid")
    assert ids(found) == ["web-not-running", "web-in-the-clear", "public-url"]


async def test_a_public_address_leads_here_or_elsewhere() -> None:
    async with answering(json.dumps({"database": "ok", "pbx": {}})) as port:
        assert ids(await of_web(port=port, public_url=f"http://127.0.0.1:{port}")) == ["public-socket"]
    async with answering("{}") as port:
        assert "public-url" in ids(await of_web(port=free_port(), public_url=f"http://127.0.0.1:{port}"))
    assert "public-url" in ids(await of_web(port=free_port(), public_url=f"https://localhost:{free_port()}"))


# The dialplan's questions


class Nobody:
    async def route(self, number: str, pbx: str = "") -> Route:
        return Route()


async def of_agi(port: int, *, serving: bool = True, pbx: PbxConfig = PBX, networks: list[str]) -> list[Finding]:
    found: list[Finding] = []
    config = Config(pbx=[pbx], agi=AgiConfig(port=port, networks=networks))
    await examine_agi(config, serving=serving, say=found.append)
    return found


async def test_the_dialplan_s_question_is_asked() -> None:
    home = ["127.0.0.0/8"]
    async with AgiServer(Nobody(), ("main",), networks=tuple(home)).serving("127.0.0.1", 0) as address:
        port = int(address.rpartition(":")[2])
        with capture_logs() as logs:
            [found] = await of_agi(port, networks=home)
        assert logs == []
        assert (found.id, "answers the dialplan in" in found.text) == (None, True)
        away = PBX.model_copy(update={"host": "192.0.2.1"})
        assert ids(await of_agi(port, pbx=away, networks=home)) == ["agi-loopback"]
    async with AgiServer(Nobody(), ("main",), networks=("192.0.2.1/32",)).serving("127.0.0.1", 0) as address:
        port = int(address.rpartition(":")[2])
        assert ids(await of_agi(port, networks=["192.0.2.1/32"])) == ["agi-untried"]
        assert ids(await of_agi(port, networks=home)) == ["agi-silent"]


async def test_a_dialplan_that_nobody_answers_is_told_while_the_daemon_runs() -> None:
    assert ids(await of_agi(free_port(), networks=["127.0.0.0/8"])) == ["agi-away"]
    assert await of_agi(free_port(), serving=False, networks=["127.0.0.0/8"]) == []
    assert await of_agi(0, networks=["127.0.0.0/8"]) == []


# JSON


def test_a_machine_gets_the_same() -> None:
    told = json.loads(json_text(file_findings(None, Config(database=DatabaseConfig()))))
    assert told["ok"] is False
    assert told["findings"][1] == {
        "part": "config",
        "state": "problem",
        "text": "no [[pbx]] is named: there is no telephone",
        "id": "pbx-none",
        "remedy": "add a [[pbx]] with name, host, username and secret, or run `zeoncrm init`",
        "see": "docs/operator/problems.md#pbx-none",
    }
