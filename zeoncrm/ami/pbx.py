"""One PBX, attached: its link, its tracker, and what else listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from zeoncrm.ami import parsing, presence, queues
from zeoncrm.ami.cdr.backfill import Backfill, Surroundings
from zeoncrm.ami.cdr.events import CdrEvents
from zeoncrm.ami.cdr.heard import ChannelsThere, HeardChannels
from zeoncrm.ami.cdr.sources import CdrSource, Mark
from zeoncrm.ami.connection import AmiConnection, LinkState, LinkStatus, PbxAccount, Timings
from zeoncrm.ami.control import Control
from zeoncrm.ami.known_endpoints import KnownEndpoints
from zeoncrm.ami.messages import Message, RecordingBegan, Snapshot
from zeoncrm.ami.rate import EventRate
from zeoncrm.ami.recorded_files import RecordedFiles
from zeoncrm.ami.telephone import AmiTelephone, Dialling
from zeoncrm.ami.trace import Trace
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.backfill import CallsTold, Filled
from zeoncrm.pipeline.call_events import (
    CallEnded,
    CallEvent,
    CallInterrupted,
    CallMerged,
    CallResult,
    CallStarted,
    Source,
)
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.endpoints import Endpoint
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.presence import PhoneState
from zeoncrm.pipeline.queues import Queue

Record = Callable[[CallEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class CallRecords:
    """Where the PBX's call records are, how far they were read (None: never), and what keeps the calls in them."""

    source: CdrSource
    mark: Callable[[], Awaitable[Mark | None]]
    keep: Callable[[CallsTold], Awaitable[Filled | None]]


PARSERS = {**parsing.PARSERS, **presence.PARSERS, **queues.PARSERS}
LISTINGS = (presence.LISTING, queues.LISTING)


class Pbx:
    """Gives `record` the events of one PBX's calls; `telephone` is told what to do with them."""

    def __init__(
        self,
        account: PbxAccount,
        dialling: Dialling,
        numbering: Numbering,
        record: Record,
        *,
        on_status: Callable[[str, LinkStatus], None],
        on_watched: Callable[[], None] = lambda: None,
        records: CallRecords | None = None,
        timings: Timings | None = None,
    ) -> None:
        """`on_watched` is called when a phone or a queue is other than before."""
        self.name = account.name
        self._record = record
        self._on_status = on_status
        self._endpoints = KnownEndpoints(account.name, numbering, self._renumber)
        self.trace = Trace()
        self.rate = EventRate()
        self.tracker = CallTracker(account.name, numbering, new_call_id)
        self.connection = AmiConnection(
            account,
            self._take,
            on_status=self._note_status,
            on_frame=self._keep_frame,
            prepare=self._endpoints.learn,
            calls_go_on=lambda: bool(self.tracker.calls),
            timings=timings or Timings(),
            listings=LISTINGS,
            parsers=PARSERS,
        )
        self._on_watched = on_watched
        self._phones = presence.Phones()
        self._queues = queues.Queues(account.name)
        self.telephone = AmiTelephone(self.connection, dialling, self.tracker)
        self._files = RecordedFiles(Control(self.connection), self._take)
        self._heard = HeardChannels()
        self._there = ChannelsThere()
        # Calls of which some was not heard, until they end.
        self._interrupted: set[str] = set()
        self.backfill = self._backfill(records) if records else None
        self._events = records.source if records and isinstance(records.source, CdrEvents) else None

    @property
    def status(self) -> LinkStatus:
        """How the link is."""
        return self.connection.status

    @property
    def is_up(self) -> bool:
        """Whether it is connected now."""
        return self.telephone.is_up

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Its phones and trunks, as far as it tells of them; empty until it has been asked."""
        return self._endpoints.endpoints

    @property
    def phones(self) -> Mapping[str, PhoneState]:
        """The state of each phone that the PBX tells of, by extension."""
        return self._phones.by_extension(self.tracker.numbering.devices)

    @property
    def queues(self) -> tuple[Queue, ...]:
        """Its queues, with who waits."""
        return self._queues.views(self.tracker.numbering, self.tracker.call_of)

    def resume(self, calls: Iterable[Call]) -> None:
        """The calls that were going on when the last process stopped; before `run`."""
        self.tracker.resume(calls)

    def renumber(self, numbering: Numbering) -> None:
        """People changed."""
        self._endpoints.renumber(numbering)
        self._renumber()

    async def run(self) -> None:
        """Keep the link, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.connection.run())
            tasks.create_task(self._endpoints.keep(self.connection))
            tasks.create_task(self._files.run())
            if self.backfill is not None:
                tasks.create_task(self.backfill.run())

    async def expire(self, now: datetime) -> None:
        """Close the calls that can't go on. To be called every few seconds."""
        self.rate.note(now, self.connection.counters.events)
        events = self.tracker.expire(now, hears=self.is_up and not self.connection.backlog)
        self._mind_records(events)
        self.trace.note(now, None, events)
        for event in events:
            await self._record(event)

    def _renumber(self) -> None:
        self.tracker.numbering = self._endpoints.numbering

    async def _take(self, message: Message) -> None:
        self._endpoints.feed(message)
        self._heard.feed(message)
        self._there.feed(message)
        if isinstance(message, Snapshot) and not message.periodic:
            for call_id in tuple(self.tracker.calls):
                await self._record(CallInterrupted(call_id=call_id, at=message.at))
            self._interrupted |= self.tracker.calls.keys()
        events = self.tracker.feed(message)
        if events:
            self._mind_records(events)
            self.trace.note(message.at, message, events)
            for event in events:
                await self._record(event)
        if self.telephone.expected:
            self.telephone.look()
        if self._phones.feed(message) | self._queues.feed(message):
            self._on_watched()
        if isinstance(message, RecordingBegan):
            self._files.ask(message)

    def _keep_frame(self, frame: bytes, at: datetime) -> None:
        self.trace.keep(frame, at)
        if self._events is not None:
            self._events.keep(frame)

    def _backfill(self, records: CallRecords) -> Backfill:
        around = Surroundings(
            is_ready=lambda: self.is_up and not self.connection.backlog,
            goes_on=self.tracker.goes_on,
            was_heard=self._heard.has_all,
            were_there=self._there.were_there,
            numbering=lambda: self.tracker.numbering,
            mark=records.mark,
            keep=records.keep,
            silence=lambda: self.connection.silence,
        )
        return Backfill(self.name, records.source, around)

    def _mind_records(self, events: Iterable[CallEvent]) -> None:
        """Have the records looked at when a call has ended of which they know more, and missed when none come."""
        for event in events:
            if self.backfill is not None and _was_talk(event):
                self.backfill.note_talk(event.at)
            if isinstance(event, CallStarted) and event.source is Source.RECOVERED:
                self._interrupted.add(event.call_id)
            elif isinstance(event, CallEnded | CallMerged) and event.call_id in self._interrupted:
                self._interrupted.discard(event.call_id)
                if self.backfill is not None:
                    self.backfill.wake_soon()

    def _note_status(self, status: LinkStatus) -> None:
        if status.state is LinkState.UP:
            if self.backfill is not None:
                self.backfill.wake()
            self._endpoints.came_up()
        else:
            self._there.forget()
            self._phones.forget()
            self._queues.forget()
        self._on_status(self.name, status)


def _was_talk(event: CallEvent) -> bool:
    return isinstance(event, CallEnded) and event.result is CallResult.ANSWERED and not event.provisional
