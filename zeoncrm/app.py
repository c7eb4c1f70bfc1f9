"""Builds every part and joins them: the order of starting stands here, and stopping goes the other way round."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from zeoncrm.ami.agi import AgiServer
from zeoncrm.ami.cdr.csv_file import CsvFile
from zeoncrm.ami.cdr.events import CdrEvents
from zeoncrm.ami.cdr.sources import CdrSource
from zeoncrm.ami.cdr.sql_table import SqlTable
from zeoncrm.ami.connection import LinkStatus, PbxAccount
from zeoncrm.ami.desk import Desk
from zeoncrm.ami.metrics import PbxMetrics
from zeoncrm.ami.orphans import ends_of
from zeoncrm.ami.pbx import CallRecords, Pbx
from zeoncrm.ami.telephone import Dialling
from zeoncrm.config import Config, ConfigError, PbxConfig
from zeoncrm.pipeline.bus import Bus, Published
from zeoncrm.pipeline.call_backs import CallBackWatch
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.events import PbxChanged, PeopleChanged, SettingsChanged
from zeoncrm.pipeline.incoming import load_incoming
from zeoncrm.pipeline.incoming_rules import Incoming
from zeoncrm.pipeline.passwords import Passwords
from zeoncrm.pipeline.people import Directory, load_directory, people_version
from zeoncrm.pipeline.recorder import Recorder
from zeoncrm.pipeline.recording_files import Archive
from zeoncrm.pipeline.recording_keeper import RecordingKeeper
from zeoncrm.pipeline.routing import Router
from zeoncrm.pipeline.settings import CallSettings, load_settings
from zeoncrm.pipeline.stages import ensure_default_pipeline
from zeoncrm.pipeline.watch import Watch
from zeoncrm.store import cdr_marks, schema, sessions
from zeoncrm.store.cdr_table import CdrTable
from zeoncrm.store.database import Database
from zeoncrm.store.errors import StoreError
from zeoncrm.store.held import held
from zeoncrm.web.server import create_app, serving
from zeoncrm.web.services import PbxStatus, Services

REFRESH_SECONDS = 1.0
EXPIRE_SECONDS = 1.0
CLEAN_SECONDS = 3600.0

log = structlog.get_logger(__name__)


class Daemon:
    """The parts of a running zeoncrm, joined. Built by `running`, which starts and stops it."""

    def __init__(self, config: Config) -> None:
        self.config = config
        # Ids of events must rise across restarts: a browser asks for what came after the last one that it saw.
        self.bus = Bus(first_id=time.time_ns() // 1000)
        self.database = Database(config.database.url, self.bus.publish)
        self.directory = Directory()
        self.settings = CallSettings()
        self.incoming = Incoming()
        self.recorder = Recorder(self.database, self.rules)
        self.passwords = Passwords()
        self.archives = {
            each.name: Archive(Path(each.recordings), each.recordings_days, each.recordings_delete)
            for each in config.pbx
            if each.recordings is not None
        }
        self.call_backs = CallBackWatch(self.database, self.bus.publish)
        self.recordings = RecordingKeeper(self.database, self.archives, lambda: self.directory)
        self.pbxs = {each.name: self._pbx(each) for each in config.pbx}
        self.watch = Watch(
            self.bus.publish, lambda: self.directory, self.recorder.live, self.pbxs, lambda: datetime.now(UTC)
        )
        self.router = Router(self.database, self.rules, tuple(self.pbxs))
        self.agi = AgiServer(self.router, tuple(self.pbxs), networks=tuple(config.agi.networks))
        self.services = Services(
            database=self.database,
            bus=self.bus,
            recorder=self.recorder,
            passwords=self.passwords,
            region=config.phones.region,
            directory=lambda: self.directory,
            settings=lambda: self.settings,
            rules=self.rules,
            router=self.router,
            pbx=self.pbx_states,
            telephones={name: pbx.telephone for name, pbx in self.pbxs.items()},
            desks={name: Desk(pbx) for name, pbx in self.pbxs.items()},
            watch=self.watch,
            archives=self.archives,
            folders=lambda: self.recordings.folders,
            dialplan=lambda: self.agi.trouble,
            metrics=PbxMetrics(self.pbxs.values()).text,
            secure_cookies=(config.web.public_url or "").startswith("https://"),
            trusted_proxies=tuple(config.web.trusted_proxies),
        )
        self.site = create_app(self.services)
        self.address = ""
        self._stale = asyncio.Event()

    def rules(self) -> Rules:
        """What calls are turned into deals by, as it is now."""
        return Rules(self.settings, self.directory, self.config.phones.region, self.incoming)

    def pbx_states(self) -> Mapping[str, PbxStatus]:
        """The state of each link."""
        return {name: _pbx_status(pbx.status) for name, pbx in self.pbxs.items()}

    async def prepare(self) -> None:
        """Bring the database up to date and load what is kept in memory."""
        await schema.upgrade(self.database)
        await ensure_default_pipeline(self.database)
        await self.refresh()
        open_calls = await self.recorder.load()
        for name, pbx in self.pbxs.items():
            pbx.resume([call for call in open_calls if call.pbx == name])
        await self._end_orphans([call for call in open_calls if call.pbx not in self.pbxs])
        self.bus.subscribe(self._note)
        self.bus.subscribe(self.recorder.follow)
        self.bus.subscribe(self.watch.follow)
        self.bus.subscribe(self.recordings.follow)
        self.bus.subscribe(self.call_backs.follow)

    async def _end_orphans(self, calls: Sequence[Call]) -> None:
        """Close the calls of PBXs that have gone from the configuration, or are called otherwise in it."""
        for name in sorted({call.pbx for call in calls}):
            theirs = [call for call in calls if call.pbx == name]
            log.warning("calls of a PBX that is not in the configuration are ended", pbx=name, calls=len(theirs))
            numbering = self.directory.numbering(name, self.config.phones.region, ())
            for event in ends_of(name, theirs, numbering, datetime.now(UTC)):
                await self.recorder.record(event)

    async def refresh(self) -> None:
        """Load people and settings again."""
        contested = self.directory.contested()
        self.directory = await load_directory(self.database)
        for claim in set(self.directory.contested()).difference(contested):
            log.warning(
                "two people claim an extension; on this PBX its own entry counts",
                extension=claim.extension,
                pbx=claim.pbx,
                counts=claim.there,
                claims_all=claim.everywhere,
            )
        self.settings = await load_settings(self.database)
        self.incoming = await load_incoming(self.database)
        for each in self.config.pbx:
            self.pbxs[each.name].renumber(self.directory.numbering(each.name, self.config.phones.region, each.trunks))
        self.watch.stir()

    async def keep_fresh(self) -> None:
        """Follow changes of people and settings: our own at once, another process's (`zeoncrm user add`) soon.

        What could not be read when it changed, the database being away, is read when it is back.
        """
        asked = False
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stale.wait(), REFRESH_SECONDS)
            asked = asked or self._stale.is_set()
            self._stale.clear()
            with contextlib.suppress(StoreError):
                if asked or await people_version(self.database) != self.directory.version:
                    await self.refresh()
                    asked = False

    async def expire_calls(self) -> None:
        """Close what can't go on."""
        while True:
            await asyncio.sleep(EXPIRE_SECONDS)
            for pbx in self.pbxs.values():
                await pbx.expire(datetime.now(UTC))

    async def clean(self) -> None:
        """Forget sessions that are over."""
        while True:
            with contextlib.suppress(StoreError):
                async with self.database.write() as tx:
                    await sessions.forget_expired(tx, datetime.now(UTC))
            await asyncio.sleep(CLEAN_SECONDS)

    def _pbx(self, config: PbxConfig) -> Pbx:
        return Pbx(
            PbxAccount(config.name, config.host, config.port, config.username, config.read_secret()),
            Dialling(config.originate_channel, config.originate_context, config.dial),
            self.directory.numbering(config.name, self.config.phones.region, config.trunks),
            self.recorder.record,
            on_status=self._pbx_changed,
            on_watched=lambda: self.watch.stir(),
            records=self._call_records(config),
        )

    def _call_records(self, config: PbxConfig) -> CallRecords | None:
        if config.cdr is None:
            return None

        async def mark() -> Mapping[str, Any] | None:
            async with self.database.read() as connection:
                return await cdr_marks.get(connection, config.name)

        return CallRecords(cdr_source(config, config.cdr), mark, self.recorder.fill_in)

    def _pbx_changed(self, name: str, status: LinkStatus) -> None:
        known = _pbx_status(status)
        event = PbxChanged(
            people=frozenset(self.directory.by_id), pbx=name, state=known.state, since=known.since, reason=known.reason
        )
        self.bus.publish([event])

    def _note(self, published: Published) -> None:
        if isinstance(published.event, PeopleChanged | SettingsChanged):
            self._stale.set()


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Daemon]:
    """A daemon that serves; `address` says where. It is stopped when the block ends, in the reverse order.

    Raises:
        ConfigError, StoreError, OSError: it can't start, and nothing is left running.
    """
    async with contextlib.AsyncExitStack() as stack:
        keep_hold = await stack.enter_async_context(held(config.database.url))
        daemon = Daemon(config)
        stack.callback(daemon.passwords.close)
        stack.push_async_callback(daemon.database.close)
        await daemon.prepare()
        stack.push_async_callback(_drained, daemon.recorder)
        await stack.enter_async_context(_task(keep_hold, "hold on the database"))
        await stack.enter_async_context(_task(daemon.recorder.run, "recorder"))
        await stack.enter_async_context(_task(daemon.keep_fresh, "refresh"))
        await stack.enter_async_context(_task(daemon.recordings.run, "recordings"))
        await stack.enter_async_context(_task(daemon.call_backs.run, "call-backs"))
        await stack.enter_async_context(_task(daemon.clean, "clean"))
        await stack.enter_async_context(_task(daemon.watch.run, "watch"))
        daemon.address = await stack.enter_async_context(serving(daemon.site, config.web.host, config.web.port))
        log.info("serving", address=daemon.address)
        if config.agi.port:
            await stack.enter_async_context(daemon.agi.serving(config.agi.host, config.agi.port))
        for pbx in daemon.pbxs.values():
            await stack.enter_async_context(_task(pbx.run, f"pbx {pbx.name}"))
        await stack.enter_async_context(_task(daemon.expire_calls, "expire"))
        yield daemon


