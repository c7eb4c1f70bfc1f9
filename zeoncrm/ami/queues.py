"""Who waits in the queues, and who is called for them.

Whether a member is busy is not told here: `QueueMemberStatus` comes for each device and each of its queues, and says
no more than the device's state. The changes need the right to read `agent`; the list needs none.
`QueueCallerLeave` comes however a caller leaves; the end of the channel counts as well, should it not be heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from zeoncrm.ami.headers import Fields, Lookup, escaped, number_of, text, text_of
from zeoncrm.ami.link import Listing
from zeoncrm.ami.messages import ChannelGone, Message, QueueJoined, QueueLeft
from zeoncrm.ami.parties import PHONES
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.pipeline.queues import Member, Queue, Waiting

# Of each queue, and queues: what is beyond is not kept, but no PBX has so many.
MOST_WAITING = 500
MOST_MEMBERS = 500
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
class MemberSeen(Message):
    """`interface` is a member of the queue: new, paused, or back."""

    queue: str
    interface: str
    member: Member


@dataclass(frozen=True, slots=True)
class MemberLeft(Message):
    """It is a member no more."""

    queue: str
    interface: str


@dataclass(slots=True)
class Known:
    """What is known of a queue: who waits by channel id, and the members by interface."""

    waiting: dict[str, Entry] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueuesListed(Message):
    """Every queue of the PBX."""

    queues: dict[str, Known]


class Queues:
    """The queues of one PBX."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        self._known: dict[str, Known] = {}

    def views(self, numbering: Numbering, call_of: Callable[[str], str | None]) -> tuple[Queue, ...]:
        """The queues as the CRM sees them. `call_of` gives the id of the call of a channel."""
        extensions = {device.partition("/")[2]: extension for device, extension in numbering.devices.items()}
        return tuple(
            Queue(
                self._pbx,
                name,
                tuple(_waiting(entry, numbering.region, call_of) for entry in _by_wait(known.waiting.values())),
                tuple(_called(member, extensions) for member in sorted(known.members.values(), key=_by_name)),
            )
            for name, known in self._known.items()
        )

    def feed(self, message: Message) -> bool:
        """Take the message if it is about queues; says whether anything is other than before."""
        if isinstance(message, ChannelGone):
            return any(known.waiting.pop(message.channel.uniqueid, None) for known in self._known.values())
        if isinstance(message, QueuesListed):
            before, self._known = self._known, message.queues
            for name, known in self._known.items():
                # What was heard is more exact: the list has whole seconds.
                heard = before[name].waiting if name in before else {}
                known.waiting = {uniqueid: heard.get(uniqueid, entry) for uniqueid, entry in known.waiting.items()}
            return before != self._known
        if not isinstance(message, QueueJoined | QueueLeft | MemberSeen | MemberLeft):
            return False
        place = _place(self._known, message.queue)
        return place is not None and _change(place, message)

    def forget(self) -> None:
        """The link is lost: nothing is known."""
        self._known = {}


def _place(queues: dict[str, Known], name: str) -> Known | None:
    """The queue of this name, made if there is room."""
    if name in queues or len(queues) < MOST_QUEUES:
        return queues.setdefault(name, Known())
    return None


def _change(known: Known, message: QueueJoined | QueueLeft | MemberSeen | MemberLeft) -> bool:
    match message:
        case QueueJoined(channel=channel):
            return _add(known, Entry(channel.uniqueid, channel.number, channel.caller_name, message.at))
        case QueueLeft(channel=channel):
            return known.waiting.pop(channel.uniqueid, None) is not None
        case MemberSeen(interface=interface, member=member):
            return _enlist(known, interface, member)
        case MemberLeft(interface=interface):
            return known.members.pop(interface, None) is not None


def _add(known: Known, entry: Entry) -> bool:
    if entry.uniqueid in known.waiting or len(known.waiting) >= MOST_WAITING:
        return False
    known.waiting[entry.uniqueid] = entry
    return True


def _enlist(known: Known, interface: str, member: Member) -> bool:
    is_new = interface not in known.members
    if known.members.get(interface) == member or (is_new and len(known.members) >= MOST_MEMBERS):
        return False
    known.members[interface] = member
    return True


def _by_wait(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.since)


def _by_name(member: Member) -> str:
    return member.name


def _called(member: Member, extensions: Mapping[str, str]) -> Member:
    """The member with the extension of its device, where that is named otherwise."""
    extension = extensions.get(member.extension or "")
    return replace(member, extension=extension) if extension else member


def _waiting(entry: Entry, region: str, call_of: Callable[[str], str | None]) -> Waiting:
    number = normalise(entry.number, region)
    return Waiting(call_of(entry.uniqueid), number, entry.number, entry.caller_name, entry.since)


def _listed(frames: Sequence[bytes], at: datetime) -> QueuesListed:
    queues: dict[str, Known] = {}
    for headers in map(Fields, frames):
        known = _place(queues, name) if (name := text_of(headers, "Queue")) else None
        if known is None or name is None:
            continue
        if headers.get("Event") == "QueueEntry" and (entry := _entry(headers, at)):
            _add(known, entry)
        elif headers.get("Event") == "QueueMember" and (seen := _member(headers, at)):
            _enlist(known, seen.interface, seen.member)
    return QueuesListed(at, queues)


def _member(headers: Lookup, at: datetime) -> MemberSeen | None:
    queue, interface = text_of(headers, "Queue"), text_of(headers, "Interface") or text_of(headers, "Location")
    if queue is None or interface is None:
        return None
    extension = extension_of(text_of(headers, "StateInterface") or interface) or extension_of(interface)
    name = escaped(headers.get("MemberName") or headers.get("Name")) or interface
    return MemberSeen(at, queue, interface, Member(extension, name, headers.get("Paused") == "1"))


def _left(headers: Lookup, at: datetime) -> MemberLeft | None:
    queue, interface = text_of(headers, "Queue"), text_of(headers, "Interface") or text_of(headers, "Location")
    return MemberLeft(at, queue, interface) if queue and interface else None


def extension_of(interface: str) -> str | None:
    """The extension in `PJSIP/101` or `Local/101@from-queue/n`."""
    technology, _, rest = interface.partition("/")
    if technology == "Local":
        return rest.partition("@")[0] or None
    return rest or None if technology in PHONES else None


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


PARSERS = {
    b"QueueMemberAdded": _member,
    b"QueueMemberPause": _member,
    b"QueueMemberRemoved": _left,
}
# A PBX that refuses has no queues: the module is not loaded.
LISTING = Listing("QueueStatus", _listed, None)
