"""Recordings of calls, and who listened to them. `file` is a name that the PBX gave, `path` lies below its folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.database import Transaction
from zeoncrm.store.sql import at_most, first_call_id, insert_or
from zeoncrm.store.tables import call_aliases, calls, people, recording_accesses, recordings

EXPECTED, READY, EXPIRED, ERASED, DELETED, LOST = "expected", "ready", "expired", "erased", "deleted", "lost"
LONGEST_FILE = 1000
LONGEST_NAME = 255
# A player asks for a file piece by piece: that is one listening.
ONE_LISTENING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Noted:
    """A file that a call is recorded in; `at` in UTC, at or soon after the call's start."""

    call_id: str
    file: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A recording. `seconds` is None when its kind of file does not tell."""

    id: int
    call_id: str
    name: str
    path: str | None
    state: str
    seconds: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """A recording that is not ready yet, of a call that has ended. Times in UTC."""

    id: int
    call_id: str
    file: str
    at: datetime
    pbx: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class UnrecordedRow:
    """A call of which no recording is known, and what Asterisk may have put into a file's name."""

    call_id: str
    pbx: str
    started_at: datetime
    linkedids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccessRow:
    """Somebody listened (`played`) or took a copy (`downloaded`)."""

    name: str | None
    kind: str
    at: datetime


async def note(tx: Transaction, found: Iterable[Noted]) -> None:
    """Keep which files calls are recorded in; a file that is known of its call already changes nothing."""
    rows = [
        {"call_id": each.call_id, "name": name_of(each.file), "file": each.file, "at": each.at, "state": EXPECTED}
        for each in found
        if len(each.file) <= LONGEST_FILE and 0 < len(name_of(each.file)) <= LONGEST_NAME
    ]
    if rows:
        await tx.connection.execute(insert_or(tx.connection, recordings).on_conflict_do_nothing(), rows)


def name_of(file: str) -> str:
    """The last part of a file's name."""
    return file.rstrip("/").rpartition("/")[2]


async def move(tx: Transaction, call_id: str, into: str) -> None:
    """Give a call's recordings to another call, of which it turned out to be a part."""
    known = sa.select(recordings.c.name).where(recordings.c.call_id == into)
    moved = recordings.update().where(recordings.c.call_id == call_id, recordings.c.name.not_in(known))
    await tx.connection.execute(moved.values(call_id=into))


async def ready_of_calls(connection: AsyncConnection, call_ids: Collection[str]) -> dict[str, list[RecordingRow]]:
    """What can be listened to of these calls, in the order in which it was recorded."""
    query = _ROWS.where(recordings.c.call_id.in_(call_ids), recordings.c.state == READY).order_by(recordings.c.id)
    found: dict[str, list[RecordingRow]] = {}
    for row in (await connection.execute(query)).mappings():
        found.setdefault(row["call_id"], []).append(RecordingRow(**row))
    return found


async def one(connection: AsyncConnection, recording_id: int) -> RecordingRow | None:
    """A recording, whatever its state."""
    row = (await connection.execute(_ROWS.where(recordings.c.id == recording_id))).mappings().one_or_none()
    return None if row is None else RecordingRow(**row)


async def expected(connection: AsyncConnection, pbxs: Collection[str], limit: int = 200) -> list[ExpectedRow]:
    """Recordings that are not ready yet though their calls have ended, the newest first."""
    query = (
        sa.select(
            recordings.c.id, recordings.c.call_id, recordings.c.file, recordings.c.at, calls.c.pbx, calls.c.ended_at
        )
        .join(calls, calls.c.id == recordings.c.call_id)
        .where(recordings.c.state == EXPECTED, calls.c.ended_at.is_not(None), calls.c.pbx.in_(pbxs))
        .order_by(recordings.c.at.desc())
        .limit(at_most(limit))
    )
    return [ExpectedRow(**row) for row in (await connection.execute(query)).mappings()]


async def has_files(connection: AsyncConnection, pbx: str, since: datetime, before: datetime) -> bool:
    """Whether a recording of a call that ended in between (UTC) was found and can be listened to, or is expected."""
    query = (
        sa.select(recordings.c.id)
        .join(calls, calls.c.id == recordings.c.call_id)
        .where(recordings.c.state.in_((EXPECTED, READY)), calls.c.pbx == pbx, calls.c.ended_at.between(since, before))
        .limit(1)
    )
    return (await connection.execute(query)).first() is not None


async def expect_again(tx: Transaction, pbxs: Collection[str], since: datetime, limit: int) -> None:
    """Expect the newest of what was given up of calls since then (UTC)."""
    lost = (
        sa.select(recordings.c.id)
        .join(calls, calls.c.id == recordings.c.call_id)
        .where(recordings.c.state == LOST, recordings.c.at >= since, calls.c.pbx.in_(pbxs))
        .order_by(recordings.c.at.desc())
        .limit(at_most(limit))
    )
    await tx.connection.execute(recordings.update().where(recordings.c.id.in_(lost)).values(state=EXPECTED))


