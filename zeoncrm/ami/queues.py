"""Who waits in the queues.

The changes need the right to read `agent`; the list needs none. `QueueCallerLeave` comes however a caller leaves; the
end of the channel counts as well, should it not be heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from zeoncrm.ami.headers import Fields, Lookup, escaped, number_of, text, text_of
from zeoncrm.ami.link import Listing
from zeoncrm.ami.messages import ChannelGone, Message, QueueJoined, QueueLeft
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.pipeline.queues import Queue, Waiting

# Of each queue, and queues: what is beyond is counted nowhere, but no PBX has so many.
MOST_WAITING = 500
MOST_QUEUES = 500
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A caller in a queue, by the id of the channel. `since`: UTC."""

    uniqueid: str
    number: str | None
    caller_name: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class QueuesListed(Message):
    """Every queue of the PBX, with who waits."""

    queues: dict[str, tuple[Entry, ...]]


class Queues:
    """The queues of one PBX."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        self._waiting: dict[str, dict[str, Entry]] = {}

    def views(self, region: str, call_of: Callable[[str], str | None]) -> tuple[Queue, ...]:
        """The queues as the CRM sees them. `call_of` gives the id of the call of a channel."""
        return tuple(
            Queue(self._pbx, name, tuple(_waiting(entry, region, call_of) for entry in _by_wait(entries.values())))
            for name, entries in self._waiting.items()
        )

    def feed(self, message: Message) -> bool:
        """Take the message if it is about queues; says whether anything is other than before."""
        if isinstance(message, QueueJoined):
            return self._join(message)
        if isinstance(message, QueueLeft):
            return self._leave(message.channel.uniqueid, message.queue)
        if isinstance(message, ChannelGone):
            return any(self._leave(message.channel.uniqueid, name) for name in self._waiting)
        if isinstance(message, QueuesListed):
            listed = {name: {entry.uniqueid: entry for entry in entries} for name, entries in message.queues.items()}
            before, self._waiting = self._waiting, {name: self._as_known(name, listed[name]) for name in listed}
            return before != self._waiting
        return False

    def forget(self) -> None:
        """The link is lost: nothing is known."""
        self._waiting.clear()

    def _join(self, message: QueueJoined) -> bool:
        if len(self._waiting) >= MOST_QUEUES and message.queue not in self._waiting:
            return False
        entries, channel = self._waiting.setdefault(message.queue, {}), message.channel
        if channel.uniqueid in entries or len(entries) >= MOST_WAITING:
            return False
        entries[channel.uniqueid] = Entry(channel.uniqueid, channel.number, channel.caller_name, message.at)
        return True

    def _leave(self, uniqueid: str, name: str) -> bool:
        return self._waiting.get(name, {}).pop(uniqueid, None) is not None

    def _as_known(self, name: str, entries: dict[str, Entry]) -> dict[str, Entry]:
        """What is known already is more exact: the list has whole seconds, and begins anew after a transfer."""
        known = self._waiting.get(name, {})
        return {uniqueid: known.get(uniqueid, entry) for uniqueid, entry in entries.items()}


def _by_wait(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.since)


def _waiting(entry: Entry, region: str, call_of: Callable[[str], str | None]) -> Waiting:
    number = normalise(entry.number, region)
    return Waiting(call_of(entry.uniqueid), number, entry.number, entry.caller_name, entry.since)


def _listed(frames: Sequence[bytes], at: datetime) -> QueuesListed:
    queues: dict[str, tuple[Entry, ...]] = {}
    for headers in map(Fields, frames):
        name = text_of(headers, "Queue")
        if name is None or (name not in queues and len(queues) >= MOST_QUEUES):
            continue
        entries = queues.setdefault(name, ())
        entry = _entry(headers, at) if headers.get("Event") == "QueueEntry" else None
        if entry is not None and len(entries) < MOST_WAITING:
            queues[name] = (*entries, entry)
    return QueuesListed(at, queues)


def _entry(headers: Lookup, at: datetime) -> Entry | None:
    uniqueid = headers.get("Uniqueid")
    if not uniqueid or len(uniqueid) > _LONGEST_ID:
        return None
    since = at - timedelta(seconds=number_of(headers, "Wait") or 0)
    number, name = (_known(headers.get(header)) for header in ("CallerIDNum", "CallerIDName"))
    return Entry(uniqueid, text(number), escaped(name), since)


def _known(value: str | None) -> str | None:
    """Here, and only here, Asterisk writes `unknown` for what it does not know."""
    return None if value == "unknown" else value


# A PBX that refuses has no queues: the module is not loaded.
LISTING = Listing("QueueStatus", _listed, None)
