"""Several PBXs, and extensions that are somebody's on each of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.ami.scripted_server import Behaviour, ScriptedServer
from tests.doctor.examined import ANNA, DEVICES, WELL, ids, person, problems, well
from tests.ports import free_port
from zeoncrm.ami.rights import Rights
from zeoncrm.commands.people import opened
from zeoncrm.config import Config, DatabaseConfig, PbxConfig, WebConfig
from zeoncrm.doctor.everywhere import Look, Wanted, everywhere_findings, ringing
from zeoncrm.doctor.findings import Finding
from zeoncrm.doctor.line import Line
from zeoncrm.doctor.people import States
from zeoncrm.doctor.run import examine
from zeoncrm.pipeline.people import Directory, Role, add_person

MAIN = PbxConfig(name="main", username="zeoncrm", secret=SecretStr("s"), cdr="ami")
BRANCH = MAIN.model_copy(update={"name": "branch"})


def looks(main: States, branch: States) -> list[Look]:
    """By Asterisk's words for the devices of extensions."""
    return [Look(pbx, Line(), Rights(), states) for pbx, states in ((MAIN, main), (BRANCH, branch))]


def texts(findings: Sequence[Finding]) -> list[str]:
    return [each.text for each in findings]


def test_an_extension_that_one_pbx_has_is_told_with_that_pbx() -> None:
    people = Directory.of(1, [person("anna", ("", "101"), ("", "105")), person("boris", ("branch", "106"), id=2)])
    both = looks({"101": "NOT_INUSE", "105": "INVALID"}, {"101": "UNAVAILABLE", "105": "NOT_INUSE"})
    assert texts(everywhere_findings(people, both, [])) == ["on branch: 105", "on main and branch: 101"]


def test_an_extension_that_no_pbx_has_is_a_problem() -> None:
    people = Directory.of(1, [person("anna", ("", "105"))])
    nowhere: States = {"105": "INVALID"}
    [found] = everywhere_findings(people, looks(nowhere, nowhere), [])
    assert (found.id, found.text) == ("extension-unknown", "no PBX has a phone for 105 (anna)")
    [found] = everywhere_findings(people, looks(nowhere, nowhere)[:1], ["branch"])
    assert found.text.endswith("; not asked: branch")


def test_what_a_pbx_does_not_tell_is_no_problem() -> None:
    assert everywhere_findings(ANNA, looks({"101": "INVALID"}, {"101": None}), []) == []


@pytest.mark.parametrize(
    "people, main, branch, rung",
    [
        (ANNA, {"101": "INVALID"}, {"101": "NOT_INUSE"}, BRANCH),
        (ANNA, {"101": "UNAVAILABLE"}, {"101": "NOT_INUSE"}, MAIN),
        (ANNA, {"101": "INVALID"}, {"101": "INVALID"}, MAIN),
        (ANNA, {"101": "INVALID"}, {}, BRANCH),
        (Directory.of(1, [person("anna", ("branch", "101"))]), {"101": "INUSE"}, {"101": "INUSE"}, BRANCH),
        (Directory.of(1, [person("anna", ("branch", "101"))]), {}, {}, BRANCH),
        (Directory(), {}, {}, MAIN),
    ],
)
def test_the_call_goes_to_the_pbx_that_has_the_phone(
    people: Directory, main: States, branch: States, rung: PbxConfig
) -> None:
    assert ringing(Wanted("101"), people, looks(main, branch), [MAIN, BRANCH]) is rung
    assert ringing(Wanted("101", "main"), people, looks(main, branch), [MAIN, BRANCH]) is MAIN


async def found_at(tmp_path: Path, main: Behaviour, branch: Behaviour | None, call: Wanted | None) -> list[Finding]:
    """What is found with anna's extension 101 at two PBXs; the second may be away."""
    url = f"sqlite:///{tmp_path}/zeoncrm.db"
    async with opened(Config(database=DatabaseConfig(url=url))) as database:
        await add_person(
            database, login="anna", name="Anna", role=Role.REP, password_hash=None,
            extensions=["101"], outside=[], region="RU", at=datetime.now(UTC),
        )  # fmt: skip
    found: list[Finding] = []
    async with ScriptedServer(main) as one, ScriptedServer(branch or well()) as other:
        ports = (one.port, free_port() if branch is None else other.port)
        pbxs = [pbx.model_copy(update={"port": port}) for pbx, port in zip((MAIN, BRANCH), ports, strict=True)]
        config = Config(database=DatabaseConfig(url=url), web=WebConfig(port=free_port()), pbx=pbxs)
        await examine(config, None, call, found.append)
    return found


WITHOUT_101 = well(
    variables={"DEVICE_STATE(PJSIP/101)": "INVALID", "DIALPLAN_EXISTS(from-internal,101,1)": "0"},
    devices={"PJSIP/carrier": "NOT_INUSE"},
)


async def test_a_pbx_without_the_phone_is_not_blamed_when_the_other_has_it(tmp_path: Path) -> None:
    found = await found_at(tmp_path, WITHOUT_101, well(), None)
    assert problems(found) == []
    assert "on branch: 101" in texts(found)


async def test_the_phone_is_called_where_it_is(tmp_path: Path) -> None:
    found = await found_at(tmp_path, WITHOUT_101, well(write="call"), Wanted("101"))
    assert {each.part for each in found if each.part.startswith("call")} == {"call 101@branch"}


async def test_a_call_on_a_pbx_that_is_away_is_not_tried(tmp_path: Path) -> None:
    found = await found_at(tmp_path, well(), None, Wanted("101", "branch"))
    assert problems(found) == ["pbx-refused", "call-refused"]
    assert found[-1].part == "call 101@branch"


async def test_a_wrong_technology_is_told_once(tmp_path: Path) -> None:
    sip = well(variables={"DEVICE_STATE(PJSIP/101)": "INVALID"}, devices={**DEVICES, "SIP/101": "NOT_INUSE"})
    assert "DEVICE_STATE(PJSIP/101)" in WELL
    found = await found_at(tmp_path, sip, WITHOUT_101, None)
    assert [each for each in ids(found) if each.startswith(("originate", "extension"))] == ["originate-channel"]
