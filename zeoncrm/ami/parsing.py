"""Reads what Asterisk writes: frames of AMI become messages.

Which event becomes which message stands in `PARSERS`; all other events are dropped by their first bytes, before
anything is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from zeoncrm.ami.facts import Missing, facts_of, facts_or_none
from zeoncrm.ami.headers import Fields, Lookup, number_of, text_of
from zeoncrm.ami.messages import (
    BridgeEntered,
    BridgeGone,
    BridgeLeft,
    CdrWritten,
    ChannelGone,
    ChannelRenamed,
    ChannelSeen,
    ChannelStatus,
    DialBegan,
    DialEnded,
    DialProgressed,
    HangupAsked,
    Held,
    Malformed,
    Message,
    Originated,
    Parked,
    PickedUp,
    QueueJoined,
    QueueLeft,
    RecordingBegan,
    Reloaded,
    Snapshot,
    Transferred,
    VoicemailLeft,
)

# Where MixMonitor puts the name of the file that it writes.
RECORDING_VARIABLE = "MIXMONITOR_FILENAME"
LONGEST_FILE = 1000

Parsers = Mapping[bytes, Callable[[Lookup, datetime], Message | None]]


def parse(frame: bytes, at: datetime, parsers: Parsers | None = None) -> Message | None:
    """The message in one frame; None for events that have no parser and for answers to actions.

    `parsers`: by the event's name; without, those of the events that calls are made of.
    Never raises: of an event that cannot be understood comes `Malformed`.
    """
    if frame[:7] == b"Event: ":
        start = 7
    else:
        start = frame.find(b"\nEvent: ") + 8
        if start == 7:
            return None
    end = frame.find(b"\n", start)
    event = frame[start:end] if end >= 0 else frame[start:]
    parser = (PARSERS if parsers is None else parsers).get(event.rstrip(b"\r"))
    if parser is None:
        return None
    try:
        return parser(Fields(frame), at)
    except Missing:
        return Malformed(at, event[:40].decode("ascii", "replace").strip())


def holding_bridges(frames: Iterable[bytes]) -> frozenset[str]:
    """Of the answer to `BridgeList` those in which nobody hears another: parking lots, music on hold."""
    found = (text_of(each, "BridgeUniqueid") for each in map(Fields, frames) if _is_holding(each))
    return frozenset(bridge for bridge in found if bridge is not None)


def parse_status(
    frames: Sequence[bytes], at: datetime, *, periodic: bool = False, holding: Collection[str] = ()
) -> Snapshot:
    """The snapshot in the answer to a `Status` action: its `Event: Status` entries, whatever else is among them.

    `at` is the time at which the action was sent, `holding` are the bridges in which nobody hears another. Entries that
    cannot be understood are left out.
    """
    channels: list[ChannelStatus] = []
    for frame in frames:
        headers = Fields(frame)
        if headers.get("Event") == "Status" and (facts := facts_or_none(headers, "")):
            bridge = text_of(headers, "BridgeID")
            channels.append(
                ChannelStatus(
                    facts,
                    bridge,
                    text_of(headers, "Application"),
                    text_of(headers, "Data"),
                    text_of(headers, "DNID"),
                    number_of(headers, "Seconds") or 0,
                    _recording_in(headers),
                    bridge in holding,
                )
            )
    return Snapshot(at, tuple(channels), periodic)


def _is_holding(headers: Lookup) -> bool:
    return (headers.get("BridgeTechnology") or "").startswith("holding")


def file_name(value: str | None) -> str | None:
    """A file's name as the PBX tells it, None for none; one that is no file's is none."""
    if value is None or value in ("", "(null)") or len(value) > LONGEST_FILE or not value.isprintable():
        return None
    return value


def _recording_in(headers: Lookup) -> str | None:
    """The file in a snapshot's entry; it has the one variable that was asked for."""
    name, _, value = (headers.get("Variable") or "").partition("=")
    return file_name(value) if name == RECORDING_VARIABLE else None


def _required(headers: Lookup, name: str) -> str:
    value = text_of(headers, name)
    if value is None:
        raise Missing
    return value


def _created(headers: Lookup, at: datetime) -> Message:
    return ChannelSeen(at, facts_of(headers), created=True)


def _seen(headers: Lookup, at: datetime) -> Message:
    return ChannelSeen(at, facts_of(headers))


def _renamed(headers: Lookup, at: datetime) -> Message:
    return ChannelRenamed(at, _required(headers, "Uniqueid"), _required(headers, "Newname"))


def _hangup_asked(headers: Lookup, at: datetime) -> Message:
    return HangupAsked(at, facts_of(headers))


def _gone(headers: Lookup, at: datetime) -> Message:
    return ChannelGone(at, facts_of(headers), number_of(headers, "Cause"), number_of(headers, "TechCause"))


