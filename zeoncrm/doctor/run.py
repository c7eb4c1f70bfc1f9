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
from zeoncrm.doctor.web import examine_web
from zeoncrm.pipeline.people import Directory

Say = Callable[[Finding], None]

# Seconds for one PBX, whatever it does; its own waits are shorter.
LONGEST = 180.0


async def examine(config: Config, file: Path | None, call: Wanted | None, say: Say) -> None:
    """Say what is found. `file`: where the config is from; `call`: whom to ring at the end."""
    for finding in file_findings(file, config):
        say(finding)
    read = await examine_database(config.database.url, say)
    people = read or Directory()
    if read is not None:
        for finding in (*people_findings(read), *pbx_findings(read, [pbx.name for pbx in config.pbx])):
            say(finding)
    serving = await examine_web(config.web, say)
    await examine_agi(config, serving=serving, say=say)
    asked = None if call is None else call.extension
    who = Who(people, config.phones.region, asked, several=len(config.pbx) > 1)
    async with contextlib.AsyncExitStack() as lines:
        looks = []
        for pbx in config.pbx:
            await examine_records(pbx, datetime.now(UTC), say)
            if look := await _looked_at(await lines.enter_async_context(line()), pbx, who, say):
                looks.append(look)
        if who.several:
            away = [pbx.name for pbx in config.pbx if all(look.pbx is not pbx for look in looks)]
            for finding in everywhere_findings(people, looks, away):
                say(finding)
        if call is not None:
            await _call(call, ringing(call, people, looks, config.pbx), looks, len(config.pbx), say)


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
