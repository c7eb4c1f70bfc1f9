"""What a PBX did, in the words of the CRM: the facts from which calls are built.

`ami.tracker` gives them in order for each call; `pipeline.calls.advance` applies them to a `Call`. All times are
aware datetimes in UTC. Numbers come twice: as the PBX wrote them, and in E.164 when they can be read as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Direction(StrEnum):
    """Who reached whom, whoever dialled first technically. Internal calls never become a `Call`."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallResult(StrEnum):
    """How a call ended. Inbound: answered or missed; outbound: all but missed."""

    ANSWERED = "answered"
    MISSED = "missed"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Reached(StrEnum):
    """How far an inbound call got that nobody answered."""

    RINGING = "ringing"
    IVR = "ivr"
    QUEUE = "queue"
    VOICEMAIL = "voicemail"
    PARKING = "parking"


class LegOutcome(StrEnum):
    """How one extension's part in a call ended."""

    ANSWERED = "answered"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    CANCELLED = "cancelled"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    FAILED = "failed"


class Source(StrEnum):
    """How we learned of a call: as it happened, found in progress after a reconnect, or from the CDR."""

    LIVE = "live"
    RECOVERED = "recovered"
    BACKFILLED = "backfilled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """Something that happened to one call (`call_id` is our own id, never a linkedid)."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(CallEvent):
    """An outside party reached us, or one of us reached out. Comes first, once, for each call.

    For a click-to-call the call exists before its first channel: the tracker gives no second `CallStarted` for it.
    """

    pbx: str
    direction: Direction
    linkedid: str
    number: str | None = None
    number_raw: str | None = None
    caller_name: str | None = None
    did: str | None = None
    source: Source = Source.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequested(CallEvent):
    """A person clicked on a number: the call exists from now on, before the PBX knows of it. Takes `CallStarted`'s
    place. `linkedid` is the channel id that we choose for the first channel."""

    pbx: str
    linkedid: str
    number: str | None
    number_raw: str
    requested_by: int
    deal_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLinked(CallEvent):
    """The PBX knows the call by this linkedid (or channel id) too: an alias, which a restart finds it by."""

    linkedid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIdentified(CallEvent):
    """Something of the outside party became known, or better known, after the start. None: nothing new."""

    number: str | None = None
    number_raw: str | None = None
    caller_name: str | None = None
    did: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQueued(CallEvent):
    """The caller waits in a queue."""

    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRang(CallEvent):
    """An extension of ours rings (again). For a click-to-call: the rep's own phone."""

    extension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideDialled(CallEvent):
    """Outbound: the rep is on the line and the outside number is being called."""

    extension: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideRang(CallEvent):
    """Outbound: it rings at the outside number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAnswered(CallEvent):
    """A device of this extension shares a talking bridge with the outside party."""

    extension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredOutside(CallEvent):
    """The call was forwarded to an outside number, nobody's of ours, which answered it for us."""

    number: str


@dataclass(frozen=True, slots=True)
class Consult:
    """`extension` of ours lets the caller wait and calls `other` (an extension, or a number) about the call; `talking`
    once they talk."""

    extension: str
    other: str
    talking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultChanged(CallEvent):
    """An attended transfer began, was answered, or is over (None): done, or taken back."""

    consult: Consult | None


@dataclass(frozen=True, slots=True)
class Hold:
    """`extension` of ours lets the caller wait on hold, since then (UTC)."""

    extension: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldChanged(CallEvent):
    """Who of ours has the caller on hold now."""

    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded(CallEvent):
    """An extension's part is over: it stopped ringing, or it left the conversation (outcome `answered`)."""

    extension: str
    outcome: LegOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(CallEvent):
    """The outside party is gone, or nobody of ours is left who could talk to them. Comes last, once.

    `reached` for missed calls. `provisional`: it ended while the link was away, at a time that we don't know.
    """

    result: CallResult
    reached: Reached | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInterrupted(CallEvent):
    """The link was away while the call went on: what happened meanwhile is only in the PBX's records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMerged(CallEvent):
    """This call turned out to be part of another and is given up: its outside party was only called to be connected
    with that one's."""

    into: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecorded(CallEvent):
    """The PBX records (a part of) the call in this file, named as the PBX sees it. Says nothing of the call's state."""

    file: str
