"""Events as messages of the live socket: who hears of what, and how much of it. Pure functions of values.

A message is made once for each distinct view of an event, however many hear of it: `Draft.key` tells the views apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from zeoncrm.pipeline import events
from zeoncrm.pipeline.bus import Published
from zeoncrm.pipeline.call_access import may_be_told_of_contact, may_be_told_of_deal
from zeoncrm.pipeline.people import Viewer
from zeoncrm.pipeline.presence import Presence
from zeoncrm.pipeline.queues import Queue
from zeoncrm.web.api.schemas import PresenceOut, call_json, contact_out, deal_out, queue_out
from zeoncrm.web.moments import rfc3339


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be: its type, which view of the event it is, and the rest of it as JSON members."""

    type: str
    key: Hashable
    members: Callable[[], str]


# Everybody may hear of these: they tell nothing of anybody's work.
FOR_ALL = (events.PresenceChanged, events.PbxChanged, events.PeopleChanged, events.SettingsChanged)


def hears(event: events.Event, viewer: Viewer) -> bool:
    """Whether the event is told to this person."""
    return viewer.sees_all or viewer.id in event.people or isinstance(event, FOR_ALL)


def draft(event: events.Event, viewer: Viewer, region: str) -> Draft | None:
    """What this person is told of an event that they hear of, with numbers as the region reads them; None for a kind
    that is not for browsers."""
    known = MESSAGES.get(type(event))
    if known is None:
        return None
    type_, make = known
    return make(type_, event, viewer, region)


def text_of(published: Published, message: Draft) -> bytes:
    """The message as it is sent."""
    members = message.members()
    return f'{{"id":{published.id},"type":"{message.type}"{"," if members else ""}{members}}}'.encode()


def _call(type_: str, event: events.CallRang, viewer: Viewer, region: str) -> Draft:
    view = event.view
    seen = may_be_told_of_contact(view, viewer), may_be_told_of_deal(view, viewer)
    return Draft(type_, seen, lambda: f'"call":{call_json(view, region, viewer)}')


def _of_call(type_: str, event: events.RecordingReady, viewer: Viewer, region: str) -> Draft:
    return Draft(type_, None, lambda: _members(call_id=event.call_id))


def _dropped(type_: str, event: events.CallDropped, viewer: Viewer, region: str) -> Draft:
    return Draft(type_, None, lambda: _members(call_id=event.call_id, into=event.into))


def _deal(type_: str, event: events.DealChanged | events.DealMoved, viewer: Viewer, region: str) -> Draft:
    deal = event.deal
    if not viewer.sees_all and deal.owner_id != viewer.id:
        return Draft("deal.gone", None, lambda: _members(deal_id=deal.id))
    return Draft(type_, None, lambda: f'"deal":{deal_out(deal).model_dump_json()}')


def _new_deal(type_: str, event: events.DealCreated, viewer: Viewer, region: str) -> Draft:
    return Draft(
        type_, None, lambda: f'"deal":{deal_out(event.deal).model_dump_json()},{_members(call_id=event.call_id)}'
    )


def _moved_deal(type_: str, event: events.DealMoved, viewer: Viewer, region: str) -> Draft:
    plain = _deal(type_, event, viewer, region)
    if plain.type != type_:
        return plain
    return Draft(type_, None, lambda: f"{plain.members()},{_members(from_stage_id=event.from_stage_id)}")


def _contact(type_: str, event: events.ContactChanged, viewer: Viewer, region: str) -> Draft:
    contact = event.contact
    if not viewer.sees_all and viewer.id == event.gone_for:
        return Draft("contact.gone", None, lambda: _members(contact_id=contact.id))
    return Draft(type_, None, lambda: f'"contact":{contact_out(contact).model_dump_json()}')


def _gone_contact(type_: str, event: events.ContactErased, viewer: Viewer, region: str) -> Draft:
    return Draft(type_, None, lambda: _members(contact_id=event.contact_id))


def _note(type_: str, event: events.NoteWritten, viewer: Viewer, region: str) -> Draft:
    return Draft(
        type_, None, lambda: _members(deal_id=event.deal_id, contact_id=event.contact_id, call_id=event.call_id)
    )


def _pbx(type_: str, event: events.PbxChanged, viewer: Viewer, region: str) -> Draft:
    status = {"name": event.pbx, "state": event.state, "since": rfc3339(event.since), "reason": event.reason}
    return Draft(type_, None, lambda: _members(pbx=status))


def presence_json(people: Iterable[Presence]) -> str:
    """How people stand, as a list in text."""
    return f"[{','.join(PresenceOut.model_validate(each).model_dump_json() for each in people)}]"


def queues_json(queues: Iterable[Queue], region: str) -> str:
    """Queues and who waits, as a list in text."""
    return f"[{','.join(queue_out(queue, region).model_dump_json() for queue in queues)}]"


def _presence(type_: str, event: events.PresenceChanged, viewer: Viewer, region: str) -> Draft:
    return Draft(type_, None, lambda: f'"people":{presence_json(event.changed)},{_members(gone=event.gone)}')


def _queue(type_: str, event: events.QueueChanged, viewer: Viewer, region: str) -> Draft:
    queue = event.queue
    return Draft(
        type_, None, lambda: f'"queue":{queue_out(queue, region).model_dump_json()},{_members(gone=event.gone)}'
    )


def _bare(type_: str, event: events.Event, viewer: Viewer, region: str) -> Draft:
    return Draft(type_, None, str)


def _members(**values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))[1:-1]


MESSAGES: dict[type[events.Event], tuple[str, Callable[[str, Any, Viewer, str], Draft]]] = {
    events.CallRang: ("call.rang", _call),
    events.CallAnswered: ("call.answered", _call),
    events.CallChanged: ("call.changed", _call),
    events.CallEnded: ("call.ended", _call),
    events.CallDropped: ("call.dropped", _dropped),
    events.RecordingReady: ("recording.ready", _of_call),
    events.CallBackChanged: ("call_back.changed", _bare),
    events.DealCreated: ("deal.created", _new_deal),
    events.DealMoved: ("deal.moved", _moved_deal),
    events.DealChanged: ("deal.changed", _deal),
    events.ContactChanged: ("contact.changed", _contact),
    events.ContactErased: ("contact.gone", _gone_contact),
    events.NoteWritten: ("note.written", _note),
    events.PbxChanged: ("pbx.changed", _pbx),
    events.PresenceChanged: ("presence.changed", _presence),
    events.QueueChanged: ("queue.changed", _queue),
    events.PeopleChanged: ("people.changed", _bare),
    events.SettingsChanged: ("settings.changed", _bare),
}