@asynccontextmanager
async def _task(run: Callable[[], Coroutine[Any, Any, None]], name: str) -> AsyncIterator[None]:
    """A task that lives as long as the block. One that fails stops the daemon: a supervisor starts it again.

    Raises what it failed with, once all is stopped.
    """
    owner = asyncio.current_task()
    task = asyncio.create_task(run(), name=name)

    def ended(done: asyncio.Task[None]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            if isinstance(error, StoreError):
                log.critical("a part failed", part=name, reason=str(error))
            else:
                log.critical("a part failed", part=name, exc_info=error)
            if owner is not None:
                owner.cancel()

    task.add_done_callback(ended)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def _drained(recorder: Recorder) -> None:
    """Write what the PBXs still told; a database that is away must not keep the process from stopping."""
    try:
        await asyncio.wait_for(recorder.drain(), timeout=10)
    except (StoreError, TimeoutError) as error:
        log.error("calls not written at the stop", waiting=recorder.waiting, reason=str(error))


def cdr_source(config: PbxConfig, url: str) -> CdrSource:
    """Where a PBX's call records are read from; raises ConfigError when it can't be that."""
    if url == "ami":
        return CdrEvents(config.cdr_zone)
    if url.startswith("csv://"):
        return CsvFile(Path(url.removeprefix("csv://")), config.cdr_zone)
    try:
        return SqlTable(CdrTable(url), config.cdr_zone)
    except StoreError as error:
        raise ConfigError(f"pbx.cdr: {error}") from None


def _pbx_status(status: LinkStatus) -> PbxStatus:
    return PbxStatus(status.state.value, status.since, status.reason)
