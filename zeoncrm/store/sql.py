"""Small things that the queries share."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from unicodedata import normalize

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection


def insert_or(connection: AsyncConnection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT, which SQLite and PostgreSQL spell alike and SQLAlchemy does not."""
    return insert_into(connection.dialect.name, table)


def insert_into(dialect: str, table: sa.Table) -> Any:
    """The same for a dialect's name."""
    return sqlite_insert(table) if dialect == "sqlite" else postgresql_insert(table)


async def reserve_ids(connection: AsyncConnection, table: sa.Table, count: int) -> list[int]:
    """Ids for rows that this transaction is going to insert, so that they are known before they are written."""
    if not count:
        return []
    if connection.dialect.name == "sqlite":  # nobody else writes until this transaction ends
        last = (await connection.execute(sa.select(sa.func.max(table.c.id)))).scalar() or 0
        return list(range(last + 1, last + 1 + count))
    sequence = sa.func.nextval(sa.func.pg_get_serial_sequence(table.name, "id"))
    drawn = await connection.execute(sa.select(sequence).select_from(sa.func.generate_series(1, count)))
    return sorted(drawn.scalars())


def new_id(result: sa.CursorResult[Any]) -> int:
    """The id of the row that an INSERT just made."""
    key = result.inserted_primary_key
    if key is None:
        raise ValueError("not the result of a single INSERT")
    return int(key[0])


def at_most(count: int) -> sa.ColumnElement[int]:
    """A LIMIT that the planner sees: PostgreSQL plans a prepared statement whose LIMIT is a parameter for a tenth of
    all rows, and sorts them all for a page."""
    return sa.literal_column(str(int(count)), sa.Integer)


def first_call_id(at: datetime) -> str:
    """Where the ids of calls begin that began at this time: ids are ULIDs, the time comes first in them."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return "".join(_ULID_DIGITS[(milliseconds >> shift) & 31] for shift in range(45, -1, -5))


def fold(text: str) -> str:
    """How texts are compared in searches: without case (SQLite folds that of ASCII only), however letters are composed,
    and with one Russian е, which people write for ё too."""
    return " ".join(normalize("NFKC", text).casefold().replace("ё", "е").split())


def matches(column: sa.ColumnElement[str], query: str) -> sa.ColumnElement[bool]:
    """Whether the folded column has every word of the query; a number is looked for by its digits."""
    digits = re.sub(r"[^0-9]", "", query)
    if digits and re.fullmatch(r"[0-9\s()+\-.]+", query):
        # The first digit may be a trunk prefix, which numbers in E.164 do not have.
        readings = {digits, digits[1:]} if len(digits) > _LOCAL_DIGITS else {digits}
        return sa.or_(*(column.contains(reading) for reading in sorted(readings)))
    return sa.and_(sa.true(), *(column.contains(word, autoescape=True) for word in fold(query).split()))


_LOCAL_DIGITS = 4
_ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
