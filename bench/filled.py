"""Databases with as many deals, contacts and calls as a firm has after years."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from tests.databases import NOON
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.store import people
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.tables import callers, calls, contacts, deals, legs, phones, stage_totals, stages, timeline

CHUNK = 5_000
# Every other deal is closed, the rest is spread over the open stages; a rep has one in fifty.
REPS = 50


async def fill(database: Database, count: int, *, more_calls: int = 0) -> None:
    """Add so many contacts with a phone, a deal and a call each to a database that has stages, and then more calls."""
    async with database.write() as tx:
        reps = [
            await people.add(
                tx, login=f"seller{index}", name=f"Seller {index}", role="rep", password_hash=None, at=NOON
            )
            for index in range(REPS)
        ]
        columns = (await tx.connection.execute(stages.select().order_by(stages.c.position))).all()
        for numbers in _chunks(count):
            await _insert(tx, contacts, [_contact(number, reps) for number in numbers])
            await _insert(tx, phones, [_phone(number) for number in numbers])
            await _insert(tx, callers, [{"number": number_of(number), "contact_id": number + 1} for number in numbers])
            await _insert(tx, deals, [_deal(number, reps, columns) for number in numbers])
            await _insert_calls(tx, [_call(number, number, reps) for number in numbers])
        for numbers in _chunks(more_calls):
            await _insert_calls(tx, [_call(count + number, number % count, reps) for number in numbers])
        await tx.connection.execute(_TOTALS)
        if not database.is_sqlite:
            for table in ("contacts", "deals"):
                sequence = sa.func.pg_get_serial_sequence(table, "id")
                await tx.connection.execute(sa.select(sa.func.setval(sequence, count)))
    async with database.write() as tx:
        # What the daemon's own housekeeping does in time.
        await tx.connection.execute(sa.text("ANALYZE"))


_OWNER = sa.func.coalesce(deals.c.owner_id, 0)
_TOTALS = stage_totals.insert().from_select(
    ["stage_id", "owner_id", "currency", "deals", "amount"],
    sa.select(
        deals.c.stage_id, _OWNER, deals.c.currency, sa.func.count(), sa.func.coalesce(sa.func.sum(deals.c.amount), 0)
    ).group_by(deals.c.stage_id, _OWNER, deals.c.currency),
)


def _chunks(count: int) -> Iterator[range]:
    return (range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))


async def _insert(tx: Transaction, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    await tx.connection.execute(table.insert(), list(rows))


async def _insert_calls(tx: Transaction, called: Sequence[dict[str, Any]]) -> None:
    await _insert(tx, calls, called)
    await _insert(tx, legs, [_leg(call) for call in called])
    await _insert(tx, timeline, [_entry(call) for call in called])


def number_of(number: int) -> str:
    """The number of a contact by its place."""
    return f"+7903{number:07}"


def _contact(number: int, reps: Sequence[int]) -> dict[str, Any]:
    return {
        "id": number + 1,
        "name": f"Ivan Petrov {number}",
        "search": f"ivan petrov {number} {number_of(number)}",
        "owner_id": reps[number % REPS],
        "company_id": None,
        "created_at": NOON + timedelta(minutes=number),
        "version": 1,
    }


def _phone(number: int) -> dict[str, Any]:
    return {"contact_id": number + 1, "number": number_of(number), "raw": number_of(number).lstrip("+"), "label": ""}


def _deal(number: int, reps: Sequence[int], columns: Sequence[Any]) -> dict[str, Any]:
    working = [stage for stage in columns if stage.kind in ("unsorted", "open")]
    closed = [stage for stage in columns if stage.kind not in ("unsorted", "open")]
    stage = (closed if number % 2 else working)[number // 2 % (len(closed) if number % 2 else len(working))]
    at = NOON + timedelta(minutes=number)
    return {
        "id": number + 1,
        "title": f"Windows {number}",
        "search": f"windows {number}",
        "pipeline_id": stage.pipeline_id,
        "stage_id": stage.id,
        "owner_id": reps[number % REPS] if number % 10 else None,
        "contact_id": number + 1,
        "amount": None if number % 3 else Decimal(number),
        "currency": "RUB",
        "source": "call",
        "priority": "normal",
        "created_at": at,
        "stage_entered_at": at,
        "closed_at": at if number % 2 else None,
        "version": 1,
        "call_contact_id": None if number % 2 else number + 1,
    }


def _call(place: int, number: int, reps: Sequence[int]) -> dict[str, Any]:
    """The call at a place in time, of the contact of this number."""
    at = NOON + timedelta(minutes=place)
    missed = place % 5 == 0
    return {
        "id": new_call_id(at),
        "pbx": "main",
        "direction": "inbound",
        "number": number_of(number),
        "number_raw": number_of(number).lstrip("+"),
        "state": "ended",
        "result": "missed" if missed else "answered",
        "contact_id": number + 1,
        "deal_id": number + 1,
        "owner_id": None if missed else reps[number % REPS],
        "started_at": at,
        "ended_at": at + timedelta(seconds=60),
        "source": "live",
    }


def _leg(call: dict[str, Any]) -> dict[str, Any]:
    return {
        "call_id": call["id"],
        "extension": "101",
        "position": 0,
        "person_id": call["owner_id"],
        "rang_at": call["started_at"],
        "left_at": call["ended_at"],
        "outcome": "answered",
        "rings": 1,
    }


def _entry(call: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "call",
        "contact_id": call["contact_id"],
        "deal_id": call["deal_id"],
        "call_id": call["id"],
        "at": call["started_at"],
    }
