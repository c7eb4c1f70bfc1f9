"""How SQLite means to find rows: by an index, however many there are."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store import calls, contacts, deals, missed, recordings, timeline
from zeoncrm.store.calls import CallFilter
from zeoncrm.store.database import Database
from zeoncrm.store.paging import encode_cursor

pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
REP = 1
CALL = "01KJPVW8G00000000000000000"
Query = Callable[[AsyncConnection], Awaitable[object]]


async def _plan(database: Database, query: Query) -> list[str]:
    """The plans of all statements that the query runs."""
    seen: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    async with database.read() as connection:
        engine = connection.sync_connection
        assert engine is not None
        sa.event.listen(engine, "before_cursor_execute", note)
        await query(connection)
        sa.event.remove(engine, "before_cursor_execute", note)
        plans = []
        for statement, parameters in seen:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans += [row.detail for row in rows]
    return plans


@pytest.mark.parametrize("scope", [None, REP], ids=["supervisor", "rep"])
@pytest.mark.parametrize("cursor", [None, encode_cursor(NOON, 7)], ids=["first page", "next page"])
async def test_a_boards_column_is_read_in_the_order_of_an_index(
    database: Database, scope: int | None, cursor: str | None
) -> None:
    plan = await _plan(database, lambda connection: deals.column(connection, 1, scope=scope, cursor=cursor))
    index = "ix_deals_owner_column (owner_id=? AND stage_id=?" if scope else "ix_deals_column (stage_id=?"
    assert any(index in step for step in plan), plan
    # What follows is about each card's first number.
    outer = plan[: plan.index("CORRELATED SCALAR SUBQUERY 1")]
    assert not any("ORDER BY" in step for step in outer), plan
    if cursor:
        assert any("stage_entered_at<?" in step or "(stage_entered_at,id)<(?,?)" in step for step in plan), plan


JOURNAL: dict[str, CallFilter] = {
    "everything": CallFilter(),
    "a number": CallFilter(number="+79031112233"),
    "a raw number": CallFilter(number="101"),
    "a time": CallFilter(since=NOON, until=NOON),
    "in progress": CallFilter(state="ringing"),
    "somebody's": CallFilter(owner_id=2),
    "a contact's": CallFilter(contact_id=3),
    "all that was missed": CallFilter(lines="all"),
    "who waits for a call": CallFilter(lines="open", since=NOON),
    "who was called back": CallFilter(lines="done"),
}
QUERIES: dict[str, Query] = {
    "a caller": lambda connection: contacts.caller(connection, "+79031112233"),
    "callers": lambda connection: contacts.callers_of(connection, ["+79031112233"]),
    "open deals": lambda connection: deals.open_of_contact(connection, 1),
    "a rep's deals": lambda connection: deals.search(connection, scope=REP),
    "a rep's contacts": lambda connection: contacts.search(connection, scope=REP),
    "a contact by number": lambda connection: contacts.search(connection, scope=None, phone="+79031112233"),
    "a deal's timeline": lambda connection: timeline.of_deal(connection, 1),
    "a contact's timeline": lambda connection: timeline.of_contact(connection, 1, [2]),
    "calls in progress": calls.open_calls,
    "what came of missed calls": lambda connection: missed.call_backs(connection, [CALL]),
    "how many wait for a call": lambda connection: missed.count_open(connection, None, CALL),
    "how many wait for a rep's call": lambda connection: missed.count_open(connection, REP, CALL),
    "who missed a number": lambda connection: missed.people_who_missed(connection, "+79031112233", 3, CALL, CALL),
    "recordings that are expected": lambda connection: recordings.expected(connection, ["main"]),
    "whether there are recordings": lambda connection: recordings.has_files(connection, "main", NOON, NOON),
    "calls without recordings": lambda connection: recordings.answered_without(connection, ["main"], NOON),
    "a call's file names": lambda connection: recordings.unrecorded(connection, [CALL]),
    "recordings that are too old": lambda connection: recordings.expired(connection, "main"),
    "who listened": lambda connection: recordings.accesses(connection, 1),
    "totals": lambda connection: deals.totals(connection, [1, 2], scope=REP),
    **{
        f"the journal: {name}, for {who}": lambda connection, wanted=wanted, scope=scope: calls.search(  # type: ignore[misc]
            connection, wanted, scope=scope
        )
        for name, wanted in JOURNAL.items()
        for who, scope in (("a supervisor", None), ("a rep", REP))
    },
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_nothing_is_looked_for_row_by_row(database: Database, query: Query) -> None:
    tables = (
        "calls|legs|deals|contacts|phones|callers|timeline|stage_totals|recordings|recording_accesses|listed_numbers"
    )
    large = re.compile(rf"SCAN ({tables})$")
    assert [step for step in await _plan(database, query) if large.match(step)] == []
