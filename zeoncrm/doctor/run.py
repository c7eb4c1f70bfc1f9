"""The order in which doctor looks: from what is nearest to the PBXs, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from zeoncrm.config import Config, PbxConfig
from zeoncrm.doctor.agi import examine_agi
from zeoncrm.doctor.call import ring
from zeoncrm.doctor.database import examine_database
from zeoncrm.doctor.everywhere import Look, Wanted, everywhere_findings, ringing
from zeoncrm.doctor.files import file_findings
from zeoncrm.doctor.findings import Finding, problem
from zeoncrm.doctor.line import Line, line
from zeoncrm.doctor.pbx import Who, examine_pbx
from zeoncrm.doctor.people import pbx_findings, people_findings
from zeoncrm.doctor.records import examine_records
from zeoncrm.doctor.web import examine_web, trouble_findings
from zeoncrm.pipeline.people import Directory

Say = Callable[[Finding], None]

# Seconds for one PBX, whatever it does; its own waits are shorter.
LONGEST = 180.0


async def examine(config: Config, file: Path | None, call: Wanted | None, say: Say) -> None:
    """Say what is found. `file`: where the config is from; `call`: whom to ring at the end."""
    told: list[Finding] = []

    def tell(finding: Finding) -> None:
        told.append(finding)
        say(finding)

    for finding in file_findings(file, config):
        tell(finding)
    people = await _people(config, tell)
    troubles = await examine_web(config.web, tell)
    await examine_agi(config, serving=troubles is not None, say=tell)
    asked = None if call is None else call.extension
    who = Who(people, config.phones.region, asked, several=len(config.pbx) > 1)
    async with contextlib.AsyncExitStack() as lines:
        looks = []
        for pbx in config.pbx:
            await examine_records(pbx, datetime.now(UTC), tell)
            if look := await _looked_at(await lines.enter_async_context(line()), pbx, who, tell):
                looks.append(look)
        away = [pbx.name for pbx in config.pbx if all(look.pbx is not pbx for look in looks)]
        of_all = everywhere_findings(people, looks, away) if who.several else []
        for finding in (*trouble_findings(troubles or (), told), *of_all):
            tell(finding)
        if call is not None:
            await _call(call, ringing(call, people, looks, config.pbx), looks, len(config.pbx), tell)


async def _people(config: Config, say: Say) -> Directory:
    read = await examine_database(config.database.url, say)
    if read is None:
        return Directory()
    for finding in (*people_findings(read), *pbx_findings(read, [pbx.name for pbx in config.pbx])):
        say(finding)
    return read


async def _looked_at(link: Line, pbx: PbxConfig, who: Who, say: Say) -> Look | None:
    try:
        async with asyncio.timeout(LONGEST):
            return await examine_pbx(link, pbx, who, say)
    except TimeoutError:
        say(problem(f"pbx {pbx.name}", "pbx-hangs", f"not done within {LONGEST:g} s"))
    return None


async def _call(call: Wanted, pbx: PbxConfig | None, looks: Sequence[Look], pbxs: int, say: Say) -> None:
    if pbx is None:
        return
    part = Wanted(call.extension, pbx.name).part(pbxs)
    look = next((look for look in looks if look.pbx is pbx), None)
    if look is None:
        say(problem(part, "call-refused", f"not tried: see what is amiss with {pbx.name}"))
    else:
        await ring(look, call.extension, part, say)
