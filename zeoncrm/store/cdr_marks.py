"""How far the call records of each PBX have been read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.database import Transaction
from zeoncrm.store.sql import insert_or
from zeoncrm.store.tables import cdr_marks


async def get(connection: AsyncConnection, pbx: str) -> Mapping[str, Any] | None:
    """How far they have been read, in the source's own terms; None before the first time."""
    row = (await connection.execute(cdr_marks.select().where(cdr_marks.c.pbx == pbx))).first()
    return None if row is None else dict(row.mark)


async def put(tx: Transaction, pbx: str, mark: Mapping[str, Any]) -> None:
    """Note how far, with what came of them."""
    statement = insert_or(tx.connection, cdr_marks).values(pbx=pbx, mark=dict(mark))
    await tx.connection.execute(
        statement.on_conflict_do_update(index_elements=["pbx"], set_={"mark": statement.excluded.mark})
    )
