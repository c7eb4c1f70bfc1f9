"""What the API sends, as models: the contract's fields first and in its order. OpenAPI is made from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from zeoncrm.pipeline.call_access import may_be_told_of_contact, may_be_told_of_deal, may_listen
from zeoncrm.pipeline.call_backs import CallBack, CallBackState
from zeoncrm.pipeline.call_events import CallResult, Direction, LegOutcome, Reached, Source
from zeoncrm.pipeline.calls import CallState, Progress, Screening
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.numbers import national, national_line
from zeoncrm.pipeline.people import Role, Viewer
from zeoncrm.pipeline.presence import PresenceState
from zeoncrm.pipeline.queues import Queue, Waiting
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.deals import ColumnTotal, DealRow

MOST_WAITING_SENT = 100

StageKind = Literal["unsorted", "open", "won", "lost"]


class Output(BaseModel):
    """Base of what is sent."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class LegOut(Output):
    """One extension's part in a call. `rings`: how often it rang, from `rang_at` on; several phones of the extension
    that ring at once are one ring, and 0 is that of whoever called or picked up."""

    extension: str
    rang_at: datetime | None
    answered_at: datetime | None
    left_at: datetime | None
    outcome: LegOutcome | None
    rings: int


class RecordingOut(Output):
    """A recording: where it is, its file's name, and how long it plays (null where the kind of file does not tell)."""

    url: str
    name: str
    seconds: int | None


class ConsultOut(Output):
    """An attended transfer under way: `extension` calls `other` about it, `talking` once they talk."""

    extension: str
    other: str
    talking: bool


class HoldOut(Output):
    """One of ours who has the caller on hold."""

    extension: str
    since: datetime


class CallBackOut(Output):
    """What came of a missed call: nothing (`none`), calls that were not taken (`tried`, `tries` of them), a talk that
    we called for (`called_back`) or that they did (`came_through`), when and whose (a login). `misses` counts this call
    and those before it since the last talk."""

    state: CallBackState
    misses: int
    tries: int
    at: datetime | None
    by: str | None


class CallOut(Output):
    """A call. `contact_id` and `deal_id` are null for those who may not see them. `recording`: the address of what can
    be listened to, null before that, without one, and for those who may not; of several, `recordings` has all.
    `call_back`: of missed calls with a number, when calls are asked for; null on the live socket.
    `screened`: the number is listed, so that nothing comes of the call; `rule`: the name of the rule for incoming calls
    that it fell under. `number_national`, `did_national`: as people of the region read them. `on_hold`: who of
    those that talk has the caller on hold, as far as the daemon heard it begin."""

    id: str
    pbx: str
    direction: Direction
    number: str | None
    number_raw: str | None
    caller_name: str | None
    did: str | None
    queue: str | None
    state: CallState
    result: CallResult | None
    answered_by: str | None
    last_extension: str | None
    answered_outside: str | None
    reached: Reached | None
    contact_id: int | None
    deal_id: int | None
    owner: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    wait_seconds: int | None
    talk_seconds: int | None
    recording: str | None
    source: Source
    legs: tuple[LegOut, ...]
    progress: Progress | None
    contact: str | None
    recordings: tuple[RecordingOut, ...]
    consult: ConsultOut | None
    call_back: CallBackOut | None
    screened: Screening | None
    rule: str | None
    number_national: str | None
    did_national: str | None
    on_hold: tuple[HoldOut, ...]


class CallPage(Output):
    """A page of calls."""

    items: list[CallOut]
    next: str | None


class PhoneOut(Output):
    """A number: in E.164 if it can be read so, as it was written, and what it is."""

    number: str | None
    raw: str
    label: str


class ContactOut(Output):
    """A contact."""

    id: int
    name: str
    phones: tuple[PhoneOut, ...]
    owner: str | None
    company_id: int | None
    created_at: datetime
    version: int
    company: str | None
    owner_name: str | None
    vip: bool


class ContactPage(Output):
    """A page of contacts."""

    items: list[ContactOut]
    next: str | None


