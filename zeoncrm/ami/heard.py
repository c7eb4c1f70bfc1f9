"""What each message says of the switchboard.

Messages may come in any order, repeated or with gaps: what one says of a channel is true whatever came before it, a
channel that ended stays ended, and one never heard of is made up from what is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zeoncrm.ami import messages as m
from zeoncrm.ami.channels import ANSWER, DOWN, RESERVED, Channel, Switchboard
from zeoncrm.ami.groups import Group
from zeoncrm.ami.outcomes import is_voicemail

_Touched = Iterable[Channel | None]


def apply(board: Switchboard, message: m.Message) -> list[Group]:
    """Changes the board; gives the groups about which the message said something."""
    handler = _HANDLERS.get(type(message))
    touched = handler(board, message) if handler else ()
    groups = [channel.group for channel in touched if channel is not None]
    groups += board.shed()
    return groups if len(groups) < 2 else list(dict.fromkeys(groups))


def _seen(board: Switchboard, message: m.ChannelSeen) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None and message.created and channel.outgoing is None:
        # A guess: chan_sip makes the channel of whoever calls the PBX like that of whom it calls, and has it ring next.
        channel.outgoing = message.channel.state in {DOWN, RESERVED}
    return (channel,)


def _renamed(board: Switchboard, message: m.ChannelRenamed) -> _Touched:
    channel = board.channels.get(message.uniqueid)
    if channel is not None:
        board.rename(channel, message.name)
    return (channel,)


def _hangup_asked(board: Switchboard, message: m.HangupAsked) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None:
        channel.leaving = True
    return ()  # only its end is news


def _gone(board: Switchboard, message: m.ChannelGone) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None:
        channel.cause, channel.sip = message.cause, message.sip
        board.remove(channel)
    return (channel,)


def _dialling(board: Switchboard, message: m.DialBegan | m.DialProgressed | m.DialEnded) -> Channel | None:
    source = board.note(message.source, message.at)
    target = board.note(message.target, message.at)
    if target is not None:
        board.dial(source, target)
    return target or source


def _dial_began(board: Switchboard, message: m.DialBegan) -> _Touched:
    channel = _dialling(board, message)
    if channel is not None and channel.uniqueid == message.target.uniqueid:
        channel.dialled = message.dialled or channel.dialled
        if message.source is None and message.connected is not None:
            board.recall(channel, message.connected)
    return (channel,)


def _dial_progressed(board: Switchboard, message: m.DialProgressed) -> _Touched:
    channel = _dialling(board, message)
    if channel is not None and channel.uniqueid == message.target.uniqueid:
        channel.rings = channel.rings or message.status == "RINGING"
        channel.plays = channel.plays or message.status == "PROGRESS"
    return (channel,)


def _dial_ended(board: Switchboard, message: m.DialEnded) -> _Touched:
    channel = _dialling(board, message)
    if channel is not None and channel.uniqueid == message.target.uniqueid and not channel.dial_ended:
        if channel.dial_status != ANSWER:  # a queue calls one that answered and left NOANSWER
            channel.dial_status = message.status
        if message.status != ANSWER:
            channel.dial_ended = True
            board.undial(channel)
    return (channel,)


def _bridge_entered(board: Switchboard, message: m.BridgeEntered) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None:
        board.enter(channel, message.bridge, message.holding)
    return (channel,)


def _bridge_left(board: Switchboard, message: m.BridgeLeft) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None and channel.bridge is not None and channel.bridge.id == message.bridge:
        board.leave(channel)
    return (channel,)


def _bridge_gone(board: Switchboard, message: m.BridgeGone) -> _Touched:
    bridge = board.bridges.pop(message.bridge, None)
    left = tuple(bridge.channels) if bridge else ()
    for channel in left:
        board.leave(channel)
    return left


def _queue_joined(board: Switchboard, message: m.QueueJoined) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None:
        channel.queue = message.queue
    return (channel,)


def _queue_left(board: Switchboard, message: m.QueueLeft) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None:
        channel.queue = None
    return (channel,)


def _picked_up(board: Switchboard, message: m.PickedUp) -> _Touched:
    picker = board.note(message.picker, message.at)
    target = board.note(message.target, message.at)
    board.join(picker, target)
    if target is not None:
        target.picked_up = True
        if picker is not None and target.dialler is not None:
            board.dial(target.dialler, picker)
            picker.dial_status = ANSWER
    return (target, picker)


def _transferred(board: Switchboard, message: m.Transferred) -> _Touched:
    channels = [board.note(facts, message.at) for facts in message.channels]
    known = [channel for channel in channels if channel is not None]
    for channel in known[1:]:
        board.join(known[0], channel)
    return known


def _held(board: Switchboard, message: m.Held) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None:
        channel.held_since = (channel.held_since or message.at) if message.held else None
    return (channel,)


def _parked(board: Switchboard, message: m.Parked) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None:
        channel.parked = message.parked
    return (channel,)


def _cdr_written(board: Switchboard, message: m.CdrWritten) -> _Touched:
    channel = board.channels.get(message.uniqueid)
    if channel is not None:
        take_record(channel, message)
    return ()


def take_record(channel: Channel, message: m.CdrWritten) -> None:
    """A channel has one record for each other channel that it called, then one for what it did alone."""
    if not is_voicemail(channel.application):  # the records of what came before may come after it
        channel.application = message.application or channel.application
    channel.record_closed = channel.record_closed or message.dialled is None


def _voicemail_left(board: Switchboard, message: m.VoicemailLeft) -> _Touched:
    channel = board.note(message.channel, message.at)
    if channel is not None:
        channel.application, channel.record_closed = "VoiceMail", True
    return (channel,)


def _recording_began(board: Switchboard, message: m.RecordingBegan) -> _Touched:
    return (board.note(message.channel, message.at),)


def _recording_named(board: Switchboard, message: m.RecordingNamed) -> _Touched:
    channel = board.channels.get(message.uniqueid)
    if channel is not None:
        channel.note_recording(message.file)
    return (channel,)


_HANDLERS: dict[type[m.Message], Callable[[Switchboard, Any], _Touched]] = {
    m.ChannelSeen: _seen,
    m.ChannelRenamed: _renamed,
    m.HangupAsked: _hangup_asked,
    m.ChannelGone: _gone,
    m.DialBegan: _dial_began,
    m.DialProgressed: _dial_progressed,
    m.DialEnded: _dial_ended,
    m.BridgeEntered: _bridge_entered,
    m.BridgeLeft: _bridge_left,
    m.BridgeGone: _bridge_gone,
    m.QueueJoined: _queue_joined,
    m.QueueLeft: _queue_left,
    m.PickedUp: _picked_up,
    m.Transferred: _transferred,
    m.Held: _held,
    m.Parked: _parked,
    m.CdrWritten: _cdr_written,
    m.VoicemailLeft: _voicemail_left,
    m.RecordingBegan: _recording_began,
    m.RecordingNamed: _recording_named,
}
