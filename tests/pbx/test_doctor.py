"""Doctor at a real Asterisk, with full, least and missing rights, and its test call."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from tests.daemon.process import attempt
from tests.doctor.examined import ids, looked_at, person, problems
from tests.patience import PATIENCE
from tests.pbx.daemon import Daemon
from tests.pbx.lab import EXTENSIONS, Behaviour, Lab
from tests.pbx.roots import RELEASES
from tests.ports import free_port
from zeoncrm.commands.people import opened
from zeoncrm.config import Config, DatabaseConfig, PbxConfig, WebConfig
from zeoncrm.doctor import call as call_module
from zeoncrm.doctor import line as line_module
from zeoncrm.doctor.everywhere import Wanted
from zeoncrm.doctor.findings import Finding
from zeoncrm.doctor.run import examine
from zeoncrm.pipeline.people import Directory, Role, add_person

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", RELEASES, indirect=True),
]

PEOPLE = Directory.of(1, [person(f"rep{number}", ("", number), id=int(number)) for number in EXTENSIONS])


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def phones_are_reachable(lab: Lab) -> None:
    """The PBX works out the states of devices some time after they have registered."""
    for extension in EXTENSIONS:
        async with asyncio.timeout(PATIENCE):
            while await is_away(lab, extension):  # noqa: ASYNC110 - there is nothing to await but time
                await asyncio.sleep(0.05)


async def is_away(lab: Lab, extension: str) -> bool:
    answer = await lab.pbx.client.action("Getvar", Variable=f"DEVICE_STATE(PJSIP/{extension})")
    return answer["Value"] in ("UNAVAILABLE", "INVALID", "UNKNOWN")


async def examined(
    lab: Lab, *, username: str = "zeoncrm", people: Directory = PEOPLE, call: str | None = None, **config: Any
) -> list[Finding]:
    pbx = PbxConfig(name="main", port=lab.pbx.ami_port, username=username, secret=SecretStr(lab.secret), **config)
    return await looked_at(pbx, people, call)


async def called(lab: Lab, does: Coroutine[Any, Any, None], **config: Any) -> list[Finding]:
    """What a test call of 101 finds while somebody does something."""
    doing = asyncio.create_task(does)
    found = await examined(lab, call="101", **config)
    await doing
    return [each for each in found if each.part == "call 101"]


async def test_the_least_rights_are_enough_for_all_that_is_looked_at(lab: Lab) -> None:
    found = await examined(lab)
    assert ids(found) == []
    told = [each.text for each in found]
    assert f"Asterisk {lab.version}." in "\n".join(told)
    phones = f"{len(EXTENSIONS)} of the people's phones are reachable"
    assert {"events come", phones, "lines to the outside: PJSIP/trunk"} <= set(told)


@pytest.mark.parametrize(
    "username, found",
    [
        ("lab", ["rights-too-many"]),
        ("deaf", ["right-read-call", "right-read-agent", "write-timeout"]),
        ("mute", ["right-write-call", "right-write-originate", "rights-unknown"]),
        ("powerless", ["right-write-call", "right-write-originate", "rights-unknown"]),
        ("elsewhere", ["login-refused"]),
        ("nobody", ["login-refused"]),
    ],
)
async def test_an_account_is_told_what_it_lacks(lab: Lab, username: str, found: list[str]) -> None:
    assert ids(await examined(lab, username=username)) == found


async def test_people_and_phones_are_compared(lab: Lab) -> None:
    await lab.unregister("104")
    try:
        people = Directory.of(1, [person("anna", ("", "101"), ("", "104")), person("boris", ("", "199"), id=2)])
        found = {each.id: each.text for each in await examined(lab, people=people)}
    finally:
        await lab.register("104")
    assert set(found) - {None} == {
        "originate-extension", "extension-unknown", "phone-unreachable", "phone-without-person"
    }  # fmt: skip
    assert found["extension-unknown"] == "the PBX has no PJSIP/199"
    assert found["phone-unreachable"].endswith(": 104")
    assert "PJSIP/102" in found["phone-without-person"]


async def test_another_technology_and_a_context_that_is_not_there_are_told(lab: Lab) -> None:
    assert ids(await examined(lab, originate_channel="SIP/{extension}")) == ["originate-channel"]
    assert ids(await examined(lab, originate_context="from-nowhere")) == ["originate-context"]
    assert ids(await examined(lab, dial="e164")) == ["originate-number"]


@pytest.mark.parametrize("template", ["PJSIP/{extension}", "Local/{extension}@from-internal/n"])
async def test_a_phone_rings_is_taken_and_is_hung_up(lab: Lab, template: str) -> None:
    found = await called(lab, lab.answer("101"), originate_channel=template)
    assert ids(found) == []
    assert [each.text.split(" ")[-1] for each in found[1:]] == ["it", "up", "ended"]
    await lab.quiet()


@pytest.mark.parametrize("behaviour, told", [("rejects", "the call was rejected on it"), ("busy", "it is busy")])
async def test_a_phone_that_rejects_or_is_busy_is_told(lab: Lab, behaviour: Behaviour, told: str) -> None:
    await lab.behave("101", behaviour)
    found = await called(lab, asyncio.sleep(0))
    assert told in found[-1].text, found


async def test_a_phone_that_is_away_does_not_ring(lab: Lab) -> None:
    await lab.unregister("101")
    try:
        found = await called(lab, asyncio.sleep(0))
    finally:
        await lab.register("101")
    assert problems(found) == ["call-not-ringing"]
    assert "not registered" in found[-1].text


async def test_a_phone_that_nobody_takes_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_module, "ANSWERS", 1)
    found = await called(lab, lab.rings("101"))
    assert ids(found) == ["call-not-taken"]
    await lab.quiet()


async def test_of_two_pbxs_the_one_that_has_the_phone_is_rung_and_the_other_is_not_blamed(
    lab: Lab, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/zeoncrm.db"
    async with opened(Config(database=DatabaseConfig(url=url))) as database:
        await add_person(
            database, login="anna", name="Anna", role=Role.REP, password_hash=None,
            extensions=["101", "199"], outside=[], region="RU", at=datetime.now(UTC),
        )  # fmt: skip
    there: dict[str, Any] = {"secret": SecretStr(lab.secret), "cdr": "ami"}
    main = PbxConfig(name="main", port=lab.pbx.ami_port, username="zeoncrm", **there)
    branch = PbxConfig(
        name="branch", host=lab.world.host, port=lab.world.ami_port, username="lab", originate_context="talk", **there
    )
    config = Config(database=DatabaseConfig(url=url), web=WebConfig(port=free_port()), pbx=[branch, main])
    found: list[Finding] = []
    answering = asyncio.create_task(lab.answer("101"))
    await examine(config, None, Wanted("101"), found.append)
    await answering
    told = {each.text for each in found if each.part == "people"}
    assert {"on main: 101", "no PBX has a phone for 199 (anna)"} <= told
    assert problems(found) == ["extension-unknown"], found
    assert [each.text for each in found if each.part == "call 101@main"][-1] == "the call has ended"
    await lab.quiet()


async def test_a_pbx_that_hangs_does_not_hold_doctor_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "CONNECT", 0.5)
    process = lab.pbx._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert ids(await examined(lab)) == ["pbx-hangs"]
    finally:
        os.kill(process.pid, signal.SIGCONT)


async def test_it_works_beside_the_daemon_and_does_not_disturb_it(daemon: Daemon, lab: Lab) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ZEONCRM_")}
    config = daemon.folder / "zeoncrm.toml"
    config.chmod(0o640)
    code, printed, errors = await attempt(environ, "--config", str(config), "doctor", "--json")
    told = json.loads(printed)
    assert (code, told["ok"], errors) == (0, True, "")
    assert any("zeoncrm serves at" in each["text"] for each in told["findings"])

    lacking = environ | {"ZEONCRM_PBX__USERNAME": "mute"}
    code, printed, _ = await attempt(lacking, "--config", str(config), "doctor")
    assert code == 1
    assert "problem  pbx main: the account lacks write = originate: no click-to-call" in printed.splitlines()
    assert "\033" not in printed
    assert not [event for event in daemon.events if event["type"].startswith("call.")]
