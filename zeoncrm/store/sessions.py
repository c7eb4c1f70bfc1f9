"""Log-in sessions and API tokens. Keys and tokens are kept as SHA-256 hashes only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.database import Transaction
from zeoncrm.store.sql import insert_or
from zeoncrm.store.tables import api_tokens, people, sessions


@dataclass(frozen=True, slots=True)
class Holder:
    """The active person who proves themselves with a session or a token."""

    id: int
    login: str
    name: str
    role: str
    language: str | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as kept; `person_id` is None before the log-in. `holder`: the person, while active."""

    key_hash: str
    person_id: int | None
    data: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    holder: Holder | None = None


async def load(connection: AsyncConnection, key_hash: str, now: datetime) -> SessionRow | None:
    """The session, unless it is unknown, over or revoked."""
    query = (
        sa.select(sessions, *_HOLDER)
        .outerjoin(people, sa.and_(people.c.id == sessions.c.person_id, people.c.active))
        .where(sessions.c.key_hash == key_hash, sessions.c.expires_at > now)
    )
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    return SessionRow(row.key_hash, row.person_id, row.data, row.created_at, row.expires_at, _holder(row))


async def save(tx: Transaction, session: SessionRow, address: str | None) -> None:
    """Add or update a session."""
    statement = insert_or(tx.connection, sessions).values(
        key_hash=session.key_hash,
        person_id=session.person_id,
        data=session.data,
        address=address,
        created_at=session.created_at,
        expires_at=session.expires_at,
    )
    changed = {name: statement.excluded[name] for name in ("person_id", "data", "expires_at")}
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=["key_hash"], set_=changed))


async def revoke(tx: Transaction, key_hash: str) -> None:
    """End one session."""
    await tx.connection.execute(sessions.delete().where(sessions.c.key_hash == key_hash))


async def revoke_all(tx: Transaction, person_id: int, keep: str | None = None) -> int:
    """End every session of a person, but for the one to keep; give how many."""
    where = [sessions.c.person_id == person_id]
    if keep is not None:
        where.append(sessions.c.key_hash != keep)
    return int((await tx.connection.execute(sessions.delete().where(*where))).rowcount)


async def forget_expired(tx: Transaction, now: datetime) -> None:
    """Remove what is over."""
    await tx.connection.execute(sessions.delete().where(sessions.c.expires_at <= now))


async def add_token(tx: Transaction, person_id: int, token_hash: str, at: datetime) -> None:
    """Keep a new API token."""
    await tx.connection.execute(api_tokens.insert().values(person_id=person_id, token_hash=token_hash, created_at=at))


async def token_holder(connection: AsyncConnection, token_hash: str) -> Holder | None:
    """The active person whose token this is."""
    query = (
        sa.select(*_HOLDER)
        .join(api_tokens, people.c.id == api_tokens.c.person_id)
        .where(api_tokens.c.token_hash == token_hash, api_tokens.c.revoked_at.is_(None), people.c.active)
    )
    row = (await connection.execute(query)).first()
    return None if row is None else _holder(row)


async def tokens_of(connection: AsyncConnection, person_id: int) -> list[tuple[int, datetime]]:
    """The ids of a person's valid tokens and when they were made (UTC), newest first."""
    query = (
        sa.select(api_tokens.c.id, api_tokens.c.created_at)
        .where(api_tokens.c.person_id == person_id, api_tokens.c.revoked_at.is_(None))
        .order_by(api_tokens.c.id.desc())
    )
    return [(row.id, row.created_at) for row in await connection.execute(query)]


async def revoke_token(tx: Transaction, person_id: int, token_id: int, at: datetime) -> bool:
    """End one of a person's tokens; False when there is no such."""
    query = api_tokens.update().where(
        api_tokens.c.id == token_id, api_tokens.c.person_id == person_id, api_tokens.c.revoked_at.is_(None)
    )
    return bool((await tx.connection.execute(query.values(revoked_at=at))).rowcount)


_HOLDER = (
    people.c.id.label("holder_id"),
    people.c.login.label("holder_login"),
    people.c.name.label("holder_name"),
    people.c.role.label("holder_role"),
    people.c.language.label("holder_language"),
)


def _holder(row: Any) -> Holder | None:
    if row.holder_id is None:
        return None
    return Holder(row.holder_id, row.holder_login, row.holder_name, row.holder_role, row.holder_language)
