"""What arrives on a link, on its way to the one consumer: parsed, held back until the snapshot, queued."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from structlog.stdlib import BoundLogger

from zeoncrm.ami.inbox import Inbox
from zeoncrm.ami.link import Counters
from zeoncrm.ami.messages import CdrWritten, Malformed, Message, QueueJoined, QueueLeft, Reloaded, Snapshot
from zeoncrm.ami.parsing import Parsers, parse
from zeoncrm.ami.queues import MemberLeft, MemberSeen

# An account that may not read `call` gets these all the same: they are `cdr`, `agent` and `system`.
_OTHER_RIGHTS = (CdrWritten, QueueJoined, QueueLeft, MemberSeen, MemberLeft, Reloaded)


class Stream:
    """Takes the events of each link of a PBX in turn."""

    def __init__(self, inbox: Inbox[Message], parsers: Parsers, counters: Counters, log: BoundLogger) -> None:
        # Messages on the present link, and since its last snapshot, that prove the right to read `call`.
        self.received = 0
        self.since_snapshot = 0
        self._inbox = inbox
        self._parsers = parsers
        self._counters = counters
        self._log = log
        self._held: list[Message] | None = None

    @property
    def holds_back(self) -> bool:
        """Whether the first snapshot of this link is still to come: before it, events may have been lost."""
        return self._held is not None

    def begin(self) -> None:
        """A new link: what arrives is held back from now on."""
        self._held = []
        self.received = 0

    def receive(self, frame: bytes, at: datetime) -> None:
        """An event as it was read, and the UTC time of its arrival."""
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
            self.received += 1
            self.since_snapshot += 1
        if self._held is None:
            self._inbox.put(message)
        else:
            self._held.append(message)

    def put_snapshot(self, snapshot: Snapshot) -> None:
        """At its place, and behind it whatever was held back for it."""
        self.since_snapshot = 0
        self._inbox.put(snapshot)
        self.release()

    def release(self) -> None:
        """No snapshot comes, or it has come: what was held back goes on."""
        held, self._held = self._held or (), None
        for message in held:
            self._inbox.put(message)

    async def deliver(self, take: Callable[[Message], Awaitable[None]]) -> None:
        """Gives each message to `take`, one after the other, until cancelled."""
        while True:
            message = await self._inbox.take()
            try:
                await take(message)
            except Exception:
                self._counters.undelivered += 1
                self._log.exception("pbx message not taken", type=type(message).__name__)

    def _count_malformed(self, message: Malformed) -> None:
        if not self._counters.unparsable:
            self._log.warning("pbx message not understood; more of them are only counted", pbx_event=message.event)
        self._counters.unparsable += 1