class DealOut(Output):
    """A deal."""

    id: int
    title: str
    type: str | None
    pipeline_id: int
    stage_id: int
    owner: str | None
    contact_id: int | None
    company_id: int | None
    amount: Decimal | None
    currency: str
    source: str | None
    priority: str
    created_at: datetime
    stage_entered_at: datetime
    closed_at: datetime | None
    version: int
    stage: str
    stage_kind: StageKind
    owner_name: str | None
    contact: str | None
    phone: str | None
    company: str | None
    next_step: str | None
    next_step_at: datetime | None


class DealPage(Output):
    """A page of deals."""

    items: list[DealOut]
    next: str | None


class StageOut(Output):
    """A stage of a pipeline."""

    id: int
    name: str
    kind: StageKind
    position: int


class PipelineOut(Output):
    """A pipeline with its stages in order."""

    id: int
    name: str
    position: int
    stages: tuple[StageOut, ...]


class PipelinePage(Output):
    """Every pipeline, the default one first."""

    items: list[PipelineOut]
    next: str | None = None


class TotalOut(Output):
    """How many deals, and their sum: in the firm's currency, and in each."""

    count: int
    sum: Decimal
    sums: dict[str, Decimal]


class ColumnOut(TotalOut):
    """A column of the board with a page of its deals, the one that came last into the stage first."""

    stage: StageOut
    items: list[DealOut]
    next: str | None


class BoardOut(Output):
    """A pipeline as the viewer sees it. `open`: the deals that are neither won nor lost."""

    pipeline: PipelineOut
    columns: list[ColumnOut]
    open: TotalOut


class MeOut(Output):
    """Who asks."""

    id: int
    login: str
    name: str
    role: Role
    language: str | None
    extensions: list[str]
    away: bool


class PresenceOut(Output):
    """How a person stands at the phone, and since when. `away`: what they said, whatever their phone does.

    `phones`: the extensions, each with its PBX; empty for every one. `on_hold_since`: of one who talks, since when all
    their callers are on hold.
    """

    login: str
    name: str
    extensions: tuple[str, ...]
    state: PresenceState
    away: bool
    since: datetime
    phones: tuple[tuple[str, str], ...] = ()
    on_hold_since: datetime | None = None


class PresencePage(Output):
    """Everybody who has an extension."""

    items: list[PresenceOut]
    next: str | None = None


class WaitingOut(Output):
    """A caller in a queue. `call_id`: null for somebody of ours; `number_national`: as people of the region read it."""

    call_id: str | None
    number: str | None
    number_raw: str | None
    caller_name: str | None
    since: datetime
    number_national: str | None


class MemberOut(Output):
    """Whom a queue calls. `extension`: null for what is no phone of the PBX; `paused`: not called now."""

    extension: str | None
    name: str
    paused: bool


class QueueOut(Output):
    """A queue. `waiting`: the hundred who have waited longest, these first; `count`: how many wait."""

    pbx: str
    name: str
    count: int
    waiting: tuple[WaitingOut, ...]
    members: tuple[MemberOut, ...]


class QueuePage(Output):
    """Every queue of the PBXs that are connected."""

    items: list[QueueOut]
    next: str | None = None


class EntryOut(Output):
    """An entry of a timeline. `kind`: note, call, created, moved or changed; `data` says what of the last three."""

    id: int
    kind: str
    at: datetime
    author: str | None
    text: str | None
    data: Mapping[str, Any] | None
    deal_id: int | None
    contact_id: int | None
    call_id: str | None
    call: CallOut | None


class EntryPage(Output):
    """A page of a timeline, newest first."""

    items: list[EntryOut]
    next: str | None


class NoteOut(Output):
    """What a person wrote about a call."""

    text: str


class CallerOut(Output):
    """Who calls. Of a colleague's contact: name, company and who is responsible; all else is null or empty."""

    id: int | None
    name: str
    company: str | None
    owner: str | None
    owner_name: str | None
    phones: tuple[PhoneOut, ...]


class SharingOut(Output):
    """One of several contacts that have the caller's number; `chosen`: the call is on it."""

    id: int
    name: str
    company: str | None
    owner_name: str | None
    chosen: bool


