"""Databases for tests: what each begins with, and a look at them from outside of the program."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from zeoncrm.pipeline.people import Role, add_person
from zeoncrm.pipeline.stages import ensure_default_pipeline
from zeoncrm.store import schema
from zeoncrm.store.database import Database

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
# Anna and Boris are reps, who must see nothing of each other's; Sveta sees all.
STAFF = (
    ("anna", "Anna Ivanova", Role.REP, ("101", "111")),
    ("boris", "Boris Petrov", Role.REP, ("102",)),
    ("sveta", "Sveta Orlova", Role.SUPERVISOR, ("103",)),
)


async def fill_template(url: str) -> None:
    """Give an empty database the schema, the default pipeline and the staff."""
    database = Database(url)
    try:
        await schema.upgrade(database)
        await ensure_default_pipeline(database)
        for login, name, role, extensions in STAFF:
            await add_person(
                database,
                login=login,
                name=name,
                role=role,
                password_hash=None,
                extensions=extensions,
                outside=[],
                region="RU",
                at=NOON,
            )
    finally:
        await database.close()


def sqlite_path(database: Database) -> Path:
    """The file of a SQLite database."""
    assert database.url.database is not None
    return Path(database.url.database)


def url_of(database: Database) -> str:
    """The URL in the config file's form, for a second program."""
    return database.url.set(drivername=database.url.get_backend_name()).render_as_string(hide_password=False)


@contextmanager
def held_by_another(database: Database) -> Iterator[None]:
    """Another process writes to the SQLite file and does not come to an end."""
    with closing(sqlite3.connect(sqlite_path(database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
