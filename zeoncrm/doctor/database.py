"""The database: whether it is there, of this version, and has room."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from zeoncrm.doctor.findings import Finding, note, ok, problem
from zeoncrm.pipeline.people import Directory, load_directory
from zeoncrm.store.database import Database
from zeoncrm.store.errors import StoreError
from zeoncrm.store.look import DatabaseLook, look_at, sqlite_file

Say = Callable[[Finding], None]

PART = "database"
SECONDS = 15.0
# Below the first nothing more may be written soon; below the second is time to look.
FULL, TIGHT = 100 << 20, 1 << 30


async def examine_database(url: str, say: Say) -> Directory | None:
    """Say how it is; gives the people who are in it, None when it can't be read or is of another version."""
    try:
        file = sqlite_file(url)
        if file is not None:
            if not await asyncio.to_thread(file.exists):
                say(_missing(file))
                return None
            say(_room(file))
        async with asyncio.timeout(SECONDS):
            return await _read(url, say)
    except TimeoutError:
        say(problem(PART, "database-away", f"no answer within {SECONDS:g} s"))
    except (StoreError, OSError) as error:
        say(problem(PART, "database-away", f"it can't be read: {error}"))
    return None


async def _read(url: str, say: Say) -> Directory | None:
    database = Database(url)
    try:
        look = await look_at(database)
        for finding in database_findings(look):
            say(finding)
        return await load_directory(database) if look.current else None
    finally:
        await database.close()


def database_findings(look: DatabaseLook) -> list[Finding]:
    """What a look at it tells."""
    found = []
    if look.newer:
        text = f"{look.engine}: a newer version of zeoncrm made it (revision {look.revision})"
        found.append(problem(PART, "database-newer", text))
    elif not look.current:
        text = "it is empty" if look.revision is None else f"it is of an older version (revision {look.revision})"
        found.append(note(PART, "database-older", f"{look.engine}: {text}; the next start brings it up to date"))
    else:
        found.append(ok(PART, f"{look.engine}, of this version"))
    if look.unwritable is not None:
        found.append(problem(PART, "database-read-only", look.unwritable))
    return found


def _missing(file: Path) -> Finding:
    if file.parent.is_dir():
        return note(PART, "database-missing", f"{file} is not there yet; the first start makes it")
    return problem(PART, "database-away", f"the folder of {file} is not there")


def _room(file: Path) -> Finding:
    free = shutil.disk_usage(file.parent).free
    return room_finding(str(file.parent), free)


def room_finding(folder: str, free: int) -> Finding:
    """`free`: bytes."""
    text = f"{free / (1 << 20):.0f} MB free in {folder}"
    if free < FULL:
        return problem(PART, "disk-full", text)
    return note(PART, "disk-full", text) if free < TIGHT else ok(PART, text)
