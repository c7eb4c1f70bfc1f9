"""A prepared database and a token that sees everything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import pytest

from tests.daemon.process import environment
from zeoncrm.pipeline.passwords import new_secret, secret_hash
from zeoncrm.pipeline.people import Role, add_person
from zeoncrm.store import schema, sessions
from zeoncrm.store.database import Database

PEOPLE = (("anna", Role.REP, "101"), ("boris", Role.REP, "102"), ("sveta", Role.SUPERVISOR, "103"))

Prepare = Callable[..., Awaitable[tuple[dict[str, str], str]]]


@pytest.fixture
def prepare(database_url: str) -> Prepare:
    """Makes a database with Anna (101), Boris (102) and a supervisor, or with other people; gives the environment and
    the token of the last of them."""

    async def prepared(
        ami_port: int | None, people: Sequence[tuple[str, Role, str]] = PEOPLE
    ) -> tuple[dict[str, str], str]:
        database = Database(database_url)
        now = datetime.now(UTC)
        token = new_secret()
        try:
            await schema.upgrade(database)
            for login, role, extension in people:
                person_id = await add_person(
                    database,
                    login=login,
                    name=login.title(),
                    role=role,
                    password_hash=None,
                    extensions=[extension],
                    outside=[],
                    region="RU",
                    at=now,
                )
            async with database.write() as tx:
                await sessions.add_token(tx, person_id, secret_hash(token), now)
        finally:
            await database.close()
        return environment(database_url, ami_port), token

    return prepared
