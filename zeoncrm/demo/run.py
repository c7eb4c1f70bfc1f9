"""Starts the demo: a temporary database, sample data, the simulated PBX, and the same daemon that a real one gets."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

from zeoncrm import app
from zeoncrm.config import Config, DatabaseConfig, PbxConfig, PhonesConfig, WebConfig
from zeoncrm.demo.callers import Callers, World
from zeoncrm.demo.sample_calls import PBX
from zeoncrm.demo.sample_data import REGION, fill
from zeoncrm.demo.sample_texts import PASSWORD, PEOPLE
from zeoncrm.demo.simulated_pbx import SECRET, USERNAME, SimulatedPbx, utc_now
from zeoncrm.demo.tasks import Tasks
from zeoncrm.pipeline.passwords import Passwords
from zeoncrm.store import schema
from zeoncrm.store.database import Database
from zeoncrm.web.live import HUB

HOST = "127.0.0.1"
WATCH_SECONDS = 0.5
ABSENCE = 60.0


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    daemon: app.Daemon
    pbx: SimulatedPbx


async def run_demo(port: int) -> None:
    """Serve the demo on a port of this machine until SIGINT or SIGTERM; nothing is left behind.

    Raises:
        OSError: the port is taken.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print("Making sample data ...", flush=True)
    async with running(port) as demo:
        print(welcome(demo.daemon.address), flush=True)
        await stop.wait()
        print("\nStopping ...", flush=True)


@asynccontextmanager
async def running(port: int, *, pace: float = 1.0) -> AsyncIterator[Demo]:
    """The demo on a port (0: a free one) as long as the block lasts; `pace` stretches the pauses of its callers.

    Raises:
        OSError: the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="zeoncrm-demo-") as folder:
        url = f"sqlite:///{Path(folder) / 'demo.db'}"
        world = await _sample_data(url)
        async with (
            SimulatedPbx({person.extension: person.name for person in PEOPLE}, pace=pace).running(HOST) as pbx,
            app.running(_config(url, port, pbx.port)) as daemon,
        ):
            callers, tasks = Callers(pbx, world), Tasks()
            tasks.start(callers.run())
            tasks.start(_watch(daemon, callers))
            try:
                yield Demo(daemon, pbx)
            finally:
                await tasks.stop()


def welcome(address: str) -> str:
    """What a person needs to know."""
    log_ins = "\n".join(
        f"  {person.login:<10} {person.role.value:<11} extension {person.extension}   {person.name}"
        for person in PEOPLE
    )
    return f"""
zeoncrm demo: {address}

Log in as one of these, password {PASSWORD}:
{log_ins}

Calls come by themselves: some are taken, some transferred, some missed. Click a number to call out.
Everything is kept in a temporary folder and forgotten at the end. Press Ctrl-C to stop.
"""


class Arrivals:
    """Notices who sits down at a screen; going from page to page is no arrival."""

    def __init__(self) -> None:
        self._seen: dict[int, float] = {}

    def look(self, present: Collection[int], now: float) -> list[int]:
        """Those of the present people who were not seen for a while; `now`: seconds of any clock."""
        arrived = [person for person in present if now - self._seen.get(person, -inf) > ABSENCE]
        self._seen |= dict.fromkeys(present, now)
        return arrived


async def _watch(daemon: app.Daemon, callers: Callers) -> None:
    """Whoever opens a page sees a call within seconds."""
    arrivals = Arrivals()
    while True:
        present = {client.viewer.id for client in daemon.site[HUB].clients}
        for person in arrivals.look(present, asyncio.get_running_loop().time()):
            for extension in daemon.directory.extensions_of(person, PBX)[:1]:
                callers.ring_soon(extension)
        await asyncio.sleep(WATCH_SECONDS)


async def _sample_data(url: str) -> World:
    database, passwords = Database(url), Passwords()
    try:
        await schema.upgrade(database)
        return await fill(database, passwords, utc_now())
    finally:
        passwords.close()
        await database.close()


def _config(url: str, port: int, pbx_port: int) -> Config:
    return Config.model_validate(
        {
            "database": DatabaseConfig(url=url),
            "web": WebConfig(host=HOST, port=port),
            "phones": PhonesConfig(region=REGION),
            "pbx": [PbxConfig.model_validate({"name": PBX, "port": pbx_port, "username": USERNAME, "secret": SECRET})],
        }
    )
