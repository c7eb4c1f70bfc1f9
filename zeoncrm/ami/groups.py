"""Which channels belong together: union-find over Asterisk's linkedids, which change in the middle of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zeoncrm.ami.channels import Channel
    from zeoncrm.ami.live_call import LiveCall


class Recent:
    """The last so many texts that were added: a set that forgets the oldest."""

    __slots__ = ("_limit", "_texts")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._texts: dict[str, None] = {}

    def __contains__(self, text: str) -> bool:
        return text in self._texts

    def discard(self, text: str) -> None:
        self._texts.pop(text, None)

    def add(self, text: str) -> None:
        self._texts[text] = None
        if len(self._texts) > self._limit:
            del self._texts[next(iter(self._texts))]


class Group:
    """Channels that the PBX has related to one another, and the calls with outside parties among them.

    `closed`: a call of this group has ended; what still comes of it starts no other, unless one of ours calls anew.
    """

    __slots__ = ("calls", "channels", "closed", "linkedids")

    def __init__(self, closed: bool) -> None:
        self.linkedids: set[str] = set()
        # In the order in which they came: dicts, since the order of a set depends on memory addresses.
        self.channels: dict[Channel, None] = {}
        self.calls: list[LiveCall] = []
        self.closed = closed


class Groups:
    """All groups by the linkedids that they go by."""

    __slots__ = ("_by_linkedid", "_closed")

    def __init__(self, remembered: int) -> None:
        self._by_linkedid: dict[str, Group] = {}
        self._closed = Recent(remembered)

    def __bool__(self) -> bool:
        return bool(self._by_linkedid)

    def of(self, linkedid: str) -> Group:
        """The group of this linkedid; a new one if there is none."""
        group = self._by_linkedid.get(linkedid)
        if group is None:
            group = self._by_linkedid[linkedid] = Group(linkedid in self._closed)
            group.linkedids.add(linkedid)
        return group

    def union(self, one: Group, other: Group) -> Group:
        """Both as one group. The larger absorbs the smaller."""
        if one is other:
            return one
        kept, absorbed = (one, other) if len(one.channels) >= len(other.channels) else (other, one)
        for linkedid in absorbed.linkedids:
            self._by_linkedid[linkedid] = kept
        kept.linkedids |= absorbed.linkedids
        for channel in absorbed.channels:
            channel.group = kept
        kept.channels |= absorbed.channels
        for call in absorbed.calls:
            call.group = kept
        kept.calls += absorbed.calls
        kept.closed |= absorbed.closed
        # Channels that have ended may still point to it.
        absorbed.linkedids, absorbed.channels, absorbed.calls = set(), {}, []
        return kept

    def forget_if_empty(self, group: Group) -> None:
        """Lets go of a group without channels and calls; of an ended one it is remembered that it was."""
        if group.channels or group.calls:
            return
        for linkedid in group.linkedids:
            self._by_linkedid.pop(linkedid, None)
            if group.closed:
                self._closed.add(linkedid)
