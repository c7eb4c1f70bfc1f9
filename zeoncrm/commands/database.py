"""`zeoncrm db`: upgrade, backup, restore."""

from __future__ import annotations

import sys
from pathlib import Path

from zeoncrm.commands.people import opened
from zeoncrm.config import Config
from zeoncrm.store import backup as store
from zeoncrm.store.held import held


async def upgrade(config: Config) -> int:
    """Bring the database to this version."""
    async with opened(config):
        print("the database is up to date", file=sys.stderr)
    return 0


async def backup(config: Config, file: Path) -> int:
    """Copy the database into a new file, consistent while the daemon runs."""
    await store.backup(config.database.url, file)
    print(f"wrote {file}", file=sys.stderr)
    return 0


async def restore(config: Config, file: Path) -> int:
    """Put a backup in the database's place and bring it to this version."""
    async with held(config.database.url):
        await store.restore(config.database.url, file)
        async with opened(config):
            print(f"restored from {file}", file=sys.stderr)
    return 0
