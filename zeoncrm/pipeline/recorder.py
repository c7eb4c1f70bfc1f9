"""The one ordered writer of calls: events of all PBXs go through here into the database, and from there to the bus.

Whatever waits is written in one transaction (a commit waits for the disk; the calls of its time share the next one).
A batch that the database can't take now is kept and tried again until it can; nothing taken from a PBX is lost while
the process lives, and the queue's bound makes the PBX link wait rather than memory grow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog

from zeoncrm.pipeline import events
from zeoncrm.pipeline.backfill import CallsTold, Filled
from zeoncrm.pipeline.bus import Published
from zeoncrm.pipeline.call_batch import CallBatch
from zeoncrm.pipeline.call_events import CallEvent
from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.calls import Call, CallState
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.texts import bounded
from zeoncrm.store import calls as store
from zeoncrm.store.database import Database
from zeoncrm.store.errors import Conflict, StoreError, Unsound
from zeoncrm.store.unbroken import unbroken

MOST_ROWS = 200
MOST_WAITING = 20_000
MOST_RACES = 5
FIRST_RETRY, LAST_RETRY = 0.1, 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event in the queue, and who waits for it to be on the disk."""

    event: CallEvent
    done: asyncio.Future[Any] | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Since when (UTC) and why the database takes no calls."""

    since: datetime
    reason: str


class Recorder:
    """Takes call events and keeps calls, contacts and deals of them."""

    def __init__(self, database: Database, rules: Callable[[], Rules], *, most_waiting: int = MOST_WAITING) -> None:
        self._database = database
        self._rules = rules
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(most_waiting)
        # What was taken from the queue and is not committed yet, in order.
        self._hand: list[Waiting] = []
        self._open: dict[str, CallView] = {}
        self.trouble: Trouble | None = None

    @property
    def waiting(self) -> int:
        """How many events are not written yet."""
        return self._queue.qsize() + len(self._hand)

    def live(self) -> Iterable[CallView]:
        """The calls that have not ended, as last committed."""
        return tuple(self._open.values())

    def view(self, call_id: str) -> CallView | None:
        """A call that has not ended, as last committed."""
        return self._open.get(call_id)

    async def load(self) -> list[Call]:
        """The calls that were not ended when the last process stopped; to be called before `run`."""
        async with self._database.read() as connection:
            rows = await store.open_calls(connection)
        self._open = {row.values["id"]: view_of(row) for row in rows}
        return [view.call for view in self._open.values()]

    async def record(self, event: CallEvent) -> None:
        """Queue an event; waits while the queue is full."""
        await self._queue.put(Waiting(bounded(event)))

    def record_soon(self, event: CallEvent) -> None:
        """Queue an event without waiting; a queue that is full loses it, which is logged."""
        try:
            self._queue.put_nowait(Waiting(bounded(event)))
        except asyncio.QueueFull:
            log.error("an event is lost, the queue is full", event_type=type(event).__name__, call=event.call_id)

    async def recorded(self, event: CallEvent) -> CallView | None:
        """Queue an event and wait until it is committed; the call after it, None when it changed nothing."""
        done: asyncio.Future[CallView | None] = asyncio.get_running_loop().create_future()
        await self._queue.put(Waiting(bounded(event), done))
        return await done

    async def fill_in(self, told: CallsTold) -> Filled | None:
        """Queue what records tell and wait until it is committed, all at once; None when it can never be written."""
        done: asyncio.Future[Filled | None] = asyncio.get_running_loop().create_future()
        await self._queue.put(Waiting(replace(told, calls=tuple(map(bounded, told.calls))), done))
        return await done

    def follow(self, published: Published) -> None:
        """Keep what people change of open calls: their contact and deal, and whose these are.

        Events come before anybody writes again, so that nothing of it is overwritten with what was. What the PBX
        changed is known already, and a batch tells of its calls as they were on the way to what they are now.
        """
        match published.event:
            case events.CallChanged(view=view, by=int()):
                self._amend(view)
            case events.DealChanged(deal=deal):
                self._replace_where(lambda view: view.call.deal_id == deal.id, deal_owner_id=deal.owner_id)
            case events.ContactChanged(contact=contact):
                self._replace_where(
                    lambda view: view.call.contact_id == contact.id,
                    contact=contact.name,
                    contact_owner_id=contact.owner_id,
                )

    def _amend(self, stored: CallView) -> None:
        view = self._open.get(stored.call.id)
        if view is not None:
            call = replace(view.call, contact_id=stored.call.contact_id, deal_id=stored.call.deal_id)
            self._open[call.id] = replace(stored, call=call)

    def _replace_where(self, concerned: Callable[[CallView], bool], **values: Any) -> None:
        for call_id, view in self._open.items():
            if concerned(view):
                self._open[call_id] = replace(view, **values)

    async def run(self) -> None:
        """Write what comes, until cancelled; what is left then is for `drain`."""
        while True:
            if not self._hand:
                self._hand.append(await self._queue.get())
                self._hand += self._take(MOST_ROWS - 1)
            await self._write()

    async def drain(self) -> None:
        """Write what is left, for a stop in good order; raises StoreError when the database can't take it."""
        while self._hand or not self._queue.empty():
            self._hand = self._hand or self._take(MOST_ROWS)
            await self._write_hand()

    def _take(self, most: int) -> list[Waiting]:
        return [self._queue.get_nowait() for _ in range(min(most, self._queue.qsize()))]

    async def _write(self) -> None:
        """Write what is in hand, again and again until the database takes it."""
        delay = FIRST_RETRY
        while self._hand:
            try:
                await self._write_hand()
            except StoreError as error:
                self._note_trouble(str(error))
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY)
        self._note_recovery()

    async def _write_hand(self) -> None:
        """Write what is in hand: at once, or one by one when there is something in it that can never be written.

        Raises:
            StoreError: the database takes nothing now; what is not written stays in hand.
        """
        most, races = len(self._hand), 0
        while self._hand:
            try:
                await unbroken(self._commit(self._hand[:most]))
                races = 0
            except Exception as error:
                if isinstance(error, StoreError) and not isinstance(error, Unsound):
                    raise
                # Another process made the same contact or deal first: done again, the batch finds it.
                races = races + 1 if isinstance(error, Conflict) else MOST_RACES
                if races < MOST_RACES:
                    continue
                if most == 1:
                    self._pass_over(self._hand.pop(0), error)
                most, races = 1, 0

    async def _commit(self, batch: Sequence[Waiting]) -> None:
        async with self._database.write() as tx:
            result = CallBatch(tx, self._rules(), self._open)
            tx.when_committed = lambda: self._remember(result)
            await tx.at_once(lambda: result.record([waiting.event for waiting in batch]))
        del self._hand[: len(batch)]
        for waiting in batch:
            _settle(waiting, _came_of(waiting.event, result))

    def _remember(self, result: CallBatch) -> None:
        self._open |= result.changed
        over = [call_id for call_id, view in result.changed.items() if view.call.state is CallState.ENDED]
        for call_id in (*over, *result.merged):
            self._open.pop(call_id, None)

    def _pass_over(self, waiting: Waiting, error: Exception) -> None:
        """One event that can never be written must not hold up the others."""
        event = waiting.event
        log.error("a call event can't be kept", event_type=type(event).__name__, call=event.call_id, exc_info=error)
        _settle(waiting, None)

    def _note_trouble(self, reason: str) -> None:
        if self.trouble is None:
            log.error("the database takes no calls, they wait", reason=reason)
            self.trouble = Trouble(datetime.now(UTC), reason)

    def _note_recovery(self) -> None:
        if self.trouble is not None:
            log.warning("the database takes calls again", since=self.trouble.since.isoformat())
            self.trouble = None


def _came_of(event: CallEvent, result: CallBatch) -> CallView | Filled | None:
    return result.filled.get(event.pbx) if isinstance(event, CallsTold) else result.changed.get(event.call_id)


def _settle(waiting: Waiting, outcome: CallView | Filled | None) -> None:
    if waiting.done is not None and not waiting.done.done():
        waiting.done.set_result(outcome)
