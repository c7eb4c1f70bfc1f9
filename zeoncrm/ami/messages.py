"""What Asterisk tells us, typed: the AMI events that calls are made of, and the snapshot of its channels.

Each message carries `at`, the time in UTC at which it came. `parsing` makes them of what is read.
Source: the events' documentation of Asterisk 13 to 22, and recorded streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from zeoncrm.ami.facts import Facts as Facts


@dataclass(frozen=True, slots=True)
class Message:
    """Something that the PBX said. `at`: when it came, UTC."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelSeen(Message):
    """A channel is there (`created`: it is new), or its state or caller changed."""

    channel: Facts
    created: bool = False


@dataclass(frozen=True, slots=True)
class ChannelRenamed(Message):
    """A channel goes on under another name."""

    uniqueid: str
    name: str


@dataclass(frozen=True, slots=True)
class HangupAsked(Message):
    """The party at this channel hung up; the channel itself ends a little later."""

    channel: Facts


@dataclass(frozen=True, slots=True)
class ChannelGone(Message):
    """A channel ended. `cause` is the Q.850 code, `sip` the SIP status behind it where Asterisk tells."""

    channel: Facts
    cause: int | None = None
    sip: int | None = None


@dataclass(frozen=True, slots=True)
class DialBegan(Message):
    """`source` calls `target`; a target without a source was originated, to talk with the number `connected`."""

    source: Facts | None
    target: Facts
    dialled: str | None = None
    connected: str | None = None


@dataclass(frozen=True, slots=True)
class DialProgressed(Message):
    """It rings at the target (RINGING), or the network plays something that stands for it (PROGRESS)."""

    source: Facts | None
    target: Facts
    status: str


@dataclass(frozen=True, slots=True)
class DialEnded(Message):
    """The target answered (ANSWER) or why it is no longer called (BUSY, NOANSWER, CANCEL, CONGESTION...)."""

    source: Facts | None
    target: Facts
    status: str


@dataclass(frozen=True, slots=True)
class BridgeEntered(Message):
    """A channel shares a bridge. In a holding bridge (parking, waiting) nobody hears anybody."""

    bridge: str
    channel: Facts
    holding: bool = False


@dataclass(frozen=True, slots=True)
class BridgeLeft(Message):
    """A channel left a bridge."""

    bridge: str
    channel: Facts


@dataclass(frozen=True, slots=True)
class BridgeGone(Message):
    """A bridge ended; nobody is in it any more."""

    bridge: str


@dataclass(frozen=True, slots=True)
class QueueJoined(Message):
    """A caller waits in a queue."""

    channel: Facts
    queue: str


@dataclass(frozen=True, slots=True)
class QueueLeft(Message):
    """A caller waits there no longer: answered, given up, or sent on."""

    channel: Facts
    queue: str


@dataclass(frozen=True, slots=True)
class PickedUp(Message):
    """`picker` took the call that rang at `target`."""

    picker: Facts
    target: Facts


@dataclass(frozen=True, slots=True)
class Transferred(Message):
    """A transfer joined these channels into one call."""

    channels: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class Held(Message):
    """The party at this channel lets the others wait, or talks with them again (`held` is False)."""

    channel: Facts
    held: bool


@dataclass(frozen=True, slots=True)
class Parked(Message):
    """A channel was parked, or left its parking space (`parked` is False)."""

    channel: Facts
    parked: bool


@dataclass(frozen=True, slots=True)
class VoicemailLeft(Message):
    """The caller at this channel left a message in a voice mailbox."""

    channel: Facts


@dataclass(frozen=True, slots=True)
class Originated(Message):
    """How an asynchronous Originate went. `reason`: 0 failed, 1 or 3 not taken, 4 taken, 5 busy, 8 congestion.

    `channel` and `exten` are what was to be connected: a failure does not tell the channel that rang.
    """

    success: bool
    channel: str | None
    exten: str | None
    reason: int | None
    action: str | None


@dataclass(frozen=True, slots=True)
class CdrWritten(Message):
    """A call record: `application` is the last one that ran on the channel; `dialled` the channel it called."""

    uniqueid: str
    application: str | None
    dialled: str | None


@dataclass(frozen=True, slots=True)
class RecordingBegan(Message):
    """MixMonitor records what is said on this channel. The event does not tell the file: the channel is to be asked."""

    channel: Facts


@dataclass(frozen=True, slots=True)
class RecordingNamed(Message):
    """The file in which a channel is recorded. No event: the answer to a question of ours."""

    uniqueid: str
    file: str


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """A channel in a snapshot; `bridge` is None when it is alone, `holding` if nobody there hears another, `seconds` is
    its age.

    `dnid` is the number that was called to reach the PBX, whatever became of it in the dialplan.
    """

    channel: Facts
    bridge: str | None = None
    application: str | None = None
    data: str | None = None
    dnid: str | None = None
    seconds: int = 0
    recording: str | None = None
    holding: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot(Message):
    """All channels of the PBX. `at` is the time at which it was asked for: what was heard since may be missing.

    `periodic`: the link was up before it and no event was lost; the snapshot may then be ahead of the events.
    """

    channels: tuple[ChannelStatus, ...]
    periodic: bool = False


@dataclass(frozen=True, slots=True)
class Reloaded(Message):
    """A part of the PBX has read its configuration again."""


@dataclass(frozen=True, slots=True)
class Malformed(Message):
    """An event of a wanted type that lacks what it needs to be understood; there only to be counted."""

    event: str
