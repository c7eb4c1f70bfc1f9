"""A whole zeoncrm for a browser to look at: real database, real server, a telephone made by hand."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.passwords import quick_passwords
from tests.sounds import wave
from tests.web.desks import NotedDesk
from tests.web.world import NotedPhone
from zeoncrm.pipeline.bus import Bus, Published
from zeoncrm.pipeline.call_backs import CallBackWatch
from zeoncrm.pipeline.call_events import CallEvent
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.events import CallView, PbxChanged, PeopleChanged, SettingsChanged
from zeoncrm.pipeline.incoming import load_incoming
from zeoncrm.pipeline.incoming_rules import Incoming
from zeoncrm.pipeline.passwords import Passwords, new_secret, secret_hash
from zeoncrm.pipeline.pbx_desks import Trouble
from zeoncrm.pipeline.people import Directory, Role, add_person, load_directory
from zeoncrm.pipeline.recorder import Recorder
from zeoncrm.pipeline.recording_files import Archive
from zeoncrm.pipeline.recording_keeper import RecordingKeeper
from zeoncrm.pipeline.recordings import note_recording
from zeoncrm.pipeline.routing import Router
from zeoncrm.pipeline.settings import CallSettings, load_settings
from zeoncrm.pipeline.stages import ensure_default_pipeline
from zeoncrm.pipeline.watch import Watch
from zeoncrm.store import sessions
from zeoncrm.store.database import Database
from zeoncrm.store.schema import upgrade
from zeoncrm.store.sessions import SessionRow
from zeoncrm.web.server import create_app, serving
from zeoncrm.web.services import PbxStatus, Services

FILE = "zeoncrm.db"
PASSWORD = "correct horse"
REGION = "RU"

# login -> name, role, extension
PEOPLE = {
    "anna": ("Anna Orlova", Role.REP, "101"),
    "boris": ("Boris Volkov", Role.REP, "102"),
    "vera": ("Vera Sokolova", Role.SUPERVISOR, "103"),
    "root": ("Roman Administrator", Role.ADMIN, "104"),
}


class Site:
    """The parts of a running site, and its address."""

    def __init__(self, database: Database, bus: Bus, monitor: Path) -> None:
        self.database = database
        self.bus = bus
        self.directory = Directory()
        self.settings = CallSettings()
        self.incoming = Incoming()
        self.phone = NotedPhone()
        self.dialplan: Trouble | None = None
        self.desk = NotedDesk(lambda: self.directory.numbering(self.phone.name, REGION, ()))
        self.recorder = Recorder(database, self.rules)
        self.archives = {self.phone.name: Archive(monitor)}
        self.keeper = RecordingKeeper(database, self.archives, lambda: self.directory)
        self.call_backs = CallBackWatch(database, bus.publish)
        self.watch = Watch(
            bus.publish,
            lambda: self.directory,
            self.recorder.live,
            {self.phone.name: self.phone},
            lambda: datetime.now(UTC),
        )
        self.address = ""
        self._stale = asyncio.Event()

    def services(self, passwords: Passwords) -> Services:
        """What the server works with."""
        return Services(
            database=self.database,
            bus=self.bus,
            recorder=self.recorder,
            passwords=passwords,
            region=REGION,
            directory=lambda: self.directory,
            settings=lambda: self.settings,
            rules=self.rules,
            router=Router(self.database, self.rules, (self.phone.name,)),
            pbx=self.pbx,
            telephones={self.phone.name: self.phone},
            desks={self.phone.name: self.desk},
            watch=self.watch,
            archives=self.archives,
            dialplan=lambda: self.dialplan,
            folders=lambda: self.keeper.folders,
        )

    def rules(self) -> Rules:
        """What calls are turned into deals by."""
        return Rules(self.settings, self.directory, REGION, self.incoming)

    def pbx(self) -> Mapping[str, PbxStatus]:
        """The link to the made-up PBX."""
        state, reason = ("up", None) if self.phone.is_up else ("down", "connection refused")
        return {self.phone.name: PbxStatus(state, datetime(2026, 3, 2, 9, 0, tzinfo=UTC), reason)}

    def connect_pbx(self, up: bool) -> None:
        """The link goes up or down, and everybody hears of it."""
        self.phone.is_up = up
        link = self.pbx()[self.phone.name]
        people = frozenset(self.directory.by_id)
        event = PbxChanged(people=people, pbx=self.phone.name, state=link.state, since=link.since, reason=link.reason)
        self.bus.publish([event])

    async def happened(self, *events: CallEvent) -> CallView | None:
        """Record call events as if a PBX had told them; the call after the last."""
        view = None
        for event in events:
            view = await self.recorder.recorded(event)
        return view

    async def recorded(self, *call_ids: str) -> None:
        """These calls, which have ended, were recorded; the files are there and whole."""
        [archive] = self.archives.values()
        archive.root.mkdir(exist_ok=True)
        for call_id in call_ids:
            (archive.root / f"{call_id}.wav").write_bytes(wave(20))
            async with self.database.write() as tx:
                await note_recording(tx, call_id, f"{call_id}.wav", datetime.now(UTC))
        for _ in range(2):
            await self.keeper.look()

    async def session_of(self, login: str) -> str:
        """The key of a new session of somebody's."""
        key, now = new_secret(), datetime.now(UTC)
        person = next(row for row in self.directory.rows if row.login == login)
        row = SessionRow(secret_hash(key), person.id, {}, now, now + timedelta(hours=8))
        async with self.database.write() as tx:
            await sessions.save(tx, row, None)
        return key

    async def refresh(self) -> None:
        """Load people and settings again."""
        self.directory = await load_directory(self.database)
        self.settings = await load_settings(self.database)
        self.incoming = await load_incoming(self.database)
        self.watch.stir()

    def note(self, published: Published) -> None:
        """Hear of changed people and settings."""
        if isinstance(published.event, PeopleChanged | SettingsChanged):
            self._stale.set()

    async def keep_fresh(self) -> None:
        """Follow changes of people and settings."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            await self.refresh()


@asynccontextmanager
async def running_site(folder: Path, port: int = 0) -> AsyncIterator[Site]:
    """A site for as long as the block lasts: of the database in the folder, else with four people and nothing more."""
    begun = (folder / FILE).exists()
    bus = Bus(first_id=time.time_ns() // 1000)
    database = Database(f"sqlite:///{folder / FILE}", bus.publish)
    passwords = quick_passwords()
    site = Site(database, bus, folder / "monitor")
    bus.subscribe(site.note)
    bus.subscribe(site.recorder.follow)
    bus.subscribe(site.watch.follow)
    bus.subscribe(site.call_backs.follow)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(passwords.close)
        stack.push_async_callback(database.close)
        if not begun:
            await _begin(database, passwords)
        await site.refresh()
        for job in (site.recorder.run, site.keep_fresh, site.watch.run, site.call_backs.run):
            task = asyncio.create_task(job())
            stack.push_async_callback(_stopped, task)
        site.address = await stack.enter_async_context(serving(create_app(site.services(passwords)), "127.0.0.1", port))
        yield site


async def prepare(folder: Path) -> Path:
    """A database with the four people, to be copied for each site; its file."""
    async with running_site(folder):
        return folder / FILE


async def _begin(database: Database, passwords: Passwords) -> None:
    await upgrade(database)
    await ensure_default_pipeline(database)
    password_hash = await passwords.hash(PASSWORD)
    for login, (name, role, extension) in PEOPLE.items():
        await add_person(
            database,
            login=login,
            name=name,
            role=role,
            password_hash=password_hash,
            extensions=[extension],
            outside=[],
            region=REGION,
            at=datetime.now(UTC),
        )


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
