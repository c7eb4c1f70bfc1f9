"""A small firm for the tests of the web: people with fixed roles, a telephone that only notes orders, real parts else.

Anna (rep, 101) and Boris (rep, 102) must see nothing of each other's; Sveta (supervisor, 103) and Ada (admin) see all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import yarl
from aiohttp import web

from tests.passwords import quick_passwords
from tests.patience import PATIENCE
from tests.web.client import Client
from tests.web.desks import NotedDesk
from zeoncrm.pipeline import call_events as pbx
from zeoncrm.pipeline.bus import Bus
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.contacts import NewPhone, create_contact
from zeoncrm.pipeline.deals import NewDeal, create_deal
from zeoncrm.pipeline.errors import Unavailable
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.incoming import load_incoming
from zeoncrm.pipeline.incoming_rules import Incoming
from zeoncrm.pipeline.passwords import Passwords, new_secret, secret_hash
from zeoncrm.pipeline.pbx_desks import Trouble
from zeoncrm.pipeline.people import Directory, Role, Viewer, add_person, load_directory, viewer_of
from zeoncrm.pipeline.presence import PhoneState
from zeoncrm.pipeline.queues import Queue
from zeoncrm.pipeline.recorder import Recorder
from zeoncrm.pipeline.recording_keeper import FolderSeen
from zeoncrm.pipeline.routing import Router
from zeoncrm.pipeline.settings import CallSettings
from zeoncrm.pipeline.stages import ensure_default_pipeline
from zeoncrm.pipeline.watch import Watch
from zeoncrm.store import schema, sessions
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.database import Database
from zeoncrm.store.deals import DealRow
from zeoncrm.store.sessions import SessionRow
from zeoncrm.web.cookies import COOKIE
from zeoncrm.web.server import create_app, serving
from zeoncrm.web.services import PbxStatus, Services
from zeoncrm.web.sessions import IDLE

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STAFF = (
    ("anna", "Anna Ivanova", Role.REP, "101"),
    ("boris", "Boris Petrov", Role.REP, "102"),
    ("sveta", "Sveta Orlova", Role.SUPERVISOR, "103"),
    ("ada", "Ada Admin", Role.ADMIN, None),
)
PBX = "main"


def password_of(login: str) -> str:
    """What the person types."""
    return f"{login}'s password"


class Clock:
    """The time, which passes when told to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **duration: float) -> datetime:
        """Let time pass; give the time then."""
        self.now += timedelta(**duration)
        return self.now


@dataclass
class NotedPhone:
    """A telephone system that notes what it is told."""

    name: str = PBX
    is_up: bool = True
    orders: list[tuple[Any, ...]] = field(default_factory=list)
    phones: dict[str, PhoneState] = field(default_factory=dict)
    queues: tuple[Queue, ...] = ()

    def channel_id(self, call_id: str) -> str:
        return f"zeoncrm-{call_id}"

    async def call(self, call_id: str, *, extension: str, number: str, at: datetime) -> None:
        self._note("call", call_id, extension, number)

    async def hang_up(self, call_id: str, extension: str | None) -> None:
        self._note("hang up", call_id, extension)

    async def transfer(self, call_id: str, extension: str, to: str, *, attended: bool) -> None:
        self._note("transfer", call_id, extension, to, attended)

    async def complete_transfer(self, call_id: str, extension: str) -> None:
        self._note("complete", call_id, extension)

    async def cancel_transfer(self, call_id: str, extension: str) -> None:
        self._note("cancel", call_id, extension)

    def _note(self, *order: Any) -> None:
        if not self.is_up:
            raise Unavailable("the telephone system is not connected")
        self.orders.append(order)


