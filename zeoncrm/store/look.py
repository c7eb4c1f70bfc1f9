"""A look at a database that changes nothing: what it is, of which version, and whether it could be written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store import schema
from zeoncrm.store.database import Database
from zeoncrm.store.engines import driver_url


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """`revision`: None of an empty one. `unwritable`: why it can't be written; None when it can."""

    engine: str
    revision: str | None
    newer: bool
    unwritable: str | None

    @property
    def current(self) -> bool:
        """Whether it is of this program's version."""
        return self.revision == schema.latest()


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None of another kind. Raises StoreError for what is no URL of a database."""
    target = driver_url(url)
    return Path(str(target.database)) if target.get_backend_name() == "sqlite" else None


async def look_at(database: Database) -> DatabaseLook:
    """Raises StoreError when it can't be read. A SQLite file must be there: to look for it would make it."""
    async with database.read() as connection:
        revision = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
        engine = await _engine(connection, database.is_sqlite)
        unwritable = (
            _unwritable_file(Path(str(database.url.database)))
            if database.is_sqlite
            else await _unwritable(connection, revision)
        )
    return DatabaseLook(engine, revision, schema.is_newer(revision), unwritable)


async def _engine(connection: AsyncConnection, is_sqlite: bool) -> str:
    query = "SELECT sqlite_version()" if is_sqlite else "SHOW server_version"
    version = (await connection.execute(sa.text(query))).scalar_one()
    return f"{'SQLite' if is_sqlite else 'PostgreSQL'} {version}"


def _unwritable_file(file: Path) -> str | None:
    # SQLite makes files of its own beside it.
    for path in (file, file.parent):
        if not os.access(path, os.W_OK):
            return f"{path} may not be written by this user"
    return None


async def _unwritable(connection: AsyncConnection, revision: str | None) -> str | None:
    if (await connection.execute(sa.text("SELECT pg_is_in_recovery()"))).scalar_one():
        return "the server is a standby, which can only be read"
    right = "has_schema_privilege(current_schema(), 'CREATE')"
    if revision is not None:
        right += " AND has_table_privilege('calls', 'INSERT') AND has_table_privilege('calls', 'UPDATE')"
    if not (await connection.execute(sa.text(f"SELECT {right}"))).scalar_one():
        return "the user may not make or change tables there"
    return None