class CardOut(Output):
    """What the pop-up shows. `number_national`: as people of the region read it; `note`: the viewer's own.

    `sharing`: whom the person is asked to choose from when several contacts have the number; the last chosen first.
    `country` (ISO 3166) and `time_zone` (IANA) say where the number is, null when it does not tell.
    """

    call: CallOut
    number_national: str
    contact: CallerOut | None
    deal: DealOut | None
    notes: list[EntryOut]
    calls: list[CallOut]
    note: str
    next_step: str | None
    next_step_at: datetime | None
    sharing: list[SharingOut]
    country: str | None
    time_zone: str | None


def call_out(view: CallView, region: str, viewer: Viewer | None = None, came_of: CallBack | None = None) -> CallOut:
    """The call as this person may see it; None is told everything. `region`: how numbers are read."""
    call = view.call
    contact = viewer is None or may_be_told_of_contact(view, viewer)
    deal = viewer is None or may_be_told_of_deal(view, viewer)
    recordings = _recordings_out(view, viewer) if view.recordings else ()
    # Nothing is checked once more: this is done for each event of each call.
    values = {name: getattr(call, name) for name in _OF_CALL}
    legs = tuple(LegOut.model_construct(**{name: getattr(leg, name) for name in _OF_LEG}) for leg in call.legs)
    consult = call.consult
    return CallOut.model_construct(
        **values,
        consult=None if consult is None else ConsultOut.model_validate(consult),
        contact_id=call.contact_id if contact else None,
        deal_id=call.deal_id if deal else None,
        owner=view.owner,
        legs=legs,
        contact=view.contact,
        recording=recordings[0].url if recordings else None,
        recordings=recordings,
        call_back=None if came_of is None else _call_back_out(came_of),
        number_national=national(call.number, region) or call.number_raw,
        did_national=national_line(call.did, region) or None,
        on_hold=tuple(HoldOut.model_construct(extension=each.extension, since=each.since) for each in call.on_hold),
    )


def _call_back_out(came_of: CallBack) -> CallBackOut:
    return CallBackOut(state=came_of.state, misses=came_of.misses, tries=came_of.tries, at=came_of.at, by=came_of.login)


def recording_address(recording_id: int) -> str:
    """Where a recording is."""
    return f"/api/v1/recordings/{recording_id}"


def _recordings_out(view: CallView, viewer: Viewer | None) -> tuple[RecordingOut, ...]:
    if viewer is not None and not may_listen(view, viewer):
        return ()
    return tuple(
        RecordingOut(url=recording_address(row.id), name=row.name, seconds=row.seconds) for row in view.recordings
    )


_NOT_OF_CALL = {
    "contact_id", "deal_id", "owner", "legs", "contact", "recording", "recordings", "consult", "call_back",
    "number_national", "did_national", "on_hold",
}  # fmt: skip
_OF_CALL = tuple(CallOut.model_fields.keys() - _NOT_OF_CALL)
_OF_LEG = tuple(LegOut.model_fields)


def call_json(view: CallView, region: str, viewer: Viewer | None = None) -> str:
    """The call as the API sends it, as text."""
    return call_out(view, region, viewer).model_dump_json()


def deal_out(deal: DealRow) -> DealOut:
    """The deal as the API sends it."""
    return DealOut.model_validate(deal)


def contact_out(contact: ContactRow) -> ContactOut:
    """The contact as the API sends it."""
    return ContactOut.model_validate(contact)


def queue_out(queue: Queue, region: str) -> QueueOut:
    """The queue as the API sends it."""
    waiting = tuple(_waiting_out(each, region) for each in queue.waiting[:MOST_WAITING_SENT])
    members = tuple(MemberOut.model_validate(each) for each in queue.members)
    return QueueOut(pbx=queue.pbx, name=queue.name, count=len(queue.waiting), waiting=waiting, members=members)


def _waiting_out(waiting: Waiting, region: str) -> WaitingOut:
    return WaitingOut(
        call_id=waiting.call_id,
        number=waiting.number,
        number_raw=waiting.number_raw,
        caller_name=waiting.caller_name,
        since=waiting.since,
        number_national=national(waiting.number, region) or waiting.number_raw,
    )


def total_values(total: ColumnTotal, currency: str) -> dict[str, Any]:
    """The values of a `TotalOut`."""
    return {
        "count": total.deals,
        "sum": total.sums.get(currency, Decimal("0.00")),
        "sums": dict(total.sums),
    }
