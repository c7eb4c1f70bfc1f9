"""Many queries of a transaction in one go.

Each query on SQLite goes to the connection's thread and back several times, and that costs more than the query. What
runs through here goes there once, with all its queries; on PostgreSQL it runs as it is, for a server is awaited anyway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

Result = TypeVar("Result")
Work = Callable[[], Coroutine[Any, Any, Result]]


class InlineConnection:
    """Stands for an `AsyncConnection` in queries: executes in the thread that it is used in, and never waits."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> sa.CursorResult[Any]:
        """As `AsyncConnection.execute`."""
        return self._connection.execute(statement, parameters)


def inline_engine(raw: sqlite3.Connection) -> sa.Engine:
    """Queries on this connection. Where its transactions begin and end is the affair of whoever's it is."""
    engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool, hide_parameters=True)
    for ending in ("do_commit", "do_rollback", "do_close"):
        setattr(engine.dialect, ending, lambda _connection: None)
    return engine


def run_inline(work: Work[Result]) -> Result:
    """The result of a coroutine that waits for nothing but inline queries; raises RuntimeError when it does."""
    coroutine = work()
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    coroutine.close()
    raise RuntimeError("something else than the database was awaited")
