"""Who waits in the queues of a PBX, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller in a queue. `since`: UTC; `number`: E.164 if it can be read so; `call_id`: null for an internal call."""

    call_id: str | None
    number: str | None
    number_raw: str | None
    caller_name: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """Whom a queue calls. `extension`: None for one that is no phone of ours; `paused`: it is not called now."""

    extension: str | None
    name: str
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of one PBX; who has waited longest comes first."""

    pbx: str
    name: str
    waiting: tuple[Waiting, ...] = ()
    members: tuple[Member, ...] = ()
