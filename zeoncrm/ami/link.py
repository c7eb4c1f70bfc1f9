"""What is said of a link to a PBX: whose, in what state, how fast."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from zeoncrm.ami.messages import Message


@dataclass(frozen=True)
class PbxAccount:
    name: str
    host: str
    port: int
    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the PBX is asked to list on each connection, and again with each snapshot, beside its channels.

    `read` makes a message of the raw entries and the UTC time at which they were asked for; it must not raise. A PBX
    that refuses is up nevertheless: `lack` says what cannot be seen then; None: nothing that is missed.
    """

    action: str
    read: Callable[[Sequence[bytes], datetime], Message]
    lack: str | None


class LinkState(StrEnum):
    CONNECTING = "connecting"  # until the first attempt has ended, and from the login to the end of the resync
    UP = "up"
    AUTH_FAILED = "auth-failed"
    DOWN = "down"


@dataclass(frozen=True)
class LinkStatus:
    """`since` is UTC. A link which is up has a reason only when something about it is amiss."""

    state: LinkState
    since: datetime
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Seconds."""

    connect_timeout: float = 5
    login_timeout: float = 5
    # FullyBooted comes at once, late (the PBX is starting) or never (the account may not read `system`).
    boot_wait: float = 1
    # What comes before the first snapshot; events wait for so long.
    prepare_timeout: float = 5
    snapshot_timeout: float = 15
    snapshot_period: float = 180
    # Until the first event has come: an account that may not read `call` is to be found by the first calls.
    unproven_period: float = 10
    # Without one event for so long while calls go on, a snapshot tells whether the events are dead.
    watch_after: float = 30
    # At most 5: some Asterisk versions hold events back until the next action.
    ping_interval: float = 5
    ping_timeout: float = 5
    backoff_first: float = 1
    backoff_longest: float = 30
    # Slow enough for the usual fail2ban rules (5 failures in 10 minutes).
    refused_first: float = 120
    refused_longest: float = 900
    # A link that was up for so long was a good one: the next pause is the shortest again.
    steady_after: float = 60


@dataclass
class Counters:
    """Since the start of the process. Times are UTC."""

    logins: int = 0
    events: int = 0  # of any kind
    messages: int = 0  # events that calls are made of
    stalls: int = 0  # events had stopped while pings were answered: the link was ended for it
    unparsable: int = 0
    dropped: int = 0  # longer than a message may be
    undelivered: int = 0  # the consumer raised
    last_message_at: datetime | None = None
