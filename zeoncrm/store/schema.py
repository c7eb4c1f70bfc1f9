"""Brings a database to the schema of this version, with Alembic."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.errors import StoreError

_SCRIPTS = Path(__file__).parent / "migrations"


async def upgrade(database: Database) -> str:
    """Run what is missing, in one transaction; give the revision reached.

    Raises:
        StoreError: the database is of a newer version than this program, or away; the text names it.
    """
    try:
        return await _upgraded(database)
    except StoreError as error:
        raise StoreError(f"database {_named(database)}: {error}") from error


async def _upgraded(database: Database) -> str:
    async with database.write() as tx:
        if not database.is_sqlite:
            # SQLite lets one in by itself; here a second program waits until the first is done.
            await tx.connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('zeoncrm schema'))"))
        revision = await current(tx)
        if is_newer(revision):
            raise StoreError(f"it is of a newer version (revision {revision}): upgrade the program")
        await tx.connection.run_sync(_upgrade)
    return latest()


def _named(database: Database) -> str:
    """Which one it is, without its password."""
    url = database.url
    if database.is_sqlite:
        return str(url.database)
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


async def current(tx: Transaction) -> str | None:
    """The revision that the database is at; None when it is empty."""
    return await tx.connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def latest() -> str:
    """The newest revision that this version knows."""
    return str(ScriptDirectory(str(_SCRIPTS)).get_current_head())


def is_newer(revision: str | None) -> bool:
    """Whether this version does not know the revision that a database is at."""
    known = {script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}
    return revision is not None and revision not in known


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
