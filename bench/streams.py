"""AMI streams of many calls, made from a recorded one: fresh ids, channels and numbers for each."""

from __future__ import annotations

import re
from pathlib import Path

RECORDINGS = Path(__file__).parent.parent / "tests" / "recordings"
# What is not of the call itself: the lab's own events, and its queues' chatter about each member's state.
_CHATTER = (b"Event: QueueMemberStatus", b"Event: DeviceStateChange", b"Event: FullyBooted", b"Event: TestEvent")
# The lab sets many variables and its calls are too short for RTCP: a plain call has so many of each.
_VARIABLES, _REPORTS = 8, 4
_RTCP = b"""Event: RTCPSent
Privilege: reporting,all
Channel: PJSIP/trunk-00000000
ChannelState: 6
ChannelStateDesc: Up
CallerIDNum: 79031110000
CallerIDName: <unknown>
ConnectedLineNum: 101
ConnectedLineName: Agent 101
Language: en
AccountCode:
Context: from-trunk
Exten: 4952150000
Priority: 2
Uniqueid: 1795293629.0
Linkedid: 1795293629.0
To: 127.0.0.2:10055
From: 127.0.0.1:16231
SSRC: 0x2ee9eb3c
PT: 200(SR)
ReportCount: 1
SentNTP: 1795293634.15232
SentRTP: 40160
SentPackets: 251
SentOctets: 40160
Report0SourceSSRC: 0x5ad6aa45
Report0FractionLost: 0
Report0CumulativeLost: 0
Report0HighestSequence: 22846
Report0SequenceNumberCycles: 0
Report0IAJitter: 1
Report0LSR: 0
Report0DLSR: 0.0000
MES: 87.968889""".replace(b"\n", b"\r\n")


def recorded_call() -> list[bytes]:
    """The messages of one recorded call, VarSet, Newexten and RTCP among them, without closing blank lines."""
    data = (RECORDINGS / "asterisk22-all-classes" / "direct_answered.ami").read_bytes()
    frames = [frame.strip() for frame in data.split(b"\r\n\r\n")]
    own = [frame for frame in frames if frame.startswith(b"Event:") and not frame.startswith(_CHATTER)]
    variables = [frame for frame in own if frame.startswith(b"Event: VarSet")]
    kept = [frame for frame in own if frame not in variables or frame in variables[:_VARIABLES]]
    talking = next(index for index, frame in enumerate(kept) if frame.startswith(b"Event: BridgeLeave"))
    return [*kept[:talking], *[_RTCP] * _REPORTS, *kept[talking:]]


def fresh_call(frames: list[bytes], index: int) -> list[bytes]:
    """The same call once more, as if it came later from another number."""
    epoch = 1_800_000_000 + index
    number = b"7903%07d" % (index % 10_000_000)

    def renamed(frame: bytes) -> bytes:
        frame = re.sub(rb"\b17\d{8}\.(\d+)", rb"%d.\1" % epoch, frame)
        frame = re.sub(rb"-([0-9a-f]{8})\b", lambda match: b"-%08x" % (int(match[1], 16) + 2 * index), frame)
        frame = re.sub(rb"\b(Bridge[A-Za-z]*): ([0-9a-f]{8})-", rb"\1: %08x-" % (0x10000000 + index), frame)
        return frame.replace(b"79031110000", number)

    return [renamed(frame) for frame in frames]


def stream_of(calls: int) -> tuple[bytes, int]:
    """The bytes of so many calls, one after another, and how many events they are."""
    frames = recorded_call()
    every = [frame for index in range(calls) for frame in fresh_call(frames, index)]
    return b"".join(frame + b"\r\n\r\n" for frame in every), len(every)


def quiet_call() -> tuple[list[bytes], list[bytes]]:
    """A recorded call as an account with the least rights sees it, cut after the phone's ringing: (before, after)."""
    data = (RECORDINGS / "asterisk22" / "direct_answered.ami").read_bytes()
    frames = [frame.strip() for frame in data.split(b"\r\n\r\n")]
    own = [frame for frame in frames if frame.startswith(b"Event:") and not frame.startswith(_CHATTER)]
    rings = next(index for index, frame in enumerate(own) if b"ChannelState: 5" in frame)
    return own[: rings + 1], own[rings + 1 :]


def renamed_call(before: list[bytes], after: list[bytes], index: int, extension: int) -> tuple[str, bytes, bytes]:
    """The call at another extension: its number, and the bytes until it rings and from then on."""

    def moved(frames: list[bytes]) -> bytes:
        fresh = [re.sub(rb"\b101\b", b"%d" % extension, frame) for frame in fresh_call(frames, index)]
        return b"".join(frame + b"\r\n\r\n" for frame in fresh)

    return f"7903{index % 10_000_000:07}", moved(before), moved(after)