class World:
    """The parts, joined as `app` joins them."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self.database = database
        self.bus = Bus(first_id=1001)
        database.publish = self.bus.publish
        self.clock = Clock()
        self.phone = NotedPhone()
        self.directory = Directory()
        self.settings = CallSettings()
        self.incoming = Incoming()
        self.pbx = {PBX: PbxStatus("up", NOON, None)}
        self.recorder = Recorder(database, self.rules)
        self.bus.subscribe(self.recorder.follow)
        self.watch = Watch(self.bus.publish, lambda: self.directory, self.recorder.live, {PBX: self.phone}, self.clock)
        self.folders: dict[str, FolderSeen] = {}
        self.desk = NotedDesk(lambda: self.directory.numbering(PBX, "RU", ()))
        self.dialplan: Trouble | None = None
        self.services = Services(
            database=database,
            bus=self.bus,
            recorder=self.recorder,
            passwords=passwords,
            region="RU",
            directory=lambda: self.directory,
            settings=lambda: self.settings,
            rules=self.rules,
            router=Router(database, self.rules, (PBX,)),
            pbx=lambda: self.pbx,
            telephones={PBX: self.phone},
            desks={PBX: self.desk},
            folders=lambda: self.folders,
            dialplan=lambda: self.dialplan,
            watch=self.watch,
            now=self.clock,
        )
        self.address = ""
        self.app = web.Application()
        self._stack = AsyncExitStack()

    def rules(self) -> Rules:
        """What calls are turned into deals by."""
        return Rules(self.settings, self.directory, "RU", self.incoming)

    async def refresh(self) -> None:
        """Load people and the rules for incoming calls again."""
        self.directory = await load_directory(self.database)
        self.incoming = await load_incoming(self.database)

    def person(self, login: str) -> Viewer:
        """A person by login."""
        return viewer_of(next(row for row in self.directory.rows if row.login == login))

    async def browser(self, login: str | None = None) -> Client:
        """A browser with a cookie jar, logged in as somebody (past the slow check of the password)."""
        client = await self._client(cookie_jar=aiohttp.CookieJar(unsafe=True))
        if login is not None:
            key, now = new_secret(), self.clock()
            row = SessionRow(secret_hash(key), self.person(login).id, {}, now, now + IDLE)
            async with self.database.write() as tx:
                await sessions.save(tx, row, "127.0.0.1")
            client.http.cookie_jar.update_cookies({COOKIE: key}, yarl.URL(self.address))
        return client

    async def api(self, login: str | None = None) -> Client:
        """A program, with somebody's API token."""
        headers = {} if login is None else {"Authorization": f"Bearer {await self.token(login)}"}
        return await self._client(headers=headers, cookie_jar=aiohttp.DummyCookieJar())

    async def token(self, login: str) -> str:
        """A new API token of somebody."""
        token = new_secret()
        async with self.database.write() as tx:
            await sessions.add_token(tx, self.person(login).id, secret_hash(token), self.clock())
        return token

    async def deal(self, login: str, title: str = "Windows", **values: Any) -> DealRow:
        """Somebody's deal."""
        new = NewDeal(title=title, **values)
        return await create_deal(self.database, self.person(login), new, self.clock())

    async def contact(self, login: str, name: str = "Ivan Petrov", number: str = "+79031112233") -> ContactRow:
        """Somebody's contact."""
        return await create_contact(
            self.database,
            self.person(login),
            name=name,
            phones=[NewPhone(number)],
            region="RU",
            at=self.clock(),
        )

    async def ring(self, *extensions: str, number: str = "+79031112233", name: str | None = None) -> str:
        """An outside party calls and these extensions ring; the call's id."""
        call_id, at = new_call_id(self.clock()), self.clock()
        started = pbx.CallStarted(
            call_id=call_id,
            at=at,
            pbx=PBX,
            direction=pbx.Direction.INBOUND,
            linkedid=f"linked-{call_id}",
            number=number,
            number_raw=number.lstrip("+"),
            caller_name=name,
            did="4952150000",
        )
        await self.tell(started, *(pbx.LegRang(call_id=call_id, at=at, extension=each) for each in extensions))
        return call_id

    async def answer(self, call_id: str, extension: str) -> CallView:
        """The extension takes the call."""
        return await self.tell(pbx.LegAnswered(call_id=call_id, at=self.clock(), extension=extension))

    async def end(self, call_id: str, result: pbx.CallResult = pbx.CallResult.ANSWERED) -> CallView:
        """The call is over."""
        return await self.tell(pbx.CallEnded(call_id=call_id, at=self.clock(), result=result))

    async def tell(self, *events: pbx.CallEvent) -> CallView:
        """Let the PBX say so, and wait until it is kept."""
        view: CallView | None = None
        for event in events:
            view = await self.recorder.recorded(event)
        assert view is not None
        return view

    async def _client(self, **options: Any) -> Client:
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE), **options)
        return Client(await self._stack.enter_async_context(session), self.address, self._stack)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[World]:
        """Serve while the block lasts."""
        await self.refresh()
        writer = asyncio.create_task(self.recorder.run())
        try:
            self.app = create_app(self.services)
            async with serving(self.app, "127.0.0.1", 0) as self.address, self._stack:
                yield self
        finally:
            writer.cancel()
            await asyncio.wait([writer])


async def prepare(url: str) -> None:
    """Make a database with the staff and the default pipeline, to be copied for each test."""
    database, passwords = Database(url), quick_passwords()
    try:
        await schema.upgrade(database)
        await ensure_default_pipeline(database)
        for login, name, role, extension in STAFF:
            await add_person(
                database,
                login=login,
                name=name,
                role=role,
                password_hash=await passwords.hash(password_of(login)),
                extensions=[extension] if extension else [],
                outside=[],
                region="RU",
                at=NOON,
            )
    finally:
        await database.close()
        passwords.close()
