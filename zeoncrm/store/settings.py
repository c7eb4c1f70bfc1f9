"""What a supervisor decides, by key."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.database import Transaction
from zeoncrm.store.sql import insert_or
from zeoncrm.store.tables import settings


async def get(connection: AsyncConnection, key: str) -> Any:
    """The value of a setting, None when it was never set."""
    row = (await connection.execute(settings.select().where(settings.c.key == key))).first()
    return None if row is None else row.value


async def put(tx: Transaction, key: str, value: Any) -> None:
    """Set a value."""
    statement = insert_or(tx.connection, settings).values(key=key, value=value)
    await tx.connection.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
    )
