"""The firm, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.pipeline.firm import Firm
from zeoncrm.store.database import Database


@pytest.fixture
async def firm(database: Database) -> Firm:
    """The firm with its staff at work; nobody has called yet."""
    firm = Firm(database)
    await firm.open()
    return firm
