"""One supervised AMI connection: it logs in, resyncs, keeps alive and comes back by itself."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from zeoncrm.ami.actions import ActionHeaders, Reply, check_headers
from zeoncrm.ami.backoff import Backoff
from zeoncrm.ami.errors import (
    ActionRefused,
    AmiError,
    EventsStopped,
    LinkLost,
    LoginRefused,
    NotConnected,
    OutcomeUnknown,
    is_in_use,
)
from zeoncrm.ami.inbox import Inbox
from zeoncrm.ami.link import Counters, LinkState, LinkStatus, Listing, PbxAccount, Timings
from zeoncrm.ami.messages import CdrWritten, Malformed, Message, QueueJoined, QueueLeft, Reloaded
from zeoncrm.ami.parsing import PARSERS, RECORDING_VARIABLE, Parsers, parse, parse_status
from zeoncrm.ami.queues import MemberLeft, MemberSeen
from zeoncrm.ami.rights import Rights, learn_rights
from zeoncrm.ami.wire import Wire

__all__ = ["AmiConnection", "Counters", "LinkState", "LinkStatus", "PbxAccount", "Reply", "Timings"]

log = structlog.get_logger(__name__)

_DEFAULT_TIMINGS = Timings()
# An account that may not read `call` gets these all the same: they are `cdr`, `agent` and `system`.
_OTHER_RIGHTS = (CdrWritten, QueueJoined, QueueLeft, MemberSeen, MemberLeft, Reloaded)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AmiConnection:
    """Delivers what happens on one PBX, in order, through one consumer which awaits `deliver` for each message.

    On each connection the first delivery is a `Snapshot`; then comes what had arrived since the login, then what
    arrives. Further snapshots come every `snapshot_period`, at their place in the stream. Asterisk holds its
    events in a queue but writes the snapshot at once, so that a snapshot is never older than what was delivered
    before it, but events after it may tell what it already shows. An account that may not ask for `Status` gets no
    snapshots. While `calls_go_on` a link without events for `watch_after` is looked at: it may answer pings and yet
    be dead.

    When the consumer falls behind by `queue_limit` messages the socket is not read until it has caught up: nothing
    is lost here. `on_status` and `on_frame` are called from the loop and must neither block nor raise.
    """

    def __init__(
        self,
        account: PbxAccount,
        deliver: Callable[[Message], Awaitable[None]],
        *,
        on_status: Callable[[LinkStatus], None] | None = None,
        on_frame: Callable[[bytes, datetime], None] | None = None,
        calls_go_on: Callable[[], bool] = lambda: False,
        clock: Callable[[], datetime] = _utc_now,
        timings: Timings = _DEFAULT_TIMINGS,
        queue_limit: int = 10_000,
        listings: Sequence[Listing] = (),
        parsers: Parsers = PARSERS,
    ) -> None:
        self.account = account
        self.status = LinkStatus(LinkState.CONNECTING, clock(), None)
        self.version: str | None = None
        # The last time that it was not up, and why; it stays when the link is back.
        self.last_trouble: LinkStatus | None = None
        self.rights = Rights()
        self._counters = Counters()
        self._deliver = deliver
        self._on_status = on_status
        self._on_frame = on_frame
        self._calls_go_on = calls_go_on
        self._clock = clock
        self._timings = timings
        self._listings = listings
        self._parsers = parsers
        # What the PBX does not list, and what is missing for that.
        self._refused_listings: set[Listing] = set()
        self._unlisted: str | None = None
        self._log = log.bind(pbx=account.name)
        self._told: tuple[LinkState, str | None] | None = None
        self._inbox = Inbox[Message](queue_limit, self._hold_up, self._go_on)
        self._wire: Wire | None = None
        self._held: list[Message] | None = None
        self._dropped_before = 0
        self._received = 0  # messages on the present link that prove the right to read `call`
        self._since_snapshot = 0
        self._looked_at = self.status.since
        self._channels: frozenset[str] = frozenset()
        self._again = asyncio.Event()
        self._backoff = Backoff(timings.backoff_first, timings.backoff_longest)
        self._refused = Backoff(timings.refused_first, timings.refused_longest)

    @property
    def counters(self) -> Counters:
        """As they are now."""
        dropped = self._dropped_before + (self._wire.framer.dropped if self._wire else 0)
        return replace(self._counters, dropped=dropped)

    @property
    def backlog(self) -> int:
        """Messages received and not yet delivered."""
        return len(self._inbox)

    async def run(self) -> None:
        """Keeps the link up until it is cancelled. Nothing that a PBX does makes it raise."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deliver_all())
            tasks.create_task(self._supervise())

    async def action(self, headers: ActionHeaders, *, timeout: float = 5) -> Reply:
        """Sends an action, once: it is never repeated on a later connection.

        Raises `BadHeader` for a header that could be read as something else, `NotConnected` at once when the link
        is not up (nothing was sent), `ActionRefused` with Asterisk's words, `OutcomeUnknown` when the link is lost
        or `timeout` seconds pass before the answer: the action may have been carried out.
        """
        check_headers(headers)
        return await self._connected().request(headers, timeout=timeout)

    async def listing(self, headers: ActionHeaders, *, timeout: float = 15) -> list[bytes]:
        """Sends an action that is answered with a list; gives its entries, undecoded. Raises as `action` does."""
        entries: list[bytes] = []
        await self._connected().request(headers, timeout=timeout, on_list=entries.extend)
        return entries

    def retry(self) -> None:
        """Connects anew at once, whatever it waits for; one that is up too, as rights are given at the log-in."""
        self._backoff.reset()
        self._refused.reset()
        self._again.set()
        if self._wire is not None:
            self._wire.abort("asked to connect anew")

    def _connected(self) -> Wire:
        if self._wire is None or self.status.state is not LinkState.UP:
            raise NotConnected(self.status.reason or self.status.state)
        return self._wire

    # The life of the link

    async def _supervise(self) -> None:
        while True:
            pause = await self._attempt()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._again.wait()
            self._again.clear()

    async def _attempt(self) -> float:
        """Lives through one connection; gives the seconds to wait before the next."""
        wire = Wire(self._receive, self._clock, self._trace if self._on_frame else None)
        try:
            await self._use(wire)
        except LoginRefused as refusal:
            self._change(LinkState.AUTH_FAILED, str(refusal))
            return self._refused.next()
        except AmiError as error:
            self._counters.stalls += isinstance(error, EventsStopped)
            self._change(LinkState.DOWN, str(error))
        except Exception as error:
            self._log.exception("pbx link failed")
            self._change(LinkState.DOWN, f"internal error: {type(error).__name__}")
        finally:
            self._leave(wire)
        return self._backoff.next()

    async def _use(self, wire: Wire) -> None:
        self._held = []
        self._received = 0
        self._wire = wire
        await wire.open(self.account.host, self.account.port, self._timings.connect_timeout)
        self.version = await wire.greeting(self._timings.login_timeout)
        await self._log_in(wire)
        self._counters.logins += 1
        self._change(LinkState.CONNECTING)
        wire.keep_alive(self._timings.ping_interval, self._timings.ping_timeout)
        await wire.idle(self._timings.boot_wait)
        self._refused_listings.clear()
        self._unlisted = None
        lack = await self._take_snapshot(wire)
        await self._learn_rights(wire)
        amiss = None if self.rights.write is not None else lack
        self._up(amiss)
        await self._take_listings(wire, amiss)
        good = asyncio.get_running_loop().call_later(self._timings.steady_after, self._backoff.reset)
        try:
            while True:
                await self._wait_for_snapshot(wire)
                if lack is None:
                    await self._compare_snapshots(wire)
                await self._take_listings(wire, amiss)
        finally:
            good.cancel()

    async def _wait_for_snapshot(self, wire: Wire) -> None:
        """Until it is time for the next one, or something makes one worth having."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._snapshot_pause()
        while (left := due - loop.time()) > 0:
            if await wire.idle(min(left, self._timings.watch_after)) or self._is_quiet():
                return

    def _is_quiet(self) -> bool:
        """No event for long, though calls go on. A talk makes none, so that this proves nothing yet."""
        if not self._calls_go_on():
            return False
        last = max(self._looked_at, self._counters.last_message_at or self._looked_at)
        return (self._clock() - last).total_seconds() >= self._timings.watch_after

    async def _learn_rights(self, wire: Wire) -> None:
        ask = partial(wire.request, timeout=self._timings.login_timeout)
        self.rights = await learn_rights(ask, self.account.username)
        if wire.lost is not None:
            raise LinkLost(wire.lost)

    def _snapshot_pause(self) -> float:
        usual = self._timings.snapshot_period
        return usual if self._received else min(usual, self._timings.unproven_period)

    def _leave(self, wire: Wire) -> None:
        wire.abort("closed by us")
        self._dropped_before += wire.framer.dropped
        self._wire = None
        # What arrived before the link was lost did happen, though no snapshot came before it.
        self._release()

    async def _log_in(self, wire: Wire) -> None:
        login = {
            "Action": "Login",
            "Username": self.account.username,
            "Secret": self.account.secret,
            "Events": "on",
        }
        try:
            await wire.request(login, timeout=self._timings.login_timeout)
        except ActionRefused as refusal:
            if is_in_use(refusal):  # by a session of our own, perhaps, that the PBX has not missed yet
                raise LinkLost(f"{refusal}: manager.conf says allowmultiplelogin = no") from None
            raise LoginRefused(str(refusal)) from None
        self._refused.reset()

    # Snapshots

    async def _take_snapshot(self, wire: Wire) -> str | None:
        """Puts a snapshot into the stream, and whatever was held back for it. Says why when there can be none."""
        try:
            put = partial(self._put_snapshot, self._clock())
            headers = {"Action": "Status", "Variables": RECORDING_VARIABLE}
            await wire.request(headers, timeout=self._timings.snapshot_timeout, on_list=put)
        except ActionRefused as refusal:
            if "permission" not in str(refusal).lower():
                raise
            self._release()
            return f"calls in progress cannot be seen: may the account write `call`? Status: {refusal}"
        return None

    def _put_snapshot(self, asked_at: datetime, entries: list[bytes]) -> None:
        # Held back until now: the first one of this connection, before which events may have been lost.
        periodic = self._held is None
        snapshot = parse_status(entries, asked_at, periodic=periodic)
        self._channels = frozenset(status.channel.uniqueid for status in snapshot.channels)
        self._since_snapshot = 0
        self._looked_at = max(asked_at, self._looked_at)
        self._inbox.put(snapshot)
        self._release()

    async def _compare_snapshots(self, wire: Wire) -> None:
        """A link can answer pings while its events are dead: channels that came or went without one event tell."""
        channels, silent = self._channels, self._since_snapshot == 0
        await self._take_snapshot(wire)
        if silent and self._channels != channels:
            # The events of these very channels may be under way; the next ping brings them in any case.
            await wire.idle(self._timings.ping_interval + self._timings.ping_timeout)
            silent = self._since_snapshot == 0
            if silent and self._received:
                raise EventsStopped("events have stopped while calls go on")
            if silent:
                self._up("no events come while calls go on: may the account read `call`?")
        if self._received:
            self._up()

    # What else is listed

    async def _take_listings(self, wire: Wire, amiss: str | None) -> None:
        """Puts each listing into the stream. A PBX that can't give one is not asked again on this connection."""
        for listing in self._listings:
            if listing in self._refused_listings:
                continue
            try:
                put = partial(self._put_listing, listing, self._clock())
                await wire.request({"Action": listing.action}, timeout=self._timings.snapshot_timeout, on_list=put)
            except (ActionRefused, OutcomeUnknown) as error:
                if wire.lost is not None:
                    return  # the next wait says so
                self._refused_listings.add(listing)
                if listing.lack is not None:
                    self._unlisted = f"{listing.lack} ({listing.action}: {error})"
                    self._up(amiss)

    def _put_listing(self, listing: Listing, asked_at: datetime, entries: list[bytes]) -> None:
        self._inbox.put(listing.read(entries, asked_at))

    # What comes in

    def _receive(self, frame: bytes, at: datetime) -> None:
        self._counters.events += 1
        message = parse(frame, at, self._parsers)
        if message is None:
            return
        if isinstance(message, Malformed):
            self._count_malformed(message)
            return
        self._counters.messages += 1
        self._counters.last_message_at = at
        if not isinstance(message, _OTHER_RIGHTS):
            self._received += 1
            self._since_snapshot += 1
        if self._held is None:
            self._inbox.put(message)
        else:
            self._held.append(message)

    def _count_malformed(self, message: Malformed) -> None:
        if not self._counters.unparsable:
            self._log.warning("pbx message not understood; more of them are only counted", pbx_event=message.event)
        self._counters.unparsable += 1

    def _release(self) -> None:
        held, self._held = self._held or (), None
        for message in held:
            self._inbox.put(message)

    def _trace(self, frame: bytes, at: datetime) -> None:
        if self._on_frame is None:
            return
        try:
            self._on_frame(frame, at)
        except Exception:
            self._log.exception("pbx trace failed; it is stopped")
            self._on_frame = None

    async def _deliver_all(self) -> None:
        while True:
            message = await self._inbox.take()
            try:
                await self._deliver(message)
            except Exception:
                self._counters.undelivered += 1
                self._log.exception("pbx message not taken", type=type(message).__name__)

    def _hold_up(self) -> None:
        if self._wire is not None and not self._wire.paused:
            self._wire.pause()
            self._log.warning("pbx is held up: events come faster than they are taken", backlog=len(self._inbox))

    def _go_on(self) -> None:
        if self._wire is not None and self._wire.paused:
            self._wire.resume()
            self._log.info("pbx is read again")

    # What is known of the link

    def _up(self, amiss: str | None = None) -> None:
        self._change(LinkState.UP, "; ".join(filter(None, (self.rights.lack(), amiss, self._unlisted))) or None)

    def _change(self, state: LinkState, reason: str | None = None) -> None:
        before = self.status
        if (state, reason) == (before.state, before.reason):
            return
        self.status = LinkStatus(state, before.since if state is before.state else self._clock(), reason)
        if state in (LinkState.DOWN, LinkState.AUTH_FAILED):
            self.last_trouble = self.status
        self._log_change()
        if self._on_status is not None:
            try:
                self._on_status(self.status)
            except Exception:
                self._log.exception("pbx status not taken")

    def _log_change(self) -> None:
        """Says once that the link went, and once that it is back."""
        status = self.status
        told = (status.state, status.reason if status.state is LinkState.UP else None)
        if status.state is LinkState.CONNECTING or told == self._told:
            return
        self._told = told
        level = logging.INFO if told == (LinkState.UP, None) else logging.WARNING
        self._log.log(level, f"pbx {status.state}", reason=status.reason)
