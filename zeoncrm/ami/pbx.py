"""One PBX, attached: its link, its tracker, and what the CRM may ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from zeoncrm.ami import messages, presence, queues
from zeoncrm.ami.cdr.backfill import Backfill, Surroundings
from zeoncrm.ami.cdr.events import CdrEvents
from zeoncrm.ami.cdr.heard import HeardChannels
from zeoncrm.ami.cdr.sources import CdrSource, Mark
from zeoncrm.ami.connection import AmiConnection, LinkState, LinkStatus, PbxAccount, Timings
from zeoncrm.ami.control import Control, channel_for
from zeoncrm.ami.errors import ActionRefused, AmiError, NotConnected, OutcomeUnknown
from zeoncrm.ami.known_endpoints import KnownEndpoints
from zeoncrm.ami.messages import Message, RecordingBegan, Snapshot
from zeoncrm.ami.rate import EventRate
from zeoncrm.ami.recorded_files import RecordedFiles
from zeoncrm.ami.trace import Trace
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.backfill import CallsTold, Filled
from zeoncrm.pipeline.call_events import CallEnded, CallEvent, CallInterrupted, CallMerged, CallStarted, Source
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.endpoints import Endpoint
from zeoncrm.pipeline.errors import Invalid, NotFound, Unavailable
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.numbers import dialled
from zeoncrm.pipeline.presence import PhoneState
from zeoncrm.pipeline.queues import Queue

log = structlog.get_logger(__name__)

Record = Callable[[CallEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class CallRecords:
    """Where the PBX's call records are, how far they were read (None: never), and what keeps the calls in them."""

    source: CdrSource
    mark: Callable[[], Awaitable[Mark | None]]
    keep: Callable[[CallsTold], Awaitable[Filled | None]]


PARSERS = {**messages.PARSERS, **presence.PARSERS, **queues.PARSERS}
# An attended transfer begins as soon as the PBX has heard its own keys.
BEGINS_WITHIN = 4.0  # seconds

Answer = TypeVar("Answer")

LISTINGS = (presence.LISTING, queues.LISTING)


@dataclass(frozen=True, slots=True)
class Dialling:
    """How a call is placed: the rep's channel, the context in which the number is dialled, and how it is written."""

    channel: str = "PJSIP/{extension}"
    context: str = "from-internal"
    form: str = "digits"


