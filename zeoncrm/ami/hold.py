"""Callers on hold: the phone of whom they talk with lets them wait, in the bridge that they share."""

from __future__ import annotations

from collections.abc import Sequence

from zeoncrm.ami.channels import Channel
from zeoncrm.pipeline.call_events import Hold


def holds(talking: Sequence[tuple[str, Channel]], consulting: str | None) -> tuple[Hold, ...]:
    """Which of our extensions have the caller on hold, with every channel by which they talk (`talking`). Whoever is
    `consulting` lets the caller wait by other means, and may have the one that they ask on hold."""
    if not [channel for _, channel in talking if channel.held_since is not None]:
        return ()
    channels: dict[str, list[Channel]] = {}
    for extension, channel in talking:
        if extension != consulting and not channel.is_over:
            channels.setdefault(extension, []).append(channel)
    found = []
    for extension, own in channels.items():
        since = [channel.held_since for channel in own if channel.held_since is not None]
        if len(since) == len(own):
            found.append(Hold(extension, max(since)))
    return tuple(found)
