"""The order in which doctor looks: from what is nearest to the PBXs, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from zeoncrm.config import Config, PbxConfig
from zeoncrm.doctor.agi import examine_agi
from zeoncrm.doctor.database import examine_database
from zeoncrm.doctor.files import file_findings
from zeoncrm.doctor.findings import Finding, problem
from zeoncrm.doctor.pbx import examine_pbx
from zeoncrm.doctor.people import pbx_findings, people_findings
from zeoncrm.doctor.records import examine_records
from zeoncrm.doctor.web import examine_web
from zeoncrm.pipeline.people import Directory

# Seconds for one PBX, whatever it does; its own waits are shorter.
LONGEST = 180.0


async def examine(config: Config, file: Path | None, call: str | None, say: Callable[[Finding], None]) -> None:
    """Say what is found. `file`: where the config is from; `call`: the extension to ring."""
    for finding in file_findings(file, config):
        say(finding)
    read = await examine_database(config.database.url, say)
    people = read or Directory()
    if read is not None:
        for finding in (*people_findings(read), *pbx_findings(read, [pbx.name for pbx in config.pbx])):
            say(finding)
    serving = await examine_web(config.web, say)
    await examine_agi(config, serving=serving, say=say)
    ringing = None if call is None else ringing_pbx(config, people, call)
    for pbx in config.pbx:
        await examine_records(pbx, datetime.now(UTC), say)
        asked = call if pbx is ringing else None
        try:
            async with asyncio.timeout(LONGEST):
                await examine_pbx(pbx, people, config.phones.region, asked, say)
        except TimeoutError:
            say(problem(f"pbx {pbx.name}", "pbx-hangs", f"not done within {LONGEST:g} s"))


def ringing_pbx(config: Config, people: Directory, extension: str) -> PbxConfig | None:
    """The PBX on which somebody has the extension, else the first."""
    owned = (pbx for pbx in config.pbx if people.person_with(extension, pbx.name) is not None)
    return next(owned, next(iter(config.pbx), None))
