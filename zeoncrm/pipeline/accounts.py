"""What people settle for their own log-in: language, password, sessions, API tokens; and an admin for others.

Whatever ends a session or a token says that people changed: open live sockets are looked through then.
"""

from __future__ import annotations

from datetime import datetime

from zeoncrm.pipeline.errors import Invalid, NotFound
from zeoncrm.pipeline.events import PeopleChanged
from zeoncrm.pipeline.passwords import Passwords, new_secret, secret_hash
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import people, sessions
from zeoncrm.store.database import Database


async def set_language(database: Database, viewer: Viewer, language: str | None) -> None:
    """The language to answer in; None: the browser's."""
    async with database.write() as tx:
        await people.change(tx, viewer.id, language=language)
        tx.emit(PeopleChanged(people=frozenset()))


async def change_own_password(
    database: Database, passwords: Passwords, viewer: Viewer, old: str, new: str, *, keep_session: str | None
) -> None:
    """Set another password; every other session of the person ends. `keep_session`: the hash of this one's key.

    Raises:
        Invalid: field `old` when it is wrong, `password` when the new one is too short or too long.
    """
    async with database.read() as connection:
        row = await people.by_id(connection, viewer.id)
    if row is None or not await passwords.matches(row.password_hash, old):
        raise Invalid("old", "this is not your password")
    new_hash = await passwords.hash(new)
    async with database.write() as tx:
        await people.change(tx, viewer.id, password_hash=new_hash)
        await sessions.revoke_all(tx, viewer.id, keep=keep_session)
        tx.emit(PeopleChanged(people=frozenset()))


async def set_password(database: Database, passwords: Passwords, viewer: Viewer, person_id: int, new: str) -> None:
    """Give somebody another password and end their sessions.

    Raises:
        Forbidden: the viewer is no admin. NotFound: no such person. Invalid: field `password`.
    """
    viewer.must_administer()
    new_hash = await passwords.hash(new)
    async with database.write() as tx:
        if not await people.change(tx, person_id, password_hash=new_hash):
            raise NotFound("no such person")
        await sessions.revoke_all(tx, person_id)
        tx.emit(PeopleChanged(people=frozenset()))


async def log_out_everywhere(database: Database, viewer: Viewer) -> None:
    """End every session of the viewer, this one too."""
    async with database.write() as tx:
        await sessions.revoke_all(tx, viewer.id)
        tx.emit(PeopleChanged(people=frozenset()))


async def create_token(database: Database, viewer: Viewer, at: datetime) -> str:
    """A new API token with the viewer's rights: told once, kept as a hash."""
    token = new_secret()
    async with database.write() as tx:
        await sessions.add_token(tx, viewer.id, secret_hash(token), at)
    return token


async def own_tokens(database: Database, viewer: Viewer) -> list[tuple[int, datetime]]:
    """The ids of the viewer's tokens and when they were made, newest first."""
    async with database.read() as connection:
        return await sessions.tokens_of(connection, viewer.id)


async def revoke_token(database: Database, viewer: Viewer, token_id: int, at: datetime) -> None:
    """End one of the viewer's tokens; raises NotFound."""
    async with database.write() as tx:
        if not await sessions.revoke_token(tx, viewer.id, token_id, at):
            raise NotFound("no such token")
        tx.emit(PeopleChanged(people=frozenset()))
