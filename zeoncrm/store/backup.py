"""Backups: SQLite's own online copy, or PostgreSQL's `pg_dump` and `pg_restore`."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL

from zeoncrm.store.engines import driver_url
from zeoncrm.store.errors import StoreError


async def backup(url: str, file: Path) -> None:
    """Copy the database into a new file, readable by its owner alone.

    Raises:
        StoreError: the file exists or can't be written, or the database can't be read.
    """
    if await asyncio.to_thread(file.exists):
        raise StoreError(f"{file} exists; it is left as it is")
    target = driver_url(url)
    if target.get_backend_name() == "sqlite":
        await asyncio.to_thread(_copy, Path(target.database or ""), file)
    else:
        await _run("pg_dump", target, "--format=custom", f"--file={file}")
    await asyncio.to_thread(file.chmod, 0o600)


async def restore(url: str, file: Path) -> None:
    """Put a backup in the database's place, all of it or nothing. Nobody may be using the database.

    Raises:
        StoreError: the file is no sound backup, or the database can't be written.
    """
    if not await asyncio.to_thread(file.is_file):
        raise StoreError(f"{file}: no such file")
    target = driver_url(url)
    if target.get_backend_name() == "sqlite":
        await asyncio.to_thread(_check, file)
        await asyncio.to_thread(_copy, file, Path(target.database or ""))
    else:
        options = ("--clean", "--if-exists", "--single-transaction", "--no-owner")
        await _run("pg_restore", target, *options, str(file))


def _copy(source: Path, target: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
    except sqlite3.Error as error:
        raise StoreError(f"{source} to {target}: {error}") from error


def _check(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            ours = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{file} is no backup: {error}") from error
    if not sound or not ours:
        raise StoreError(f"{file} is no sound backup of zeoncrm")


async def _run(program: str, url: URL, *arguments: str) -> None:
    plain = url.set(drivername="postgresql", password=None).render_as_string()
    # By the environment: arguments are seen by everybody on the machine.
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    try:
        process = await asyncio.create_subprocess_exec(
            program, f"--dbname={plain}", *arguments, stderr=asyncio.subprocess.PIPE, env=environment
        )
    except FileNotFoundError:
        raise StoreError(f"{program} is missing: install PostgreSQL's client programs") from None
    _, errors = await process.communicate()
    if process.returncode:
        raise StoreError(f"{program}: {errors.decode(errors='replace').strip()[-300:]}")
