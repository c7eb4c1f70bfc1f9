"""People, their extensions and outside numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store import settings
from zeoncrm.store.database import Transaction
from zeoncrm.store.sql import new_id
from zeoncrm.store.tables import extensions, outside_numbers, people

_VERSION = "people.version"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as kept. `extensions`: (pbx, number), pbx empty for every PBX; `outside`: E.164."""

    id: int
    login: str
    name: str
    role: str
    password_hash: str | None
    language: str | None
    active: bool
    away: bool
    extensions: tuple[tuple[str, str], ...] = ()
    outside: tuple[str, ...] = ()


async def add(tx: Transaction, *, login: str, name: str, role: str, password_hash: str | None, at: datetime) -> int:
    """Add a person; raises Conflict when the login is taken."""
    result = await tx.connection.execute(
        people.insert().values(
            login=login, name=name, role=role, password_hash=password_hash, active=True, away=False, created_at=at
        )
    )
    await touch(tx)
    return new_id(result)


async def change(tx: Transaction, person_id: int, **values: Any) -> bool:
    """Set columns of a person; False when there is none."""
    result = await tx.connection.execute(people.update().where(people.c.id == person_id).values(**values))
    await touch(tx)
    return bool(result.rowcount)


async def set_extensions(tx: Transaction, person_id: int, numbers: Iterable[str], pbx: str = "") -> None:
    """Replace the person's extensions on a PBX (empty: on all); raises Conflict when one is somebody else's."""
    await tx.connection.execute(extensions.delete().where(extensions.c.person_id == person_id, extensions.c.pbx == pbx))
    rows = [{"person_id": person_id, "pbx": pbx, "number": number} for number in dict.fromkeys(numbers)]
    if rows:
        await tx.connection.execute(extensions.insert(), rows)
    await touch(tx)


async def set_outside(tx: Transaction, person_id: int, numbers: Iterable[tuple[str, str]]) -> None:
    """Replace the person's outside numbers, (E.164, as written); raises Conflict when one is somebody else's."""
    await tx.connection.execute(outside_numbers.delete().where(outside_numbers.c.person_id == person_id))
    rows = [{"person_id": person_id, "number": number, "raw": raw} for number, raw in dict(numbers).items()]
    if rows:
        await tx.connection.execute(outside_numbers.insert(), rows)
    await touch(tx)


async def everyone(connection: AsyncConnection) -> list[PersonRow]:
    """Every person, by name."""
    return await _load(connection, sa.true())


async def by_login(connection: AsyncConnection, login: str) -> PersonRow | None:
    """The person with this login."""
    return _first(await _load(connection, people.c.login == login))


async def by_id(connection: AsyncConnection, person_id: int) -> PersonRow | None:
    """The person with this id."""
    return _first(await _load(connection, people.c.id == person_id))


async def version(connection: AsyncConnection) -> int:
    """A number that rises with each change of people: another process may have made it."""
    return int(await settings.get(connection, _VERSION) or 0)


async def touch(tx: Transaction) -> None:
    """Say that people changed."""
    await settings.put(tx, _VERSION, await version(tx.connection) + 1)


async def _load(connection: AsyncConnection, where: sa.ColumnElement[bool]) -> list[PersonRow]:
    rows = (await connection.execute(people.select().where(where).order_by(people.c.name, people.c.id))).all()
    ids = [row.id for row in rows]
    numbers = await _of(connection, extensions, ids, extensions.c.pbx, extensions.c.number)
    outside = await _of(connection, outside_numbers, ids, outside_numbers.c.number)
    return [
        PersonRow(
            id=row.id,
            login=row.login,
            name=row.name,
            role=row.role,
            password_hash=row.password_hash,
            language=row.language,
            active=row.active,
            away=row.away,
            extensions=tuple((each.pbx, each.number) for each in numbers if each.person_id == row.id),
            outside=tuple(each.number for each in outside if each.person_id == row.id),
        )
        for row in rows
    ]


async def _of(connection: AsyncConnection, table: sa.Table, ids: Sequence[int], *columns: Any) -> Sequence[Any]:
    query = sa.select(table.c.person_id, *columns).where(table.c.person_id.in_(ids)).order_by(table.c.id)
    return (await connection.execute(query)).all()


def _first(rows: list[PersonRow]) -> PersonRow | None:
    return rows[0] if rows else None
