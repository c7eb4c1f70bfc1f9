"""What one Asterisk is doing now, as its events tell: channels, who they belong to, bridges. For awaiting states."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tests.patience import PATIENCE
from tests.pbx.ami import Message

T = TypeVar("T")


@dataclass
class Channel:
    name: str
    uniqueid: str
    state: str
    party: str | None = None  # the extension or outside number at the other end of the wire
    bridge: str | None = None
    twin: str | None = None  # the other half of a Local channel
    holding: bool = False
    ended: float = math.inf  # on the monotonic clock


class View:
    """Feed it the events of one account that reads everything."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.channels: dict[str, Channel] = {}
        self.former: list[Channel] = []  # those that ended since the last forget()
        self.seen: list[Message] = []  # every event since then
        self._news = asyncio.Event()

    def feed(self, message: Message) -> None:
        self.seen.append(message)
        if (react := _REACTIONS.get(message["Event"])) is not None:
            react(self, message)
        elif (channel := self.channels.get(message.get("Uniqueid", ""))) is not None:
            channel.state = message.get("ChannelStateDesc", channel.state)
        self._news.set()

    def forget(self) -> None:
        self.former.clear()
        self.seen.clear()

    async def until(self, truth: Callable[[], T | None], what: str) -> T:
        """Wait until it is true, return it. Raises AssertionError that says what is the case instead."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (result := truth()):
                    self._news.clear()
                    await self._news.wait()
                return result
        except TimeoutError:
            raise AssertionError(f"{self.name}: {what} did not come; {self._describe()}") from None

    async def event(self, name: str, what: str = "", **fields: str) -> Message:
        """The first such event since the last forget()."""
        return await self.until(lambda: self.find(name, **fields), f"event {name} {fields} {what}")

    def find(self, name: str, **fields: str) -> Message | None:
        wanted = {"Event": name, **fields}.items()
        return next((message for message in self.seen if wanted <= message.items()), None)

    def last(self, name: str, **fields: str) -> Message:
        """The newest such event since then; empty when there is none."""
        wanted = {"Event": name, **fields}.items()
        return next((message for message in reversed(self.seen) if wanted <= message.items()), {})

    def of(self, party: str, *states: str) -> list[Channel]:
        """The party's channels, the newest last; with states, only those in one of them."""
        return [c for c in self.channels.values() if c.party == party and (not states or c.state in states)]

    def connected(self, one: str, other: str) -> bool:
        """Whether a channel of each meet in a bridge, be it through Local channels."""
        return any(self._reaches(channel, other) for channel in self.of(one))

    def has_company(self, party: str) -> bool:
        """Whether a channel of the party shares a bridge."""
        bridges = {channel.bridge for channel in self.of(party) if channel.bridge is not None}
        return any(channel.bridge in bridges and channel.party != party for channel in self.channels.values())

    def _reaches(self, start: Channel, party: str) -> bool:
        reached, todo = {start.uniqueid}, [start]
        while todo:
            here = todo.pop()
            for channel in self.channels.values():
                joined = here.bridge is not None and here.bridge == channel.bridge
                if channel.uniqueid not in reached and (joined or here.twin == channel.uniqueid):
                    if channel.party == party and joined:
                        return True
                    reached.add(channel.uniqueid)
                    todo.append(channel)
        return False

    def _describe(self) -> str:
        return "; ".join(f"{c.name} {c.party} {c.state} in {c.bridge}" for c in self.channels.values()) or "no channel"

    def on_newchannel(self, message: Message) -> None:
        name, uniqueid = message["Channel"], message["Uniqueid"]
        self.channels[uniqueid] = Channel(name, uniqueid, message["ChannelStateDesc"], _party(message))

    def on_dial_begin(self, message: Message) -> None:
        channel = self.channels.get(message.get("DestUniqueid", ""))
        # An outside number, or the one of several devices that registered by that name.
        called = re.match(r"(\w+)@trunk|trunk/(\w+)|\w+/sip:(\w+)@", message.get("DialString", ""))
        if channel is not None and called:
            channel.party = next(filter(None, called.groups()))

    def on_rename(self, message: Message) -> None:
        if (channel := self.channels.get(message["Uniqueid"])) is not None:
            channel.name = message["Newname"]

    def on_bridge(self, message: Message) -> None:
        if (channel := self.channels.get(message["Uniqueid"])) is not None:
            entered = message["Event"] == "BridgeEnter"
            channel.bridge = message["BridgeUniqueid"] if entered else None

    def on_local_bridge(self, message: Message) -> None:
        halves = [self.channels.get(message[f"Local{half}Uniqueid"]) for half in ("One", "Two")]
        if halves[0] and halves[1]:
            halves[0].twin, halves[1].twin = halves[1].uniqueid, halves[0].uniqueid

    def on_hold(self, message: Message) -> None:
        if (channel := self.channels.get(message["Uniqueid"])) is not None:
            channel.holding = message["Event"] == "Hold"

    def on_hangup(self, message: Message) -> None:
        if (channel := self.channels.pop(message["Uniqueid"], None)) is not None:
            channel.ended = time.monotonic()
            self.former.append(channel)


_REACTIONS: dict[str, Callable[[View, Message], None]] = {
    "Newchannel": View.on_newchannel,
    "DialBegin": View.on_dial_begin,
    "Rename": View.on_rename,
    "BridgeEnter": View.on_bridge,
    "BridgeLeave": View.on_bridge,
    "LocalBridge": View.on_local_bridge,
    "Hold": View.on_hold,
    "Unhold": View.on_hold,
    "Hangup": View.on_hangup,
}


def _party(message: Message) -> str | None:
    """Whose channel this is. The world names its phones phone101 and the calls that it starts call-NUMBER-N."""
    if match := re.match(r"(?:PJ)?SIP/(?:phone)?(\d+[a-z]*)-", message["Channel"]):
        return match[1]
    if match := re.match(r"call-(\w*)-", message["Uniqueid"]):
        return match[1]
    if message["Channel"].startswith(("PJSIP/carrier-", "IAX2/carrier-")):
        return message["Exten"]
    if message["Channel"].startswith(("PJSIP/trunk-", "SIP/trunk-", "IAX2/trunk-")) and message["Exten"] != "s":
        return message["CallerIDNum"]
    return None
