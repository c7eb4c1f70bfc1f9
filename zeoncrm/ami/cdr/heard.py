"""Of which channels everything was heard: the call records have nothing to add to what the tracker made of them."""

from __future__ import annotations

from collections.abc import Collection

from zeoncrm.ami.messages import ChannelSeen, Message, Snapshot

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
