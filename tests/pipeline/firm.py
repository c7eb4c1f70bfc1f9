"""A small firm for the tests of the pipeline: the staff, and the parts joined as the daemon joins them.

Anna (101, and 111 too) and Boris (102) are reps, Sveta (103) supervises. Time passes a second with each call event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tests.databases import NOON
from zeoncrm.pipeline.bus import Bus
from zeoncrm.pipeline.call_events import (
    CallEnded,
    CallEvent,
    CallResult,
    CallStarted,
    Direction,
    LegAnswered,
    LegRang,
    OutsideDialled,
    Reached,
)
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.events import CallView, Event
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.incoming_rules import Incoming
from zeoncrm.pipeline.people import Directory, Viewer, load_directory, viewer_of
from zeoncrm.pipeline.recorder import Recorder
from zeoncrm.pipeline.settings import CallSettings, DealCreation
from zeoncrm.store import calls, contacts, deals
from zeoncrm.store.calls import CallRow
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.database import Database
from zeoncrm.store.deals import DealRow
from zeoncrm.store.tables import calls as calls_table
from zeoncrm.store.tables import contacts as contacts_table
from zeoncrm.store.tables import deals as deals_table

PBX = "main"
IVAN = "+79031112233"


async def until(condition: Callable[[], bool]) -> None:
    """Let the others go on until it is so."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.001)


@asynccontextmanager
async def running(recorder: Recorder) -> AsyncIterator[None]:
    """Let the recorder write while the block lasts."""
    task = asyncio.create_task(recorder.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


class Firm:
    """People, a recorder and what was published. `record` writes at once; `tell` only queues."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.bus = Bus(first_id=1)
        self.published: list[Event] = []
        self.bus.subscribe(lambda published: self.published.append(published.event))
        database.publish = self.bus.publish
        self.directory = Directory()
        self.settings = CallSettings()
        self.incoming = Incoming()
        self.recorder = self.another_recorder(database)
        self.bus.subscribe(self.recorder.follow)
        self.now = NOON

    async def open(self) -> None:
        """Come to work."""
        self.directory = await load_directory(self.database)

    def another_recorder(self, database: Database, **options: Any) -> Recorder:
        """A recorder with this firm's rules: that of a second process, or with other bounds."""
        return Recorder(database, lambda: Rules(self.settings, self.directory, "RU", self.incoming), **options)

    def set(self, create: DealCreation | None = None, *, on_outbound: bool | None = None) -> None:
        """Change the settings."""
        changes: dict[str, Any] = {"create_deals": create, "create_deals_on_outbound": on_outbound}
        given = {name: value for name, value in changes.items() if value is not None}
        self.settings = self.settings.model_copy(update=given)

    def person(self, login: str) -> Viewer:
        """A person by login."""
        return viewer_of(next(row for row in self.directory.rows if row.login == login))

    def tick(self, seconds: float = 1) -> datetime:
        """Let time pass; give the time then."""
        self.now += timedelta(seconds=seconds)
        return self.now

    # Call events

    def inbound(self, number: str | None = IVAN, name: str | None = None, **more: Any) -> CallStarted:
        """Somebody calls."""
        raw = more.pop("number_raw", (number or "anonymous").lstrip("+"))
        return self._started(Direction.INBOUND, number, number_raw=raw, caller_name=name, **more)

    def outbound(self, number: str | None = IVAN, **more: Any) -> CallStarted:
        """One of ours calls."""
        return self._started(Direction.OUTBOUND, number, number_raw=(number or "").lstrip("+"), **more)

    def rang(self, call: CallEvent, extension: str) -> LegRang:
        return LegRang(call_id=call.call_id, at=self.tick(), extension=extension)

    def dialled(self, call: CallEvent, extension: str | None) -> OutsideDialled:
        return OutsideDialled(call_id=call.call_id, at=self.tick(), extension=extension)

    def answered(self, call: CallEvent, extension: str) -> LegAnswered:
        return LegAnswered(call_id=call.call_id, at=self.tick(), extension=extension)

    def ended(self, call: CallEvent, result: CallResult = CallResult.ANSWERED) -> CallEnded:
        reached = Reached.RINGING if result is CallResult.MISSED else None
        return CallEnded(call_id=call.call_id, at=self.tick(), result=result, reached=reached)

    def missed(self, call: CallEvent) -> CallEnded:
        return self.ended(call, CallResult.MISSED)

    def _started(self, direction: Direction, number: str | None, **more: Any) -> CallStarted:
        at = self.tick()
        call_id = new_call_id(at)
        values: dict[str, Any] = {"pbx": PBX, "linkedid": f"linked-{call_id}", "number": number, **more}
        return CallStarted(call_id=call_id, at=at, direction=direction, **values)

    # What becomes of them

    async def tell(self, *events: CallEvent) -> None:
        """Queue events."""
        for event in events:
            await self.recorder.record(event)

    async def record(self, *events: CallEvent) -> None:
        """Write events, all in one batch."""
        await self.tell(*events)
        await self.recorder.drain()

    async def answered_call(self, extension: str = "101", number: str | None = IVAN, **more: Any) -> CallRow:
        """A whole call that this extension answers; the call as it is kept."""
        call = self.inbound(number, **more)
        await self.record(call, self.rang(call, extension))
        await self.record(self.answered(call, extension))
        await self.record(self.ended(call))
        return await self.call(call)

    async def missed_call(self, number: str | None = IVAN, extension: str = "101", **more: Any) -> CallRow:
        """A whole call that nobody answers."""
        call = self.inbound(number, **more)
        await self.record(call, self.rang(call, extension), self.missed(call))
        return await self.call(call)

    async def call(self, event: CallEvent) -> CallRow:
        """A call as it is kept."""
        async with self.database.read() as connection:
            row = await calls.one(connection, event.call_id)
        assert row is not None
        return row

    def view(self, event: CallEvent) -> CallView:
        """A call in progress."""
        view = self.recorder.view(event.call_id)
        assert view is not None
        return view

    async def calls(self) -> Sequence[CallRow]:
        """Every call, oldest first."""
        async with self.database.read() as connection:
            ids = (await connection.execute(sa.select(calls_table.c.id).order_by(calls_table.c.id))).scalars().all()
            found = await calls.some(connection, ids)
        return [found[call_id] for call_id in ids]

    async def contacts(self) -> Sequence[ContactRow]:
        """Every contact, oldest first."""
        async with self.database.read() as connection:
            ids = (await connection.execute(sa.select(contacts_table.c.id))).scalars().all()
            found = await contacts.some(connection, ids)
        return [found[contact_id] for contact_id in sorted(found)]

    async def deals(self) -> Sequence[DealRow]:
        """Every deal, oldest first."""
        async with self.database.read() as connection:
            ids = (await connection.execute(sa.select(deals_table.c.id).order_by(deals_table.c.id))).scalars().all()
            found = [await deals.one(connection, deal_id) for deal_id in ids]
        return [deal for deal in found if deal is not None]

    def heard(self, kind: type[Event]) -> list[Any]:
        """The events of this kind that were published."""
        return [event for event in self.published if type(event) is kind]

    def viewer_ids(self, *logins: str) -> frozenset[int]:
        """The ids of these people."""
        return frozenset(self.person(login).id for login in logins)


def renumbered(event: CallStarted, call_id: str) -> CallStarted:
    """The same start of another call."""
    return replace(event, call_id=call_id, linkedid=f"linked-{call_id}")
