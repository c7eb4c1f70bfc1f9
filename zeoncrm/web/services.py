"""What the web works with: built by `app`, handed to the server, reached from each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from zeoncrm.pipeline.bus import Bus
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.dialling import Rate, Telephone
from zeoncrm.pipeline.passwords import Passwords
from zeoncrm.pipeline.pbx_desks import PbxDesk, Trouble
from zeoncrm.pipeline.people import Directory
from zeoncrm.pipeline.recorder import Recorder
from zeoncrm.pipeline.recording_files import Archive
from zeoncrm.pipeline.recording_keeper import FolderSeen
from zeoncrm.pipeline.routing import Router
from zeoncrm.pipeline.settings import CallSettings
from zeoncrm.pipeline.watch import Watch
from zeoncrm.store.database import Database


@dataclass(frozen=True, slots=True)
class PbxStatus:
    """The link to a PBX: `connecting`, `up`, `auth-failed` or `down`, since when (UTC), and why if it is not up."""

    state: str
    since: datetime
    reason: str | None


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a page or an API call may need. Functions give what changes while the daemon runs."""

    database: Database
    bus: Bus
    recorder: Recorder
    passwords: Passwords
    region: str
    directory: Callable[[], Directory]
    settings: Callable[[], CallSettings]
    rules: Callable[[], Rules]
    router: Router
    pbx: Callable[[], Mapping[str, PbxStatus]]
    telephones: Mapping[str, Telephone]
    watch: Watch
    # The folders with recordings, by PBX; and how they were found at the last look.
    archives: Mapping[str, Archive] = field(default_factory=dict)
    folders: Callable[[], Mapping[str, FolderSeen]] = dict
    desks: Mapping[str, PbxDesk] = field(default_factory=dict)
    # What is amiss with the dialplan's questions: the last since one was answered.
    dialplan: Callable[[], Trouble | None] = lambda: None
    metrics: Callable[[], bytes] = lambda: b""
    dial_rate: Rate = field(default_factory=Rate)
    now: Callable[[], datetime] = utc_now
    secure_cookies: bool = False
    # Networks whose X-Forwarded-For and -Proto are believed.
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    languages: tuple[str, ...] = ("en", "ru")
