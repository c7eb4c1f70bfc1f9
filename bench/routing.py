"""How long a caller waits while the dialplan asks whose they are, with 100,000 contacts and calls coming all the while.

Over FastAGI as Asterisk asks it, a connection for each question, and over HTTP as `CURL()` does; next to the same
exchanges with servers that know the answer by heart. `python -m bench.routing [CONTACTS]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from bench.filled import fill, number_of
from bench.ring_to_pop import FIRST_EXTENSION, REPS, people, show
from bench.streams import quiet_call, renamed_call
from tests.ami.scripted_server import ScriptedServer, Session
from tests.daemon.process import DaemonProcess, environment
from tests.ports import free_port
from zeoncrm.pipeline.people import Role
from zeoncrm.pipeline.stages import ensure_default_pipeline
from zeoncrm.store import people as store
from zeoncrm.store.database import Database

CONTACTS = 100_000
QUESTIONS = 500
CALLS_A_SECOND = 20
AIM_MS = 50.0
# What a dialplan is told: five variables, or a line.
BY_HEART = ("SET VARIABLE ZEON_EXTENSION", "SET VARIABLE ZEON_NAME", "SET VARIABLE ZEON_VIP",
            "SET VARIABLE ZEON_BLOCKED", "SET VARIABLE ZEON_OK")  # fmt: skip

Ask = Callable[[str], Awaitable[bool]]


async def ask_agi(port: int, number: str) -> bool:
    """A call's question; whether there was an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"agi_network: yes\nagi_network_script: route\nagi_callerid: {number}\n\n".encode())
    told = b""
    while line := await reader.readline():
        told = line
        writer.write(b"200 result=1\n")
    writer.close()
    await writer.wait_closed()
    return b"ZEON_OK" in told


async def ask_http(address: str, token: str, number: str) -> bool:
    """The same by HTTP, a connection each."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as http, http.get(address, params={"number": number}, headers=headers) as answer:
        return (await answer.text()).startswith("OK,")


async def times(ask: Ask, contacts: int) -> list[float]:
    """The milliseconds that each of many questions takes, one after the other, of callers all over the database."""
    found = []
    for place in range(QUESTIONS):
        begin = time.perf_counter()
        if not await ask(number_of(place * 7919 % contacts).lstrip("+")):
            raise AssertionError("no answer")
        found.append((time.perf_counter() - begin) * 1000)
    return found


@asynccontextmanager
async def by_heart() -> AsyncIterator[tuple[int, str]]:
    """The floor: a FastAGI port and an HTTP address that look nothing up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n\n")
        for command in BY_HEART:
            writer.write(f'{command} "x"\n'.encode())
            await reader.readline()
        writer.close()

    async def line(_request: web.Request) -> web.Response:
        return web.Response(text="OK,101,0,0,Ivan Petrov")

    app = web.Application()
    app.router.add_get("/route", line)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        port = runner.addresses[0][1]
        yield server.sockets[0].getsockname()[1], f"http://127.0.0.1:{port}/route"
    finally:
        server.close()
        await runner.cleanup()


async def keep_calling(session: Session) -> None:
    """Calls come, so that the database is written to."""
    ringing, rest = quiet_call()
    index = 0
    while True:
        _, start, end = renamed_call(ringing, rest, index, FIRST_EXTENSION + index % REPS)
        await session.send(start + end)
        index += 1
        await asyncio.sleep(1 / CALLS_A_SECOND)


async def supervisors_token(url: str, contacts: int) -> str:
    """A database with so many contacts; the token of one who may ask."""
    tokens = await people(url)
    database = Database(url)
    await ensure_default_pipeline(database)
    await fill(database, contacts)
    async with database.write() as tx:
        await store.change(tx, 1, role=Role.SUPERVISOR)
    await database.close()
    return tokens[0]


async def run(contacts: int) -> None:
    """Both ways, next to their floors."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        token, port = await supervisors_token(url, contacts), free_port()
        print(f"the dialplan asks, {contacts} contacts, {CALLS_A_SECOND} calls/s:")
        async with by_heart() as (floor_port, floor_address):
            floors = {
                "FastAGI": await times(lambda number: ask_agi(floor_port, number), contacts),
                "HTTP": await times(lambda number: ask_http(floor_address, token, number), contacts),
            }
        async with ScriptedServer() as pbx:
            environ = environment(url, pbx.port) | {"ZEONCRM_AGI__PORT": str(port)}
            async with DaemonProcess(environ, token) as daemon:
                session = await pbx.session()
                await session.action("Status")
                calling = asyncio.create_task(keep_calling(session))
                address = f"{daemon.address}/api/v1/route"
                ours = {
                    "FastAGI": await times(lambda number: ask_agi(port, number), contacts),
                    "HTTP": await times(lambda number: ask_http(address, token, number), contacts),
                }
                calling.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await calling
        for way, floor in floors.items():
            print(f" {way}")
            bottom, top = show("floor", floor), show("zeoncrm", ours[way])
            aim, ratio = f"(aim: below {AIM_MS:.0f})", top / bottom
            print(f"  longest {max(ours[way]):.1f} ms, p99 {top:.1f} ms {aim}, ratio {ratio:.1f}")


def main() -> None:
    """Print the figures."""
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else CONTACTS))


if __name__ == "__main__":
    main()
