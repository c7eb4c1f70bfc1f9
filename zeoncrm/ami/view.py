"""The switchboard as the CRM looks at it: who is at a channel, who talks with whom, who rings for whom."""

from __future__ import annotations

from collections.abc import Iterable

from zeoncrm.ami.channels import UP, Channel, Switchboard
from zeoncrm.ami.parties import Kind, Party, dialled_number, party_at
from zeoncrm.pipeline.numbering import Numbering


class View:
    """A switchboard and whose the extensions and numbers on it are."""

    __slots__ = ("_numbering", "board")

    def __init__(self, board: Switchboard, numbering: Numbering) -> None:
        self.board = board
        self._numbering = numbering

    @property
    def numbering(self) -> Numbering:
        """Whose the extensions and numbers are; may be replaced at any time."""
        return self._numbering

    @numbering.setter
    def numbering(self, numbering: Numbering) -> None:
        self._numbering = numbering
        for channel in self.board.channels.values():
            channel.party = None

    def party(self, channel: Channel) -> Party:
        """Who is at the channel."""
        party = channel.party
        if party is None:
            party = channel.party = self._who_called(channel) or self._who_is_there(channel)
        return party

    def _who_called(self, channel: Channel) -> Party | None:
        """One of ours by the number that they called from: dialplans write the firm's over it when they dial on."""
        if not self._numbering.outside or channel.came_as is None or is_outgoing(channel):
            return None  # a phone of ours is known by its device
        first = party_at(channel.name, (channel.came_as,), self._numbering)
        return first if first.kind is Kind.PERSON else None

    def _who_is_there(self, channel: Channel) -> Party:
        # Of a stranger the last number is the right one: dialplans put right what carriers send.
        dialled = dialled_number(channel.dialled) if is_outgoing(channel) else None
        return party_at(channel.name, (dialled, channel.number), self._numbering)

    def is_person(self, channel: Channel) -> bool:
        """One of our people is at it."""
        return self.party(channel).kind is Kind.PERSON

    def is_outside(self, channel: Channel) -> bool:
        """An outside party is at it."""
        return self.party(channel).kind is Kind.OUTSIDE

    def is_helper(self, channel: Channel) -> bool:
        """Nobody is at it."""
        return self.party(channel).kind is Kind.HELPER

    def conversation(self, start: Channel) -> list[Channel]:
        """The channels that hear `start`, over mixing bridges and through Local channels; `start` comes first."""
        found = {start: None}
        pending = [start]
        while pending:
            for near in self._hearing(pending.pop()):
                if near not in found:
                    found[near] = None
                    pending.append(near)
        return list(found)

    def surroundings(self, start: Channel) -> list[Channel]:
        """The same and also over dials under way, but not beyond other parties: what happens for `start`."""
        found = {start: None}
        pending = [start]
        while pending:
            for near in self._connected(pending.pop()):
                if near not in found:
                    found[near] = None
                    if self.is_helper(near):
                        pending.append(near)
        return list(found)

    def is_called_by_person(self, line: Channel) -> bool:
        """One of our people who is on the phone calls it, or talks there."""
        return any(
            self.is_person(channel) and channel.state == UP and not channel.is_over
            for channel in self.surroundings(line)
            if channel is not line
        )

    def _hearing(self, channel: Channel) -> Iterable[Channel]:
        bridge = channel.bridge
        if bridge is not None and not bridge.holding:
            yield from bridge.channels
        other = self.board.other_half(channel)
        if other is not None:
            yield other

    def _connected(self, channel: Channel) -> Iterable[Channel]:
        yield from self._hearing(channel)
        yield from channel.targets
        if channel.dialler is not None:
            yield channel.dialler


def is_outgoing(channel: Channel) -> bool:
    """Whether the PBX called it. Where nothing tells, the channel that a call began with has called the PBX."""
    return channel.uniqueid != channel.linkedid if channel.outgoing is None else channel.outgoing


def talks(channel: Channel) -> bool:
    """In a conversation, not merely about to be put into one."""
    return channel.state == UP and channel.bridge is not None