class Pbx:
    """Gives `record` the events of one PBX's calls; it is the `Telephone` of the pipeline."""

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
        self._dialling = dialling
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
            calls_go_on=lambda: bool(self.tracker.calls),
            timings=timings or Timings(),
            listings=LISTINGS,
            parsers=PARSERS,
        )
        self._on_watched = on_watched
        self._expected: dict[asyncio.Future[bool], Callable[[], bool]] = {}
        self._phones = presence.Phones()
        self._queues = queues.Queues(account.name)
        self._control = Control(self.connection)
        self._files = RecordedFiles(self._control, self._take)
        self._heard = HeardChannels()
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
        return self.connection.status.state is LinkState.UP

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Its phones and trunks, as far as it tells of them; empty until it has been asked."""
        return self._endpoints.endpoints

    @property
    def phones(self) -> Mapping[str, PhoneState]:
        """The state of each phone that the PBX tells of, by extension."""
        return self._phones.by_extension

    @property
    def queues(self) -> tuple[Queue, ...]:
        """Its queues, with who waits."""
        return self._queues.views(self.tracker.numbering.region, self.tracker.call_of)

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
        events = self.tracker.expire(now)
        self.trace.note(now, None, events)
        for event in events:
            await self._record(event)

    def channel_id(self, call_id: str) -> str:
        """The id of the first channel of a call that we ask for."""
        return f"zeoncrm-{call_id}"

    async def call(self, call_id: str, *, extension: str, number: str, at: datetime) -> None:
        """Ring the extension, then the number. An outcome that is unknown is left to the events to tell.

        Raises:
            Unavailable: not connected, or the PBX refused; nothing rings, now or later.
        """
        exten = dialled(number, self.tracker.numbering.region, self._dialling.form)
        channel = channel_for(self._dialling.channel, extension)
        self.tracker.expect(call_id, channel_id=self.channel_id(call_id), extension=extension, number=number, at=at)
        try:
            await self._control.originate(
                channel=channel,
                exten=exten,
                context=self._dialling.context,
                channel_id=self.channel_id(call_id),
                caller_id=exten,
            )
        except OutcomeUnknown:
            return
        except AmiError as error:
            self.tracker.unexpect(call_id)
            raise self._unavailable(error) from error

    async def hang_up(self, call_id: str, extension: str | None) -> None:
        """End the extension's part of a call, or the whole call without one."""
        channels = self.tracker.channels_of(call_id, extension)
        if not channels:
            raise NotFound("no such call")
        for channel in channels:
            await self._asked(self._end(channel))

    async def transfer(self, call_id: str, extension: str, to: str, *, attended: bool) -> None:
        """Hand the call from the extension to another extension or a number in E.164.

        Raises:
            NotFound: no such call. Invalid: field `to`, the dialplan has no such number. Unavailable: it was not done,
            or an attended one did not begin.
        """
        exten = dialled(to, self.tracker.numbering.region, self._dialling.form) if to.startswith("+") else to
        channel = self.tracker.live_channel(call_id, extension) if attended else self.tracker.outside_channel(call_id)
        if channel is None:
            raise NotFound("no such call")
        # A caller who is sent where nothing is would be cut off.
        if not await self._asked(self._control.may_dial(self._dialling.context, exten)):
            raise Invalid("to", "the telephone system knows no such extension")
        if not attended:
            await self._asked(self._control.redirect(channel, self._dialling.context, exten))
            return
        began = self._when(lambda: self.tracker.has_let_go(call_id, extension))
        await self._asked(self._control.attended(channel, exten, self._dialling.context))
        if not await began:
            raise Unavailable("the telephone system did not begin the transfer: it may allow none on this call")

    async def complete_transfer(self, call_id: str, extension: str) -> None:
        """Connect the party that waits with the one that the extension consults; raises as `transfer` does."""
        await self._asked(self._end(self._consulting(call_id, extension)))

    async def cancel_transfer(self, call_id: str, extension: str) -> None:
        """Take the extension back to the party that waits; raises as `transfer` does."""
        await self._asked(self._control.cancel_attended(self._consulting(call_id, extension)))

    def _consulting(self, call_id: str, extension: str) -> str:
        """The channel by which the extension consults somebody."""
        channel = self.tracker.consulting_channel(call_id, extension)
        if channel is None:
            raise Unavailable("nobody is being asked about this call any more")
        return channel

    def _when(self, truth: Callable[[], bool]) -> Awaitable[bool]:
        """Watch for it from now on, whatever comes meanwhile; awaiting gives whether it came soon enough."""
        came: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._expected[came] = truth

        async def wait() -> bool:
            try:
                async with asyncio.timeout(BEGINS_WITHIN):
                    return await came
            except TimeoutError:
                return False
            finally:
                self._expected.pop(came, None)

        return wait()

    async def _end(self, channel: str) -> None:
        """One that is gone by now is what was asked for: the first channel of a call to end takes others along."""
        try:
            await self._control.hang_up(channel)
        except ActionRefused as refusal:
            if "no such channel" not in str(refusal).lower():
                raise

    async def _asked(self, action: Awaitable[Answer]) -> Answer:
        try:
            return await action
        except OutcomeUnknown as error:
            raise Unavailable("the telephone system did not answer; the call shows what came of it") from error
        except AmiError as error:
            raise self._unavailable(error) from error

    def _renumber(self) -> None:
        self.tracker.numbering = self._endpoints.numbering

    async def _take(self, message: Message) -> None:
        self._endpoints.feed(message)
        self._heard.feed(message)
        if isinstance(message, Snapshot) and not message.periodic:
            for call_id in tuple(self.tracker.calls):
                await self._record(CallInterrupted(call_id=call_id, at=message.at))
            self._interrupted |= self.tracker.calls.keys()
        events = self.tracker.feed(message)
        if events:
            self._mind_interrupted(events)
            self.trace.note(message.at, message, events)
            for event in events:
                await self._record(event)
        for came, truth in self._expected.items():
            if not came.done() and truth():
                came.set_result(True)
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
            numbering=lambda: self.tracker.numbering,
            mark=records.mark,
            keep=records.keep,
        )
        return Backfill(self.name, records.source, around)

    def _mind_interrupted(self, events: Iterable[CallEvent]) -> None:
        """Have the records looked at when a call has ended of which they know more."""
        for event in events:
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
            self._endpoints.ask_again()
        else:
            self._phones.forget()
            self._queues.forget()
        self._on_status(self.name, status)

    def _unavailable(self, error: AmiError) -> Unavailable:
        """In a rep's words; what an operator has to put right is logged."""
        if isinstance(error, NotConnected):
            return Unavailable("the telephone system is not connected")
        if isinstance(error, ActionRefused):
            remedy = "the account needs write = call,originate" if "permission" in str(error).lower() else None
            log.warning("pbx refused", pbx=self.name, reason=str(error), remedy=remedy)
            return Unavailable("the telephone system refused this; the log says why")
        log.warning("pbx not asked", pbx=self.name, reason=str(error))
        return Unavailable("the telephone system can't do this")
