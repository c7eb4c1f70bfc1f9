"""A running `zeoncrm serve`, as an operator runs it: another process, a config file, an API."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.passwords import quick_passwords
from tests.patience import PATIENCE
from tests.pbx.lab import PEOPLE, Lab
from tests.pbx.scenarios.scenario import OWN_MOBILES
from tests.ports import free_port
from zeoncrm.commands.people import opened
from zeoncrm.config import load_config
from zeoncrm.pipeline.passwords import new_secret, secret_hash
from zeoncrm.pipeline.people import Role, add_person
from zeoncrm.store import sessions

SUPERVISOR = "sofia"
PASSWORD = "a password of the lab"
Json = Any


class Api:
    """The JSON API with one person's token."""

    def __init__(self, http: aiohttp.ClientSession, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **query: str) -> Json:
        return await self.ask("GET", path, 200, params=query)

    async def ask(self, method: str, path: str, status: int, **options: Any) -> Json:
        """The answer's body; raises AssertionError when the status is another one."""
        async with self._http.request(method, f"/api/v1{path}", headers=self._headers, **options) as answer:
            text = await answer.text()
            assert answer.status == status, f"{method} {path}: {answer.status} {text}"
            return json.loads(text) if text else None

    @asynccontextmanager
    async def live(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The socket of events, once it is joined."""
        async with self._http.ws_connect("/api/v1/live", headers=self._headers) as socket:
            yield socket


class Daemon:
    """The daemon, attached to the lab's PBX: each of PEOPLE has their phones; sofia is the supervisor.

    `events` holds what sofia's live socket has been told since the last start. `ami_port`: where it finds the PBX,
    when something stands between; `pbx_keys`: more lines of its `[[pbx]]`, `cdr`: its call records,
    where they are not Master.csv.
    """

    def __init__(
        self,
        folder: Path,
        lab: Lab,
        *,
        originate_channel: str | None = None,
        ami_port: int | None = None,
        pbx_keys: str = "",
        cdr: str | None = None,
    ) -> None:
        self.folder = folder
        self._ami_port = ami_port or lab.pbx.ami_port
        self._pbx_keys = pbx_keys
        self._cdr = cdr or f"csv://{lab.pbx.cdr}"
        self._lab = lab
        self._originate_channel = originate_channel or f"{lab.phones_by}/{{extension}}"
        self._port = free_port()
        self.agi_port = free_port()
        self._tokens: dict[str, str] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._running = AsyncExitStack()
        self._apis: dict[str, Api] = {}
        self._news = asyncio.Event()
        self._ongoing: set[str] = set()
        self.events: list[Json] = []
        self._since = datetime.now(UTC)

    async def __aenter__(self) -> Self:
        try:
            await self._prepare()
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def as_(self, login: str) -> Api:
        return self._apis[login]

    def token_of(self, login: str) -> str:
        """The API token of somebody."""
        return self._tokens[login]

    @property
    def supervisor(self) -> Api:
        return self._apis[SUPERVISOR]

    @property
    def pbx_state(self) -> str:
        """What the live socket said last of the link to the PBX."""
        return next((event["pbx"]["state"] for event in reversed(self.events) if event["type"] == "pbx.changed"), "")

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start and return when it serves and its link to the PBX is up."""
        with (self.folder / "log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL",
                sys.executable, "-m", "zeoncrm", "--config", self.folder / "zeoncrm.toml", "serve",
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        connector = aiohttp.TCPConnector(force_close=True)
        http = aiohttp.ClientSession(self.address, connector=connector)
        await self._running.enter_async_context(http)
        self._apis = {login: Api(http, token) for login, token in self._tokens.items()}
        await self._ready(http)
        socket = await self._running.enter_async_context(self.supervisor.live())
        self._ongoing.clear()
        listening = asyncio.create_task(self._listen(socket))
        self._running.push_async_callback(_cancelled, listening)

    async def stop(self) -> None:
        """Stop it as systemd does."""
        await self._end(signal.SIGTERM)

    def hang(self, hung: bool = True) -> None:
        """Let it do nothing any more, though its sockets are there; or go on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP if hung else signal.SIGCONT)

    async def kill(self) -> None:
        """As a power cut does."""
        await self._end(signal.SIGKILL)

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """It dies, and is started again after the block."""
        await self.kill()
        self.forget()
        try:
            yield
        finally:
            await self.start()

    async def until(self, truth: Callable[[], Any], what: str, *, patience: float = PATIENCE) -> Any:
        """Wait until something that the live socket tells makes it true. Raises AssertionError."""
        try:
            async with asyncio.timeout(patience):
                while not (result := truth()):
                    self._news.clear()
                    await self._news.wait()
                return result
        except TimeoutError:
            raise AssertionError(f"{what} did not come; {self._told()}\n{self.last_words()}") from None

    async def event(self, kind: str, *, patience: float = PATIENCE, **fields: Any) -> Json:
        """The call of the first such event: `event("call.rang", number="+79031112233")`."""

        def first() -> Json:
            calls = (event["call"] for event in self.events if event["type"] == kind)
            return next((call for call in calls if fields.items() <= call.items()), None)

        return await self.until(first, f"{kind} {fields}", patience=patience)

    async def ended(self, count: int) -> list[Json]:
        """The calls that ended since forget(), once there are so many, as the API has them now."""
        await self.until(lambda: len(self._ended()) >= count, f"the end of {count} calls")
        return [await self.supervisor.get(f"/calls/{call_id}") for call_id in self._ended()]

    async def quiet(self) -> None:
        """No call goes on."""
        await self.until(lambda: not self._ongoing, "quiet")

    def forget(self) -> None:
        self.events.clear()
        self._since = datetime.now(UTC)

    def _ended(self) -> list[str]:
        """Not those of before forget() that are only now filled in from the call records."""
        ended = (event["call"] for event in self.events if event["type"] == "call.ended")
        return [call["id"] for call in ended if call["source"] != "backfilled" or self._is_new(call)]

    def _is_new(self, call: Json) -> bool:
        return datetime.fromisoformat(call["started_at"]) > self._since - timedelta(seconds=1)

    async def _prepare(self) -> None:
        config = self.folder / "zeoncrm.toml"
        config.write_text(
            f'[database]\nurl = "sqlite:///{self.folder}/zeoncrm.db"\n'
            f"[web]\nport = {self._port}\n"
            f"[agi]\nport = {self.agi_port}\n"
            f'[[pbx]]\nname = "main"\nport = {self._ami_port}\n'
            f'username = "zeoncrm"\nsecret = "{self._lab.secret}"\n'
            f'originate_channel = "{self._originate_channel}"\n{self._pbx_keys}\n'
            f'cdr = "{self._cdr}"\ncdr_timezone = "UTC"\n'
        )
        people = {login: (Role.REP, extensions) for login, extensions in PEOPLE.items()}
        people[SUPERVISOR] = (Role.SUPERVISOR, ())
        now = datetime.now(UTC)
        passwords = quick_passwords()
        password_hash = await passwords.hash(PASSWORD)
        passwords.close()
        async with opened(load_config(config)) as database:
            for login, (role, extensions) in people.items():
                mobiles = [OWN_MOBILES[extension] for extension in extensions if extension in OWN_MOBILES]
                person = await add_person(
                    database, login=login, name=login.title(), role=role, password_hash=password_hash,
                    extensions=extensions, outside=mobiles, region="RU", at=now,
                )  # fmt: skip
                token = self._tokens[login] = new_secret()
                async with database.write() as tx:
                    await sessions.add_token(tx, person, secret_hash(token), now)

    async def _ready(self, http: aiohttp.ClientSession) -> None:
        for _ in range(300):
            try:
                async with http.get("/readyz") as answer:
                    if (await answer.json())["pbx"]["main"]["state"] == "up":
                        return
            except aiohttp.ClientConnectionError:  # not listening yet: nothing to await but time
                assert self._process is not None
                if self._process.returncode is not None:
                    break
            await asyncio.sleep(0.05)
        raise AssertionError(f"the daemon does not start: {self.last_words()}")

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            event = message.json()
            self.events.append(event)
            for call in event.get("calls", [event.get("call")]):
                self._follow(call)
            if event["type"] == "call.dropped":
                self._ongoing.discard(event["call_id"])
            self._news.set()

    def _follow(self, call: Json) -> None:
        if call is not None and call.get("state") in ("ringing", "talking"):
            self._ongoing.add(call["id"])
        elif call is not None:
            self._ongoing.discard(call["id"])

    async def _end(self, how: signal.Signals) -> None:
        await self._running.aclose()
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, how)
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()

    def _told(self) -> str:
        calls = [(event["type"], event["call"]) for event in self.events if "call" in event]
        shown = ("number", "state", "progress", "result", "answered_by", "consult")
        return "\n".join(f"{kind} {[call[name] for name in shown]}" for kind, call in calls)

    def last_words(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