def _dial_began(headers: Lookup, at: datetime) -> Message:
    dialled = text_of(headers, "DialString")
    source = facts_or_none(headers, "")
    connected = text_of(headers, "DestConnectedLineNum") if source is None else None
    return DialBegan(at, source, facts_of(headers, "Dest"), dialled, connected)


def _dial_progressed(headers: Lookup, at: datetime) -> Message:
    status = _required(headers, "DialStatus")
    return DialProgressed(at, facts_or_none(headers, ""), facts_of(headers, "Dest"), status)


def _dial_ended(headers: Lookup, at: datetime) -> Message:
    status = _required(headers, "DialStatus")
    return DialEnded(at, facts_or_none(headers, ""), facts_of(headers, "Dest"), status)


def _bridge_entered(headers: Lookup, at: datetime) -> Message:
    return BridgeEntered(at, _required(headers, "BridgeUniqueid"), facts_of(headers), _is_holding(headers))


def _bridge_left(headers: Lookup, at: datetime) -> Message:
    return BridgeLeft(at, _required(headers, "BridgeUniqueid"), facts_of(headers))


def _bridge_gone(headers: Lookup, at: datetime) -> Message:
    return BridgeGone(at, _required(headers, "BridgeUniqueid"))


def _queue_joined(headers: Lookup, at: datetime) -> Message:
    return QueueJoined(at, facts_of(headers), _required(headers, "Queue"))


def _queue_left(headers: Lookup, at: datetime) -> Message:
    return QueueLeft(at, facts_of(headers), _required(headers, "Queue"))


def _picked_up(headers: Lookup, at: datetime) -> Message:
    return PickedUp(at, facts_of(headers), facts_of(headers, "Target"))


def _transferred(headers: Lookup, at: datetime) -> Message | None:
    if (headers.get("Result") or "Success") != "Success":
        return None
    parties = ("Transferer", "Transferee", "OrigTransferer", "SecondTransferer", "TransferTarget")
    channels = (facts_or_none(headers, party) for party in parties)
    return Transferred(at, tuple(facts for facts in channels if facts))


def _held(headers: Lookup, at: datetime) -> Message:
    return Held(at, facts_of(headers), held=True)


def _held_no_more(headers: Lookup, at: datetime) -> Message:
    return Held(at, facts_of(headers), held=False)


def _parked(headers: Lookup, at: datetime) -> Message:
    return Parked(at, facts_of(headers, "Parkee"), parked=True)


def _unparked(headers: Lookup, at: datetime) -> Message:
    return Parked(at, facts_of(headers, "Parkee"), parked=False)


def _voicemail_left(headers: Lookup, at: datetime) -> Message | None:
    facts = facts_or_none(headers, "")  # none: a phone's own check of its mailbox
    return VoicemailLeft(at, facts) if facts else None


def _originated(headers: Lookup, at: datetime) -> Message:
    return Originated(
        at,
        _required(headers, "Response") == "Success",
        text_of(headers, "Channel"),
        text_of(headers, "Exten"),
        number_of(headers, "Reason"),
        text_of(headers, "ActionID"),
    )


def _recording_began(headers: Lookup, at: datetime) -> Message:
    return RecordingBegan(at, facts_of(headers))


def _cdr_written(headers: Lookup, at: datetime) -> Message:
    application = text_of(headers, "LastApplication")
    return CdrWritten(at, _required(headers, "UniqueID"), application, text_of(headers, "DestinationChannel"))


def _reloaded(headers: Lookup, at: datetime) -> Message:
    return Reloaded(at)


PARSERS: dict[bytes, Callable[[Lookup, datetime], Message | None]] = {
    b"Newchannel": _created,
    b"Newstate": _seen,
    b"NewCallerid": _seen,
    b"Rename": _renamed,
    b"HangupRequest": _hangup_asked,
    b"Hangup": _gone,
    b"DialBegin": _dial_began,
    b"DialState": _dial_progressed,
    b"DialEnd": _dial_ended,
    b"BridgeEnter": _bridge_entered,
    b"BridgeLeave": _bridge_left,
    b"BridgeDestroy": _bridge_gone,
    b"QueueCallerJoin": _queue_joined,
    b"QueueCallerLeave": _queue_left,
    b"Pickup": _picked_up,
    b"BlindTransfer": _transferred,
    b"AttendedTransfer": _transferred,
    b"Hold": _held,
    b"Unhold": _held_no_more,
    b"ParkedCall": _parked,
    b"UnParkedCall": _unparked,
    b"ParkedCallTimeOut": _unparked,
    b"ParkedCallGiveUp": _unparked,
    b"MessageWaiting": _voicemail_left,
    b"OriginateResponse": _originated,
    b"Cdr": _cdr_written,
    b"Reload": _reloaded,
    b"MixMonitorStart": _recording_began,
}
