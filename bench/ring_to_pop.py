"""From the last byte of a ringing event on the AMI socket to the message at the rep's socket.

200 reps are connected, the database commits, and calls come at 10 and at 100 a second; next to a bare relay from
TCP to WebSocket, and to what the disk takes for one flush meanwhile: a pop-up comes after a commit. Aim: the p99
within 25 ms of the floor's at 10 calls a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from bench.streams import quiet_call, renamed_call
from tests.ami.scripted_server import ScriptedServer, Session
from tests.daemon.process import DaemonProcess, environment
from zeoncrm.pipeline.passwords import new_secret, secret_hash
from zeoncrm.pipeline.people import Role, add_person
from zeoncrm.store import schema, sessions
from zeoncrm.store.database import Database

REPS = 200
FIRST_EXTENSION = 200
AIM_MS = 25.0
RATES = ((10, 30.0), (100, 10.0))
# Not counted: the first calls after a start pay for what is kept ready from then on (compiled queries).
WARM_UP = 10
TALK_SECONDS = 1.0


class Arrived(dict[str, float]):
    """When each call's first message came, by number; `changed` is set with each."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def note(self, number: str, at: float) -> None:
        """A message came; only the first of a call counts."""
        self.setdefault(number, at)
        self.changed.set()

    async def have(self, numbers: set[str]) -> None:
        """Wait until all of these have come."""
        async with asyncio.timeout(20):
            while not numbers <= self.keys():
                self.changed.clear()
                await self.changed.wait()


async def people(url: str) -> list[str]:
    """A database with the reps; their tokens."""
    database = Database(url)
    await schema.upgrade(database)
    tokens = []
    now = datetime.now(UTC)
    for index in range(REPS):
        person = await add_person(
            database,
            login=f"rep{index}",
            name=f"Rep {index}",
            role=Role.REP,
            password_hash=None,
            extensions=[str(FIRST_EXTENSION + index)],
            outside=[],
            region="RU",
            at=now,
        )
        tokens.append(new_secret())
        async with database.write() as tx:
            await sessions.add_token(tx, person, secret_hash(tokens[-1]), now)
    await database.close()
    return tokens


async def listen(socket: aiohttp.ClientWebSocketResponse, arrived: Arrived) -> None:
    """Note when each call's first message comes."""
    async for message in socket:
        at = time.perf_counter()
        event = json.loads(message.data)
        if event["type"] == "call.rang":
            arrived.note(event["call"]["number"], at)


@asynccontextmanager
async def browsers(address_of: Callable[[int], tuple[str, dict[str, str]]]) -> AsyncIterator[Arrived]:
    """All reps, connected and greeted."""
    arrived = Arrived()
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(sock_connect=30)
            )
        )
        sockets = []
        for index in range(REPS):
            address, headers = address_of(index)
            sockets.append(await stack.enter_async_context(session.ws_connect(address, headers=headers)))
            await sockets[-1].receive()
        tasks = [asyncio.create_task(listen(socket, arrived)) for socket in sockets]
        yield arrived
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ring(session: Session, rate: int, seconds: float, arrived: Arrived, first: int) -> list[float]:
    """Let calls come; the milliseconds until each popped up."""
    ringing, rest = quiet_call()
    sent: dict[str, float] = {}
    background = set()
    begin = time.perf_counter()

    async def end_later(data: bytes) -> None:
        await asyncio.sleep(TALK_SECONDS)
        await session.send(data)

    for index in range(int(rate * seconds) + WARM_UP):
        await asyncio.sleep(max(0.0, begin + index / rate - time.perf_counter()))
        extension = FIRST_EXTENSION + index % REPS
        number, start, end = renamed_call(ringing, rest, first + index, extension)
        await session.send(start)
        sent[f"+{number}"] = time.perf_counter()
        task = asyncio.create_task(end_later(end))
        background.add(task)
        task.add_done_callback(background.discard)
    await arrived.have(set(sent))
    await asyncio.gather(*background)
    return [(arrived[number] - at) * 1000 for number, at in list(sent.items())[WARM_UP:]]


def show(name: str, milliseconds: list[float]) -> float:
    """Print p50 and p99; give the p99."""
    p99 = statistics.quantiles(milliseconds, n=100)[98]
    print(f"  {name:10} p50 {statistics.median(milliseconds):7.2f} ms   p99 {p99:7.2f} ms   ({len(milliseconds)})")
    return p99


def flush(file: Path) -> float:
    """The milliseconds of one small write to the disk: what a commit can't be quicker than."""
    begin = time.perf_counter()
    with file.open("ab") as opened:
        opened.write(bytes(4096))
        os.fsync(opened.fileno())
    return (time.perf_counter() - begin) * 1000


async def probe_disk(folder: Path, flushes: list[float]) -> None:
    """Flush now and then while the calls come."""
    while True:
        flushes.append(await asyncio.to_thread(flush, folder / "probe"))
        await asyncio.sleep(0.1)


async def measure(rate: int, seconds: float, folder: Path, tokens: list[str], database_url: str, first: int) -> None:
    """One rate: the floor, then the daemon."""
    print(f"ring to pop, {REPS} reps, {rate} calls/s:")
    async with ScriptedServer() as pbx:
        relay = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.relay", str(pbx.port), stdout=asyncio.subprocess.PIPE
        )
        assert relay.stdout is not None
        address = (await relay.stdout.readline()).decode().strip()
        try:
            session = await pbx.session()
            async with browsers(lambda index: (f"{address}/?extension={FIRST_EXTENSION + index}", {})) as arrived:
                floor = show("floor", await ring(session, rate, seconds, arrived, first))
        finally:
            relay.terminate()
            await relay.wait()
    async with ScriptedServer() as pbx, DaemonProcess(environment(database_url, pbx.port), tokens[0]) as daemon:
        session = await pbx.session()
        await session.action("Status")

        def live(index: int) -> tuple[str, dict[str, str]]:
            return f"{daemon.address}/api/v1/live", {"Authorization": f"Bearer {tokens[index]}"}

        flushes: list[float] = []
        async with browsers(live) as arrived:
            probe = asyncio.create_task(probe_disk(folder, flushes))
            ours = show("zeoncrm", await ring(session, rate, seconds, arrived, first))
            probe.cancel()
        show("(the disk)", flushes)
    aim = f" (aim: at most {AIM_MS:.0f})" if rate == RATES[0][0] else ""
    print(f"  p99 above the floor {ours - floor:.2f} ms{aim}, ratio {ours / floor:.1f}")


async def run() -> None:
    """All rates, on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        tokens = await people(url)
        for place, (rate, seconds) in enumerate(RATES):
            await measure(rate, seconds, Path(folder), tokens, url, first=place * 100_000)


def main() -> None:
    """Print the figures."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
