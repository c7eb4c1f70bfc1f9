"""What people decide is in force soon, whatever the database did meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from zeoncrm import app
from zeoncrm.config import Config, DatabaseConfig
from zeoncrm.pipeline.events import SettingsChanged
from zeoncrm.store.errors import StoreError


async def test_what_changed_when_the_database_went_away_is_read_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "REFRESH_SECONDS", 0.001)
    daemon = app.Daemon(Config(database=DatabaseConfig(url=f"sqlite:///{tmp_path}/zeoncrm.db")))
    await daemon.prepare()
    tried, is_back = 0, asyncio.Event()

    async def refresh() -> None:
        nonlocal tried
        tried += 1
        if tried < 3:
            raise StoreError("away")
        is_back.set()

    monkeypatch.setattr(daemon, "refresh", refresh)
    task = asyncio.create_task(daemon.keep_fresh())
    daemon.bus.publish([SettingsChanged(people=frozenset())])
    try:
        async with asyncio.timeout(PATIENCE):
            await is_back.wait()
    finally:
        task.cancel()
        await asyncio.wait([task])
        daemon.passwords.close()
        await daemon.database.close()
