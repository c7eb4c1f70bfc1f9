"""A start after a crash with 500,000 calls in the database and 200 in progress, next to one with none.

Until `/readyz` says 200, until the link to the PBX is up, and until a call that rings then is on its rep's screen; from
the start of the process. `python -m bench.restart [CALLS]`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.filled import fill
from bench.ring_to_pop import FIRST_EXTENSION, people
from bench.streams import quiet_call, renamed_call
from tests.ami.scripted_server import Behaviour, Channel, ScriptedServer
from tests.daemon.process import DaemonProcess, environment
from zeoncrm.pipeline.stages import ensure_default_pipeline
from zeoncrm.store.database import Database

CALLS = 500_000
CONTACTS = 50_000
IN_PROGRESS = 200
TIMES = 3


@dataclass(frozen=True)
class Start:
    """Seconds from the start of the process."""

    ready: float
    link: float
    pop: float

    def __str__(self) -> str:
        return f"readyz {self.ready:5.2f} s   link {self.link:5.2f} s   first pop-up {self.pop:5.2f} s"


def in_progress() -> tuple[bytes, list[Channel]]:
    """What the PBX says when so many calls begin to ring, and the channels that they are in `Status`."""
    ringing, rest = quiet_call()
    streams = [renamed_call(ringing, rest, index, FIRST_EXTENSION + index)[1] for index in range(IN_PROGRESS)]
    data = b"".join(streams)
    named = re.findall(
        rb"Event: Newchannel\r\n.*?Channel: (\S+)\r\n.*?Uniqueid: (\S+)\r\nLinkedid: (\S+)\r\n", data, re.S
    )
    words = ([part.decode() for part in each] for each in named)
    return data, [Channel(name, uniqueid, linkedid, state=5) for name, uniqueid, linkedid in words]


async def crash(url: str, last_token: str) -> list[Channel]:
    """A daemon takes the calls, one for each rep, and is killed; the channels that go on."""
    data, channels = in_progress()
    async with ScriptedServer() as pbx:
        daemon = DaemonProcess(environment(url, pbx.port), last_token)
        async with daemon:
            session = await pbx.session()
            await session.action("Status")
            await session.send(data)
            await daemon.until("/api/v1/calls?state=ringing", lambda page: page["items"])
            await daemon.kill()
    return channels


async def start(url: str, token: str, channels: list[Channel], index: int) -> Start:
    """Start it once more and let a call ring as soon as the link is up."""
    ringing, rest = quiet_call()
    number, rings, ends = renamed_call(ringing, rest, index, FIRST_EXTENSION)
    async with ScriptedServer(Behaviour(channels=channels)) as pbx:
        begin = time.perf_counter()
        async with DaemonProcess(environment(url, pbx.port), token) as daemon, aiohttp.ClientSession() as http:
            await daemon.text("/readyz")
            ready = time.perf_counter() - begin
            headers = {"Authorization": f"Bearer {token}"}
            async with http.ws_connect(f"{daemon.address}/api/v1/live", headers=headers) as live:
                session = await pbx.session()
                await session.action("Status")
                await daemon.until("/readyz", lambda state: state["pbx"]["main"]["state"] == "up")
                link = time.perf_counter() - begin
                await session.send(rings)
                async with asyncio.timeout(20):
                    async for message in live:
                        event = json.loads(message.data)
                        if event["type"] == "call.rang" and event["call"]["number"] == f"+{number}":
                            break
                pop = time.perf_counter() - begin
            await session.send(ends)
    return Start(ready, link, pop)


def median(starts: list[Start]) -> Start:
    """Of several starts, each figure's."""
    middle = len(starts) // 2
    return Start(*(sorted(getattr(each, name) for each in starts)[middle] for name in ("ready", "link", "pop")))


async def run(calls: int) -> None:
    """The empty database, then the full one."""
    with tempfile.TemporaryDirectory() as folder:
        empty, full = (f"sqlite:///{Path(folder)}/{name}.db" for name in ("empty", "full"))
        tokens = {url: await people(url) for url in (empty, full)}
        print("start, nothing in the database and no call:")
        floor = median([await start(empty, tokens[empty][0], [], 900_000 + n) for n in range(TIMES)])
        print(f"  {floor}")
        database = Database(full)
        await ensure_default_pipeline(database)
        await fill(database, min(CONTACTS, calls), more_calls=max(0, calls - CONTACTS))
        await database.close()
        channels = await crash(full, tokens[full][IN_PROGRESS - 1])
        print(f"start after a crash, {calls:,} calls in the database and {IN_PROGRESS} in progress:")
        ours = median([await start(full, tokens[full][0], channels, 900_000 + n) for n in range(TIMES)])
        print(f"  {ours}")
        print(f"  ratio of the first pop-up {ours.pop / floor.pop:.2f}")


def main() -> None:
    """Print the figures."""
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else CALLS))


if __name__ == "__main__":
    main()
