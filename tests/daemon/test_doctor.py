"""`zeoncrm doctor`, as an operator types it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.ami.scripted_server import ScriptedServer
from tests.daemon.conftest import Prepare
from tests.daemon.process import DaemonProcess, attempt, environment, on_terminal
from tests.doctor.examined import well
from zeoncrm.store import people
from zeoncrm.store.database import Database

PBX = '[[pbx]]\nname = "main"\nusername = "zeoncrm"\nsecret = "s"\n'


@pytest.mark.parametrize(
    "text, named",
    [
        (PBX + PBX, "two PBXs have the name 'main'"),
        (PBX.replace('secret = "s"', 'secret_file = "/nowhere"'), "pbx.secret_file: /nowhere"),
        ("[web]\nprot = 1\n", "web.prot: unknown key"),
    ],
)
async def test_a_config_that_can_t_be_used_is_2(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "zeoncrm.toml"
    file.write_text(text, encoding="utf-8")
    environ = {key: value for key, value in environment("", None).items() if not key.startswith("ZEONCRM_")}

    code, printed, errors = await attempt(environ, "--config", str(file), "doctor")

    assert (code, printed, named in errors) == (2, "", True), errors


async def test_what_is_no_extension_is_not_rung(tmp_path: Path) -> None:
    code, _, errors = await attempt(environment(f"sqlite:///{tmp_path}/x.db", None), "doctor", "--call", "SIP/1")

    assert (code, errors.startswith("zeoncrm: --call: ")) == (2, True), errors


async def test_a_problem_is_1_and_a_machine_is_told_the_same(tmp_path: Path) -> None:
    environ = environment(f"sqlite:///{tmp_path}/x.db", None)

    code, printed, _ = await attempt(environ, "doctor")
    json_code, told, errors = await attempt(environ, "doctor", "--json")

    assert (code, json_code, errors) == (1, 1, "")
    assert "docs/operator/problems.md#pbx-none" in printed
    findings = json.loads(told)["findings"]
    assert [each["id"] for each in findings if each["state"] == "problem"] == ["pbx-none"]


async def test_colour_is_for_terminals_alone(tmp_path: Path) -> None:
    environ = environment(f"sqlite:///{tmp_path}/x.db", None)

    _, shown = await asyncio.to_thread(on_terminal, environ, ("doctor",), ())
    _, printed, _ = await attempt(environ, "doctor")

    assert "\033[" in shown
    assert "\033[" not in printed


async def test_a_daemon_that_lacks_a_right_says_so_and_doctor_names_both(prepare: Prepare) -> None:
    lame = well(write="call", variables={"AST_CONFIG(manager.conf,zeoncrm,write)": "call"})
    async with ScriptedServer(lame) as pbx:
        environ, _ = await prepare(pbx.port)
        async with DaemonProcess(environ) as daemon:
            up = await daemon.logged("pbx up")
            port = daemon.address.rpartition(":")[2]
            code, printed, _ = await attempt(environ | {"ZEONCRM_WEB__PORT": port}, "doctor")

    assert up["reason"] == "the account lacks write = originate (no click-to-call)"
    assert code == 1
    assert f"the daemon's link to main is up: {up['reason']}" in printed
    assert "problem  pbx main: the account lacks write = originate: no click-to-call" in printed


async def test_an_extension_that_two_people_claim_is_logged_once_and_told_by_doctor(prepare: Prepare) -> None:
    environ, _ = await prepare(None)
    database = Database(environ["ZEONCRM_DATABASE__URL"])
    try:
        async with database.write() as tx:
            boris = await people.by_login(tx.connection, "boris")
            assert boris is not None
            await people.set_extensions(tx, boris.id, ["101"], pbx="main")
    finally:
        await database.close()

    async with DaemonProcess(environ) as daemon:
        await daemon.logged("serving")
    code, printed, _ = await attempt(environ, "doctor")

    told = [entry for entry in daemon.log if "two people claim" in entry["event"]]
    assert [(each["extension"], each["counts"], each["claims_all"]) for each in told] == [("101", "boris", "anna")]
    assert (code, "101 is anna's on every PBX, and boris's on main" in printed) == (1, True)
