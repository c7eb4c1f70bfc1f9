"""One supervised AMI connection: it logs in, resyncs, keeps alive and comes back by itself."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from zeoncrm.ami.actions import ActionHeaders, Asked, Reply, check_headers
from zeoncrm.ami.backoff import Backoff
from zeoncrm.ami.condition import Condition, learn_condition
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
from zeoncrm.ami.link_news import LinkNews
from zeoncrm.ami.listings import Listings
from zeoncrm.ami.messages import Message
from zeoncrm.ami.parsing import PARSERS, RECORDING_VARIABLE, Parsers, holding_bridges, parse_status
from zeoncrm.ami.rights import Rights, learn_rights
from zeoncrm.ami.stream import Stream
from zeoncrm.ami.wire import Wire

__all__ = ["AmiConnection", "Counters", "LinkState", "LinkStatus", "PbxAccount", "Reply", "Timings"]

log = structlog.get_logger(__name__)

_DEFAULT_TIMINGS = Timings()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AmiConnection:
    """Delivers what happens on one PBX, in order, through one consumer which awaits `deliver` for each message.

    On each connection the first delivery is a `Snapshot`; then comes what had arrived since the login, then what
    arrives. What is needed to understand them is asked for by `prepare`, before the first snapshot. Further snapshots
    come every `snapshot_period`, at their place in the stream. Asterisk holds its events in a queue but writes the
    snapshot at once, so that a snapshot is never older than what was delivered before it, but events after it may
    tell what it already shows. An account that may not ask for `Status` gets no snapshots. While `calls_go_on` a link
    without events for `watch_after` is looked at: it may answer pings and yet be dead.

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
        prepare: Callable[[Asked], Awaitable[None]] | None = None,
        calls_go_on: Callable[[], bool] = lambda: False,
        clock: Callable[[], datetime] = _utc_now,
        timings: Timings = _DEFAULT_TIMINGS,
        queue_limit: int = 10_000,
        listings: Sequence[Listing] = (),
        parsers: Parsers = PARSERS,
    ) -> None:
        self.account = account
        self.version: str | None = None
        self.rights = Rights()
        self.condition = Condition()
        self._counters = Counters()
        self._deliver = deliver
        self._on_frame = on_frame
        self._prepare = prepare
        self._calls_go_on = calls_go_on
        self._clock = clock
        self._timings = timings
        self._log = log.bind(pbx=account.name)
        self._news = LinkNews(clock, on_status, self._log)
        self._inbox = Inbox[Message](queue_limit, self._hold_up, self._go_on)
        self._stream = Stream(self._inbox, parsers, self._counters, self._log)
        self._listings = Listings(listings, self._inbox.put, clock, timings.snapshot_timeout)
        self._wire: Wire | None = None
        self._dropped_before = 0
        self._looked_at = self.status.since
        self._channels: frozenset[str] = frozenset()
        self._again = asyncio.Event()
        self._backoff = Backoff(timings.backoff_first, timings.backoff_longest)
        self._refused = Backoff(timings.refused_first, timings.refused_longest)

    @property
    def status(self) -> LinkStatus:
        """How the link is."""
        return self._news.status

    @property
    def last_trouble(self) -> LinkStatus | None:
        """The last time that it was not up, and why; it stays when the link is back."""
        return self._news.last_trouble

    @property
    def counters(self) -> Counters:
        """As they are now."""
        dropped = self._dropped_before + (self._wire.framer.dropped if self._wire else 0)
        return replace(self._counters, dropped=dropped)

    @property
    def backlog(self) -> int:
        """Messages received and not yet delivered."""
        return len(self._inbox)

    @property
    def silence(self) -> float:
        """Seconds since the PBX was last heard from; what it tells now may be under way for so long."""
        return self._wire.silence if self._wire else float("inf")

    async def run(self) -> None:
        """Keeps the link up until it is cancelled. Nothing that a PBX does makes it raise."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stream.deliver(self._deliver))
            tasks.create_task(self._supervise())

    async def action(self, headers: ActionHeaders, *, timeout: float = 5) -> Reply:
        """Sends an action, once: it is never repeated on a later connection.

        Raises `BadHeader` for a header that could be read as something else, `NotConnected` at once when the link
        is not up (nothing was sent), `ActionRefused` with Asterisk's words, `OutcomeUnknown` when the link is lost
        or `timeout` seconds pass before the answer: the action may have been carried out.
        """
        check_headers(headers)
        return await self._connected().action(headers, timeout=timeout)

    async def listing(self, headers: ActionHeaders, *, timeout: float = 15) -> list[bytes]:
        """Sends an action that is answered with a list; gives its entries, undecoded. Raises as `action` does."""
        return await self._connected().listing(headers, timeout=timeout)

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
        wire = Wire(self._stream.receive, self._clock, self._trace if self._on_frame else None)
        try:
            await self._use(wire)
        except LoginRefused as refusal:
            self._news.change(LinkState.AUTH_FAILED, str(refusal))
            return self._refused.next()
        except AmiError as error:
            self._counters.stalls += isinstance(error, EventsStopped)
            self._news.change(LinkState.DOWN, str(error))
        except Exception as error:
            self._log.exception("pbx link failed")
            self._news.change(LinkState.DOWN, f"internal error: {type(error).__name__}")
        finally:
            self._leave(wire)
        return self._backoff.next()

    async def _use(self, wire: Wire) -> None:
        self._stream.begin()
        self._wire = wire
        await wire.open(self.account.host, self.account.port, self._timings.connect_timeout)
        self.version = await wire.greeting(self._timings.login_timeout)
        await self._log_in(wire)
        self._counters.logins += 1
        self._news.change(LinkState.CONNECTING)
        wire.keep_alive(self._timings.ping_interval, self._timings.ping_timeout)
        await wire.idle(self._timings.boot_wait)
        self._listings.begin()
        await self._get_ready(wire)
        lack = await self._take_snapshot(wire)
        await self._learn_rights(wire)
        await self._learn_condition(wire)
        amiss = None if self.rights.write is not None else lack
        self._up(amiss)
        await self._listings.take(wire, partial(self._up, amiss))
        good = asyncio.get_running_loop().call_later(self._timings.steady_after, self._backoff.reset)
        try:
            while True:
                await self._wait_for_snapshot(wire)
                await self._learn_condition(wire)
                if lack is None:
                    await self._compare_snapshots(wire)
                await self._listings.take(wire, partial(self._up, amiss))
        finally:
            good.cancel()

    async def _get_ready(self, wire: Wire) -> None:
        """Events wait meanwhile, so that it has its limit."""
        if self._prepare is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timings.prepare_timeout):
                await self._prepare(wire)
        if wire.lost is not None:
            raise LinkLost(wire.lost)

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

    async def _learn_condition(self, wire: Wire) -> None:
        ask = partial(wire.request, timeout=self._timings.login_timeout)
        before, self.condition = self.condition, await learn_condition(ask, self.account.username)
        if wire.lost is not None:
            raise LinkLost(wire.lost)
        if (before.cuts_soon, before.clocks_differ) != (self.condition.cuts_soon, self.condition.clocks_differ):
            for words in self.condition.words:
                self._log.warning("pbx is connected, but not as it should be", reason=words)

    def _snapshot_pause(self) -> float:
        usual = self._timings.snapshot_period
        return usual if self._stream.received else min(usual, self._timings.unproven_period)

    def _leave(self, wire: Wire) -> None:
        wire.abort("closed by us")
        self._dropped_before += wire.framer.dropped
        self._wire = None
        # What arrived before the link was lost did happen, though no snapshot came before it.
        self._stream.release()

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
            holding = await self._holding(wire)
            put = partial(self._put_snapshot, self._clock(), holding)
            headers = {"Action": "Status", "Variables": RECORDING_VARIABLE}
            await wire.request(headers, timeout=self._timings.snapshot_timeout, on_list=put)
        except ActionRefused as refusal:
            if "permission" not in str(refusal).lower():
                raise
            self._stream.release()
            return f"calls in progress cannot be seen: may the account write `call`? Status: {refusal}"
        return None

    async def _holding(self, wire: Wire) -> frozenset[str]:
        """The bridges in which nobody hears another; a PBX that does not tell is judged by its applications."""
        entries: list[bytes] = []
        with contextlib.suppress(ActionRefused, OutcomeUnknown):
            entries = await wire.listing({"Action": "BridgeList"}, timeout=self._timings.login_timeout)
        return holding_bridges(entries)

    def _put_snapshot(self, asked_at: datetime, holding: frozenset[str], entries: list[bytes]) -> None:
        snapshot = parse_status(entries, asked_at, periodic=not self._stream.holds_back, holding=holding)
        self._channels = frozenset(status.channel.uniqueid for status in snapshot.channels)
        self._looked_at = max(asked_at, self._looked_at)
        self._stream.put_snapshot(snapshot)

    async def _compare_snapshots(self, wire: Wire) -> None:
        """A link can answer pings while its events are dead: channels that came or went without one event tell."""
        channels, silent = self._channels, self._stream.since_snapshot == 0
        await self._take_snapshot(wire)
        if silent and self._channels != channels:
            # The events of these very channels may be under way; the next ping brings them in any case.
            await wire.idle(self._timings.ping_interval + self._timings.ping_timeout)
            silent = self._stream.since_snapshot == 0
            if silent and self._stream.received:
                raise EventsStopped("events have stopped while calls go on")
            if silent:
                self._up("no events come while calls go on: may the account read `call`?")
        if self._stream.received:
            self._up()

    # What comes in

    def _trace(self, frame: bytes, at: datetime) -> None:
        if self._on_frame is None:
            return
        try:
            self._on_frame(frame, at)
        except Exception:
            self._log.exception("pbx trace failed; it is stopped")
            self._on_frame = None

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
        reasons = filter(None, (self.rights.lack(), amiss, self._listings.lack))
        self._news.change(LinkState.UP, "; ".join(reasons) or None)
