"""Listening to recordings: who may, which file it is, and that it is kept who did."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import structlog

from zeoncrm.pipeline.call_access import may_listen
from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.people import Viewer
from zeoncrm.pipeline.recording_files import Archive, inside, look_for
from zeoncrm.store import calls
from zeoncrm.store import recordings as store
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.recordings import AccessRow, RecordingRow

Archives = Mapping[str, Archive]

log = structlog.get_logger(__name__)


class Access(StrEnum):
    """What somebody did with a recording."""

    PLAYED = "played"
    DOWNLOADED = "downloaded"


@dataclass(frozen=True, slots=True)
class Audio:
    """A recording's file, which lies in the folder of its PBX."""

    row: RecordingRow
    file: Path


async def note_recording(tx: Transaction, call_id: str, file: str, at: datetime) -> None:
    """Keep that a call is recorded in a file that the PBX or its call record names so; its folder may be left out.

    For calls of the call record too. `at`: the call's start, UTC. The file may be known or missing: it is looked for.
    """
    await store.note(tx, [store.Noted(call_id, file, at)])


async def get_recording(database: Database, viewer: Viewer, recording_id: int) -> RecordingRow:
    """A recording that the viewer may listen to now; raises NotFound."""
    return (await _found(database, viewer, recording_id))[0]


async def open_recording(
    database: Database, archives: Archives, viewer: Viewer, recording_id: int, access: Access, at: datetime
) -> Audio:
    """The file of a recording; that the viewer asked for it is kept. Raises NotFound."""
    row, pbx = await _found(database, viewer, recording_id)
    archive = archives.get(pbx)
    file = await asyncio.to_thread(_file, archive.root, row) if archive else None
    if file is None:
        log.warning("a recording's file is missing", recording=recording_id, call=row.call_id)
        raise NotFound("no such recording")
    async with database.write() as tx:
        news = await store.log_access(tx, recording_id, viewer.id, access.value, at)
    if news:
        log.info("a recording was opened", recording=recording_id, call=row.call_id, by=viewer.login, access=access)
    return Audio(row, file)


async def listeners(database: Database, viewer: Viewer, recording_id: int) -> list[AccessRow]:
    """Who listened to a recording: told to those who supervise; raises NotFound."""
    await _found(database, viewer, recording_id)
    if not viewer.sees_all:
        return []
    async with database.read() as connection:
        return await store.accesses(connection, recording_id)


def _file(root: Path, row: RecordingRow) -> Path | None:
    """Where it was found, or where it is now: packed files get another ending."""
    if row.path is None:
        return None
    look = None if (file := inside(root, row.path)) else look_for(root, row.path, row.at)
    return file or (inside(root, look.path) if look else None)


async def _found(database: Database, viewer: Viewer, recording_id: int) -> tuple[RecordingRow, str]:
    async with database.read() as connection:
        row = await store.one(connection, recording_id)
        call = None if row is None else await calls.one(connection, row.call_id, viewer.scope)
    if row is None or call is None or row.state != store.READY or not may_listen(view_of(call), viewer):
        raise NotFound("no such recording")
    return row, call.values["pbx"]