async def unrecorded(connection: AsyncConnection, call_ids: Sequence[str]) -> list[UnrecordedRow]:
    """Those of these calls of which no recording is known."""
    known = sa.select(recordings.c.id).where(recordings.c.call_id == calls.c.id).exists()
    query = (
        sa.select(calls.c.id, calls.c.pbx, calls.c.started_at, call_aliases.c.linkedid)
        .join(call_aliases, call_aliases.c.call_id == calls.c.id)
        .where(calls.c.id.in_(call_ids), calls.c.erased.is_(sa.false()), ~known)
    )
    found: dict[str, UnrecordedRow] = {}
    for row in await connection.execute(query):
        before = found.get(row.id)
        linkedids = (*(before.linkedids if before else ()), row.linkedid)
        found[row.id] = UnrecordedRow(row.id, row.pbx, row.started_at, linkedids)
    return list(found.values())


async def answered_without(
    connection: AsyncConnection, pbxs: Collection[str], since: datetime, limit: int = 1000
) -> list[str]:
    """The answered calls since then (UTC) of which no recording is known, the newest first."""
    known = sa.select(recordings.c.id).where(recordings.c.call_id == calls.c.id).exists()
    query = (
        sa.select(calls.c.id)
        .where(
            calls.c.id >= first_call_id(since),
            calls.c.result == "answered",
            calls.c.pbx.in_(pbxs),
            calls.c.erased.is_(sa.false()),
            ~known,
        )
        .order_by(calls.c.id.desc())
        .limit(at_most(limit))
    )
    return list((await connection.execute(query)).scalars())


async def settle(
    tx: Transaction, recording_id: int, state: str, *, path: str | None = None, seconds: int | None = None
) -> None:
    """What became of a recording."""
    changed = recordings.update().where(recordings.c.id == recording_id)
    await tx.connection.execute(changed.values(state=state, path=path, seconds=seconds))


async def expire(tx: Transaction, pbx: str, before: datetime | None) -> None:
    """Let nobody listen to what is older; what is not, again. None: nothing is too old."""
    of_pbx = sa.select(calls.c.id).where(calls.c.id == recordings.c.call_id, calls.c.pbx == pbx).exists()
    if before is not None:
        aged = recordings.update().where(recordings.c.state == READY, recordings.c.at < before, of_pbx)
        await tx.connection.execute(aged.values(state=EXPIRED))
    young = sa.true() if before is None else recordings.c.at >= before
    again = recordings.update().where(recordings.c.state == EXPIRED, young, of_pbx)
    await tx.connection.execute(again.values(state=READY))


async def expired(connection: AsyncConnection, pbx: str, limit: int = 500) -> list[RecordingRow]:
    """What nobody may listen to any more, though its file is still there."""
    query = _ROWS.join(calls, calls.c.id == recordings.c.call_id)
    query = query.where(recordings.c.state == EXPIRED, calls.c.pbx == pbx).order_by(recordings.c.at)
    return [RecordingRow(**row) for row in (await connection.execute(query.limit(at_most(limit)))).mappings()]


async def erase(tx: Transaction, call_ids: Any) -> None:
    """Let nobody listen to what these calls (a query for their ids) were recorded in; of a file that was never found
    nothing stays."""
    of_calls = recordings.c.call_id.in_(call_ids)
    gone = sa.or_(recordings.c.path.is_(None), recordings.c.state.in_((DELETED, LOST)))
    await tx.connection.execute(recordings.delete().where(of_calls, gone))
    await tx.connection.execute(recordings.update().where(of_calls).values(state=ERASED))


async def erased(connection: AsyncConnection, pbx: str) -> list[RecordingRow]:
    """What is of people who were erased, and has not been forgotten yet."""
    query = _ROWS.join(calls, calls.c.id == recordings.c.call_id)
    query = query.where(recordings.c.state == ERASED, calls.c.pbx == pbx)
    return [RecordingRow(**row) for row in (await connection.execute(query)).mappings()]


async def forget(tx: Transaction, ids: Sequence[int]) -> None:
    """Know nothing of these recordings any more: names of files tell numbers."""
    await tx.connection.execute(recordings.delete().where(recordings.c.id.in_(ids)))


async def log_access(tx: Transaction, recording_id: int, person_id: int, kind: str, at: datetime) -> bool:
    """Keep that somebody listened; whether it is news: the pieces of one listening are kept once."""
    last = sa.select(sa.func.max(recording_accesses.c.at)).where(
        recording_accesses.c.recording_id == recording_id,
        recording_accesses.c.person_id == person_id,
        recording_accesses.c.kind == kind,
        recording_accesses.c.at > at - ONE_LISTENING,
    )
    if (await tx.connection.execute(last)).scalar() is not None:
        return False
    values = {"recording_id": recording_id, "person_id": person_id, "kind": kind, "at": at}
    await tx.connection.execute(recording_accesses.insert().values(**values))
    return True


async def accesses(connection: AsyncConnection, recording_id: int, limit: int = 50) -> list[AccessRow]:
    """Who listened, the last one first."""
    query = (
        sa.select(people.c.name, recording_accesses.c.kind, recording_accesses.c.at)
        .select_from(recording_accesses.outerjoin(people, people.c.id == recording_accesses.c.person_id))
        .where(recording_accesses.c.recording_id == recording_id)
        .order_by(recording_accesses.c.at.desc())
        .limit(at_most(limit))
    )
    return [AccessRow(**row) for row in (await connection.execute(query)).mappings()]


_COLUMNS: Mapping[str, Any] = {name: recordings.c[name] for name in RecordingRow.__slots__}
_ROWS = sa.select(*_COLUMNS.values())
