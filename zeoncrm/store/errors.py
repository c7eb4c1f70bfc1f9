"""What can go wrong with a database, translated once at its edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy.exc


class StoreError(Exception):
    """The database is away, locked, full or broken; nothing was written."""


class Unsound(StoreError):
    """The database will never take this change, however often it is tried; nothing was written."""


class Conflict(Unsound):
    """A constraint refused the change; nothing was written."""


# PostgreSQL's classes of states (https://www.postgresql.org/docs/current/errcodes-appendix.html) that lie in the
# values or the statement. SQLAlchemy has kinds of its own for only some of what asyncpg raises.
_BAD_VALUES, _BAD_STATEMENT = "22", "42"
# A schema that is being changed and rights that are missing can be put right: those are worth another try.
_PASSING = frozenset({"42P01", "42703", "42501"})


@contextmanager
def translated() -> Iterator[None]:
    """Let no error of the driver out. The text says what the database said, without values or addresses."""
    try:
        yield
    except sqlalchemy.exc.StatementError as error:
        raise _kind(error)(_reason(error)) from error
    except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
        raise StoreError(str(error).splitlines()[0] if str(error) else type(error).__name__) from error


def _kind(error: sqlalchemy.exc.StatementError) -> type[StoreError]:
    if isinstance(error, sqlalchemy.exc.IntegrityError):
        return Conflict
    if isinstance(error, sqlalchemy.exc.DataError) or not isinstance(error, sqlalchemy.exc.DBAPIError):
        return Unsound
    state = getattr(error.orig, "sqlstate", None) or ""
    if state[:2] in (_BAD_VALUES, _BAD_STATEMENT):
        return StoreError if state in _PASSING else Unsound
    # asyncpg refuses an argument by itself with an error that is both its own and a ValueError.
    refused = isinstance(getattr(error.orig, "__cause__", None), ValueError | TypeError)
    return Unsound if refused else StoreError


def _reason(error: sqlalchemy.exc.StatementError) -> str:
    text = str(error.orig).strip()
    return text.splitlines()[0] if text else type(error.orig).__name__
