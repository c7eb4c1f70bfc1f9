"""The PBX's own call records: whether they can be read, are understood, and in which time zone they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from zeoncrm.ami.cdr.csv_file import CsvFile
from zeoncrm.ami.cdr.sources import CdrError, CdrSource, Reading
from zeoncrm.app import cdr_source
from zeoncrm.config import ConfigError, PbxConfig
from zeoncrm.doctor.findings import Finding, note, ok, problem

Say = Callable[[Finding], None]

SECONDS = 30.0
# How far back records are looked at, where they are asked for by time.
BACK = timedelta(days=7)
# Clocks may differ a little; a zone that is wrong is off by half an hour at least.
AHEAD = timedelta(minutes=10)


async def examine_records(pbx: PbxConfig, now: datetime, say: Say) -> None:
    """Say what the source of call records gives."""
    part = f"pbx {pbx.name}"
    if pbx.cdr is None:
        say(note(part, "cdr-none", "`cdr` names no call records: what happens while zeoncrm is off is not filled in"))
        return
    if pbx.cdr == "ami":
        say(note(part, "cdr-events", "`cdr` is ami: what ends while the link is away is not filled in"))
        return
    try:
        source = cdr_source(pbx, pbx.cdr)
        async with asyncio.timeout(SECONDS):
            reading = await _some(source, now)
            written = await asyncio.to_thread(source.written_at) if isinstance(source, CsvFile) else now
    except (CdrError, ConfigError) as error:
        say(problem(part, "cdr-away", f"call records can't be read: {error}"))
    except TimeoutError:
        say(problem(part, "cdr-away", f"call records: no answer within {SECONDS:g} s"))
    else:
        for finding in record_findings(part, source.name, reading, now, written):
            say(finding)


def record_findings(part: str, name: str, reading: Reading, now: datetime, written: datetime | None) -> list[Finding]:
    """What some of its records tell. `written`: when there was last something new in a file; None: there is no file."""
    ends = [read.row.end for read in reading.records]
    found = []
    if reading.bad:
        text = f"{reading.bad} of {reading.bad + len(ends)} call records are not understood: {reading.why}"
        found.append(problem(part, "cdr-not-understood", text))
    if ends and max(ends) > now + AHEAD:
        shown = max(ends).astimezone(UTC).isoformat(timespec="minutes")
        found.append(problem(part, "cdr-timezone", f"by `cdr_timezone` a call ended in the future: {shown}"))
    if found:
        return found
    if written is None:
        found.append(note(part, "cdr-unwritten", f"call records: {name} is not there yet"))
    elif not ends or written < now - BACK:
        found.append(note(part, "cdr-unwritten", f"call records: {name} has none of the last {BACK.days} days"))
    else:
        found.append(ok(part, f"call records: {name}, {len(ends)} of them looked at"))
    return found


async def _some(source: CdrSource, now: datetime) -> Reading:
    """A file from its beginning, for nothing is known by which to enter it; a table from some days back."""
    mark = {} if isinstance(source, CsvFile) else await source.begin(now - BACK)
    return await source.read(mark)
