"""What happened in the CRM: published after the commit, in order, to everybody whom it concerns.

`people` are the reps that may hear of it; supervisors and admins hear of everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.presence import Presence
from zeoncrm.pipeline.queues import Queue
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.deals import DealRow
from zeoncrm.store.recordings import RecordingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""

    people: frozenset[int]


@dataclass(frozen=True, slots=True)
class CallView:
    """A call with what a person reads of it. The owner ids decide whether a rep may be told of contact and deal.

    `recordings`: what can be listened to; `talked`: the people who did. Only of calls that were read from the store.
    """

    call: Call
    owner: str | None = None
    contact: str | None = None
    contact_owner_id: int | None = None
    deal_owner_id: int | None = None
    recordings: tuple[RecordingRow, ...] = field(default=(), compare=False)
    talked: frozenset[int] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRang(Event):
    """A call began, or rings at one more extension."""

    view: CallView


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(Event):
    """Somebody (else) of ours talks with the outside party."""

    view: CallView


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChanged(Event):
    """Something else of a call changed: a leg stopped ringing, a name, the deal, the progress of an outbound call.

    `by`: the person who put it on another contact or deal; None when it comes of what the PBX did.
    """

    view: CallView
    by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Event):
    """A call is over."""

    view: CallView


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDropped(Event):
    """A call turned out to be part of another, `into`, and is no more."""

    call_id: str
    into: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingReady(Event):
    """A call that has ended can be listened to."""

    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackChanged(Event):
    """Somebody talked with a caller that these people have missed, or tried to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealCreated(Event):
    """A deal came to be; `call_id`: the call that made it."""

    deal: DealRow
    call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DealMoved(Event):
    """A deal went to another stage."""

    deal: DealRow
    from_stage_id: int
    by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DealChanged(Event):
    """Something else of a deal changed; `previous_owner_id` when it changed hands."""

    deal: DealRow
    previous_owner_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged(Event):
    """A contact came to be or changed; `gone_for`: whose it was and who does not see it any more."""

    contact: ContactRow
    gone_for: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactErased(Event):
    """Nothing is known of a person any more."""

    contact_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWritten(Event):
    """A note was written on a deal, a contact or a call."""

    deal_id: int | None
    contact_id: int | None
    call_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxChanged(Event):
    """The link to a PBX went up or down. Heard by everybody."""

    pbx: str
    state: str
    since: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChanged(Event):
    """People became free, ring, talk, went away. Heard by everybody. `gone`: logins that have no phone any more."""

    changed: tuple[Presence, ...]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChanged(Event):
    """Somebody waits in a queue, or waits no more. `gone`: nothing is known of the queue any more."""

    queue: Queue
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleChanged(Event):
    """Somebody's name, role, extensions or rights changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged(Event):
    """A supervisor changed a setting."""


def concerning(*people: int | None) -> frozenset[int]:
    """The people of an event, nobody left out."""
    return frozenset(person for person in people if person is not None)
