"""`zeoncrm user` and `zeoncrm token`."""

from __future__ import annotations

import getpass
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from zeoncrm.config import Config
from zeoncrm.pipeline.errors import Invalid, NotFound
from zeoncrm.pipeline.passwords import Passwords, new_secret, secret_hash
from zeoncrm.pipeline.people import Role, add_person
from zeoncrm.pipeline.stages import ensure_default_pipeline
from zeoncrm.store import people, schema, sessions
from zeoncrm.store.database import Database


async def add_user(
    config: Config,
    *,
    login: str,
    name: str,
    role: Role,
    extensions: Sequence[str],
    outside: Sequence[str],
    password_stdin: bool,
) -> int:
    """Add a person. Without a password they can't log in; an API token works all the same."""
    password = _password(password_stdin)
    passwords = Passwords()
    try:
        password_hash = None if password is None else await passwords.hash(password)
    finally:
        passwords.close()
    async with opened(config) as database:
        await add_person(
            database,
            login=login,
            name=name,
            role=role,
            password_hash=password_hash,
            extensions=extensions,
            outside=outside,
            region=config.phones.region,
            at=datetime.now(UTC),
        )
    print(f"added {login}" + ("" if password_hash else ", without a password"), file=sys.stderr)
    return 0


async def create_token(config: Config, login: str) -> int:
    """Print a token with the person's rights; only its hash is kept."""
    token = new_secret()
    async with opened(config) as database, database.write() as tx:
        person = await people.by_login(tx.connection, login)
        if person is None or not person.active:
            raise NotFound(f"nobody active has the login {login}")
        await sessions.add_token(tx, person.id, secret_hash(token), datetime.now(UTC))
    print(token)
    return 0


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Database]:
    """The database, at this version, for as long as the block lasts."""
    database = Database(config.database.url)
    try:
        await schema.upgrade(database)
        await ensure_default_pipeline(database)
        yield database
    finally:
        await database.close()


def _password(from_stdin: bool) -> str | None:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        return None
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise Invalid("password", "the two are not the same")
    return password
