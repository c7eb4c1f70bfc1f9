"""Doctor's look at one scripted PBX, and one at which everything is well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr

from tests.ami.scripted_server import Behaviour
from zeoncrm.config import PbxConfig
from zeoncrm.doctor.call import ring
from zeoncrm.doctor.findings import Finding, State
from zeoncrm.doctor.line import line
from zeoncrm.doctor.pbx import Who, examine_pbx
from zeoncrm.pipeline.people import Directory
from zeoncrm.store.people import PersonRow

WELL = {
    "AST_CONFIG(manager.conf,zeoncrm,read)": "system,call,agent,cdr",
    "AST_CONFIG(manager.conf,zeoncrm,write)": "call,originate",
    "AST_CONFIG(manager.conf,zeoncrm,writetimeout)": "5000",
    "VERSION()": "22.5.1",
    "DIALPLAN_EXISTS(from-internal)": "1",
    "DIALPLAN_EXISTS(from-internal,101,1)": "1",
    "DIALPLAN_EXISTS(from-internal,79123456789,1)": "1",
    "DEVICE_STATE(PJSIP/101)": "NOT_INUSE",
    "PJSIP_AOR(carrier,contact)": "carrier@@1",
    "PJSIP_ENDPOINT(carrier,aors)": "carrier",
}
DEVICES = {"PJSIP/101": "NOT_INUSE", "PJSIP/carrier": "NOT_INUSE"}


def person(login: str, *extensions: tuple[str, str], role: str = "rep", id: int = 1) -> PersonRow:
    """`extensions`: (pbx, number)."""
    return PersonRow(id, login, login.title(), role, None, None, True, False, extensions)


ANNA = Directory.of(1, [person("anna", ("", "101"))])


def well(*, devices: dict[str, str] | None = None, write: str = "call,originate", **given: Any) -> Behaviour:
    """A PBX at which nothing is amiss; `variables` are laid over what Getvar tells there."""
    variables = WELL | given.pop("variables", {})
    defaults = {"clock_ahead": 0.0, "echoes": True}
    return Behaviour(variables=variables, write=write, devices=devices or DEVICES, **(defaults | given))


async def examined(port: int, people: Directory = ANNA, call: str | None = None, **config: Any) -> list[Finding]:
    pbx = PbxConfig(name="main", port=port, username="zeoncrm", secret=SecretStr("s"), **config)
    return await looked_at(pbx, people, call)


async def looked_at(pbx: PbxConfig, people: Directory, call: str | None) -> list[Finding]:
    """What is found at the PBX, and of a test call."""
    found: list[Finding] = []
    async with line() as link:
        look = await examine_pbx(link, pbx, Who(people, "RU", call), found.append)
        if look is not None and call is not None:
            await ring(look, call, f"call {call}", found.append)
    return found


def ids(findings: Sequence[Finding]) -> list[str]:
    """Of what is not ok."""
    return [each.id for each in findings if each.id is not None]


def problems(findings: Sequence[Finding]) -> list[str]:
    return [each.id for each in findings if each.id is not None and each.state is State.PROBLEM]
