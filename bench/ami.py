"""Parse and track a full AMI stream: events a second next to a bytes-to-dict floor and panoramisk with 8 callbacks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from bench.streams import stream_of
from zeoncrm.ami.framing import Framer
from zeoncrm.ami.parsing import parse
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.call_events import CallEnded, CallStarted
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.numbering import Numbering

CALLS = 1_500
CHUNK = 4_096
ROUNDS = 5
AIM = 2.5
CALLBACKS = ("Newchannel", "Newstate", "Hangup", "Dial*", "Bridge*", "Queue*", "Pickup", "*Transfer")


def chunks(data: bytes) -> list[bytes]:
    """The stream as a socket gives it."""
    return [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]


def floor(parts: list[bytes]) -> int:
    """The least that can be done: bytes to dicts."""
    rest, count = b"", 0
    for part in parts:
        *frames, rest = (rest + part).split(b"\r\n\r\n")
        for frame in frames:
            dict(line.split(b": ", 1) for line in frame.split(b"\r\n") if b": " in line)
            count += 1
    return count


def ours(parts: list[bytes]) -> int:
    """Frame, parse and track; the calls must all come out."""
    framer = Framer()
    tracker = CallTracker("bench", Numbering("RU", frozenset({"101", "102", "103"})), new_call_id)
    at = datetime.now(UTC)
    seen: Counter[type] = Counter()
    count = 0
    for part in parts:
        for frame in framer.feed(part):
            count += 1
            message = parse(frame, at)
            if message is not None:
                seen.update(type(event) for event in tracker.feed(message))
    if seen[CallStarted] != CALLS or seen[CallEnded] != CALLS:
        raise SystemExit(f"wrong result: {seen[CallStarted]} calls began and {seen[CallEnded]} ended, not {CALLS}")
    return count


def panoramisk_alone(parts: list[bytes]) -> int:
    """panoramisk as it is, with eight callbacks that do nothing."""
    logging.getLogger("panoramisk").setLevel(logging.WARNING)
    count = 0

    def callback(_manager: Any, _event: Any) -> None:
        nonlocal count
        count += 1

    loop = asyncio.new_event_loop()
    manager = Manager(loop=loop)
    for pattern in CALLBACKS:
        manager.register_event(pattern, callback)
    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory = manager
    for part in parts:
        protocol.data_received(part)
    loop.close()
    return count


def rate(run: Callable[[list[bytes]], int], parts: list[bytes], events: int) -> float:
    """Events a second, the best of some rounds: what disturbs only ever makes it slower."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        run(parts)
        best = min(best, time.perf_counter() - begin)
    return events / best


def main() -> None:
    """Print the figures."""
    data, events = stream_of(CALLS)
    parts = chunks(data)
    least, alone, mine = (rate(run, parts, events) for run in (floor, panoramisk_alone, ours))
    print(f"ami: {CALLS} calls, {events / CALLS:.0f} events a call, {len(data) / 1e6:.1f} MB")
    print(f"  floor (bytes to dict)      {least:10,.0f} events/s")
    print(f"  panoramisk, 8 callbacks    {alone:10,.0f} events/s")
    print(f"  parse + track              {mine:10,.0f} events/s")
    print(f"  ratio to panoramisk {mine / alone:.2f} (aim: at least {AIM}), to the floor {mine / least:.2f}")


if __name__ == "__main__":
    main()
