"""What the link tells beside the call records: of which channels everything was heard, so that the records have nothing
to add to what the tracker made of them, and which are still there, so that they will have records yet."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from zeoncrm.ami.cdr.rows import made_by
from zeoncrm.ami.messages import ChannelGone, ChannelSeen, Message, Snapshot

MOST = 20_000


class HeardChannels:
    """The channels, by id and by name, that came to be since the link has been up without a break."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._heard: dict[str, None] = {}

    def feed(self, message: Message) -> None:
        """Note what came to be; the first snapshot of a link says that there was a break."""
        if isinstance(message, Snapshot) and not message.periodic:
            self._heard.clear()
        elif isinstance(message, ChannelSeen) and message.created:
            for name in (message.channel.uniqueid, message.channel.name):
                self._heard[name] = None
            while len(self._heard) > self._most:
                del self._heard[next(iter(self._heard))]

    def has_all(self, ids: Collection[str], channels: Collection[str]) -> bool:
        """Whether these began before our ears; without ids the channels tell."""
        return all(name in self._heard for name in ids or channels)


class ChannelsThere:
    """The channels that are there now."""

    def __init__(self) -> None:
        self._there: set[str] = set()

    def feed(self, message: Message) -> None:
        """Note who comes and goes."""
        if isinstance(message, Snapshot):
            self._there = {status.channel.uniqueid for status in message.channels}
        elif isinstance(message, ChannelSeen):
            self._there.add(message.channel.uniqueid)
        elif isinstance(message, ChannelGone):
            self._there.discard(message.channel.uniqueid)

    def forget(self) -> None:
        """The link is lost: who leaves now is not heard."""
        self._there.clear()

    def were_there(self, at: datetime) -> bool:
        """Whether one of them was there at that time of the PBX's clock."""
        return any(made is not None and made[0] <= at.timestamp() for made in map(made_by, self._there))
