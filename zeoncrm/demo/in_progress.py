"""What the simulated PBX has in progress, read from the events that it sent: for snapshots, and to end a call early."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from zeoncrm.ami.headers import Headers

_FACTS = (
    *("Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum"),
    *("ConnectedLineName", "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid"),
)
_NORMAL_CLEARING = "16"


def frame(*headers: tuple[str, str]) -> bytes:
    """A message as it goes over the wire."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode() + b"\r\n"


def listed(event: str, action_id: str, entries: list[bytes]) -> list[bytes]:
    """The answer to an action that lists something, around its entries."""
    answered = (("ActionID", action_id),) if action_id else ()
    began = frame(("Response", "Success"), *answered, ("EventList", "start"), ("Message", f"{event} will follow"))
    ended = frame(
        ("Event", f"{event}Complete"),
        *answered,
        ("EventList", "Complete"),
        ("ListItems", str(len(entries))),
        ("Items", str(len(entries))),
    )
    return [began, *entries, ended]


@dataclass
class Channel:
    """A channel: the facts that events told last, and since when it is there (UTC)."""

    facts: dict[str, str]
    since: datetime
    bridge: str = ""
    application: str = ""
    queue: str = ""
    dialled_by: str | None = None
    dialled: bool = False

    @property
    def name(self) -> str:
        return self.facts["Channel"]

    @property
    def uniqueid(self) -> str:
        return self.facts["Uniqueid"]

    @property
    def device(self) -> str:
        """The extension of a phone, or the trunk's name."""
        return self.name.partition("/")[2].rpartition("-")[0]

    def told(self, prefix: str = "") -> list[tuple[str, str]]:
        """The facts as headers."""
        return [(prefix + name, value) for name, value in self.facts.items()]


class InProgress:
    """All channels, by uniqueid."""

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}

    def apply(self, headers: Headers, at: datetime) -> None:
        """An event was sent at this time."""
        event = headers["Event"]
        if event == "Newchannel":
            self.channels[headers["Uniqueid"]] = Channel({name: headers.get(name, "") for name in _FACTS}, at)
            return
        channel, target = self._take(headers, ""), self._take(headers, "Dest")
        if channel is not None:
            _note(channel, event, headers)
        if target is not None and event == "DialBegin":
            target.dialled = True
            target.dialled_by = channel.uniqueid if channel else None
            target.application = "AppDial" if channel else ""
        elif target is not None and event == "DialEnd":
            target.dialled_by = None
        if event == "Hangup":
            self.channels.pop(headers["Uniqueid"], None)

    def named(self, name: str) -> Channel | None:
        """The channel of this name."""
        return next((channel for channel in self.channels.values() if channel.name == name), None)

    def devices(self) -> frozenset[str]:
        """Phones and trunks that have a channel."""
        return frozenset(channel.device for channel in self.channels.values())

    def status(self, action_id: str, at: datetime) -> list[bytes]:
        """The answer to a `Status` action."""
        answered = (("ActionID", action_id),) if action_id else ()
        return listed("Status", action_id, [self._entry(channel, answered, at) for channel in self.channels.values()])

    def queues(self, action_id: str, at: datetime, members: Sequence[bytes] = ()) -> list[bytes]:
        """The answer to a `QueueStatus` action, with the `QueueMember` events of whom the queues call."""
        entries = [
            frame(
                ("Event", "QueueEntry"),
                ("Queue", channel.queue),
                *channel.told(),
                ("Wait", str(max(0, int((at - channel.since).total_seconds())))),
                ("ActionID", action_id),
            )
            for channel in self.channels.values()
            if channel.queue
        ]
        return listed("QueueStatus", action_id, [*members, *entries])

    def ending(self, uniqueids: Collection[str]) -> list[bytes]:
        """The events with which these channels end now, whatever they were doing."""
        channels = [channel for uniqueid, channel in self.channels.items() if uniqueid in uniqueids]
        return [
            *(self._dial_end(channel) for channel in channels if channel.dialled_by),
            *_leaving([channel for channel in channels if channel.bridge]),
            *(_hangup(channel) for channel in channels),
        ]

    def _take(self, headers: Headers, prefix: str) -> Channel | None:
        channel = self.channels.get(headers.get(f"{prefix}Uniqueid", ""))
        if channel is not None and headers.get(f"{prefix}Channel"):
            channel.facts |= {name: headers[prefix + name] for name in _FACTS if prefix + name in headers}
        return channel

    def _entry(self, channel: Channel, answered: Iterable[tuple[str, str]], at: datetime) -> bytes:
        return frame(
            ("Event", "Status"),
            *answered,
            ("Privilege", "Call"),
            *channel.told(),
            ("Type", "PJSIP"),
            ("DNID", "" if channel.dialled else channel.facts["Exten"]),
            ("BridgeID", channel.bridge),
            ("Application", channel.application),
            ("Data", ""),
            ("Seconds", str(max(0, int((at - channel.since).total_seconds())))),
        )

    def _dial_end(self, target: Channel) -> bytes:
        source = self.channels.get(target.dialled_by or "")
        return frame(
            ("Event", "DialEnd"),
            ("Privilege", "call,all"),
            *(source.told() if source else ()),
            *target.told("Dest"),
            ("DialStatus", "CANCEL"),
        )


def _note(channel: Channel, event: str, headers: Headers) -> None:
    if event == "BridgeEnter":
        channel.bridge = headers["BridgeUniqueid"]
    elif event == "BridgeLeave":
        channel.bridge = ""
    elif event == "DialBegin":
        channel.application = channel.application or "Dial"
    elif event == "QueueCallerJoin":
        channel.application, channel.queue = "Queue", headers.get("Queue", "")
    elif event == "QueueCallerLeave":
        channel.queue = ""


def _leaving(channels: list[Channel]) -> Iterable[bytes]:
    left = [channel.bridge for channel in channels]
    for place, channel in enumerate(channels):
        yield frame(
            ("Event", "BridgeLeave"),
            ("Privilege", "call,all"),
            *_bridge(channel.bridge, left[place + 1 :].count(channel.bridge)),
            *channel.told(),
        )
    for bridge in dict.fromkeys(left):
        yield frame(("Event", "BridgeDestroy"), ("Privilege", "call,all"), *_bridge(bridge, 0))


def _bridge(bridge: str, channels: int) -> list[tuple[str, str]]:
    return [
        ("BridgeUniqueid", bridge),
        ("BridgeType", "basic"),
        ("BridgeTechnology", "simple_bridge"),
        ("BridgeCreator", "<unknown>"),
        ("BridgeName", "<unknown>"),
        ("BridgeNumChannels", str(channels)),
        ("BridgeVideoSourceMode", "none"),
    ]


def _hangup(channel: Channel) -> bytes:
    return frame(
        ("Event", "Hangup"),
        ("Privilege", "call,all"),
        *channel.told(),
        ("Cause", _NORMAL_CLEARING),
        ("Cause-txt", "Normal Clearing"),
    )
