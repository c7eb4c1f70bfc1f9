"""Column types that keep their meaning on every engine."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class Id(sa.types.TypeDecorator[int]):
    """A row's id. A number that no engine can hold is no row's: asking for it finds nothing, instead of failing."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        # SQLite counts rows by itself only in an INTEGER column.
        return dialect.type_descriptor(sa.Integer() if dialect.name == "sqlite" else sa.BigInteger())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return value if value is None or -(2**63) <= value < 2**63 else -1


class Text(sa.types.TypeDecorator[str]):
    """A text as every engine takes it, in rows and in questions alike.

    PostgreSQL refuses NUL, and half a surrogate pair is no UTF-8: both become U+FFFD. Length is not looked at here.
    """

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time in UTC. SQLite keeps no zone, so it is put back on reading; a naive time is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(sa.types.TypeDecorator[Decimal]):
    """An amount with two decimals, kept as whole hundredths: SQLite has no exact decimals, and sums must be exact."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else int((value * 100).to_integral_value())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(int(value)).scaleb(-2)


def storable(text: str) -> str:
    """The text without what an engine refuses."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    whole = "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
    return whole.replace("\0", "\ufffd")
