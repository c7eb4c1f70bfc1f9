"""Whom a call concerns, and what of it each may be told. Pure functions of values."""

from __future__ import annotations

from zeoncrm.pipeline.call_events import Direction
from zeoncrm.pipeline.events import CallView, concerning
from zeoncrm.pipeline.incoming_rules import Incoming
from zeoncrm.pipeline.people import Directory, Viewer


def people_of_legs(directory: Directory, view: CallView) -> dict[str, int | None]:
    """The person of each extension that has a part in the call."""
    found = {leg.extension: directory.person_with(leg.extension, view.call.pbx) for leg in view.call.legs}
    return {extension: None if person is None else person.id for extension, person in found.items()}


def audience(directory: Directory, view: CallView) -> frozenset[int]:
    """The reps that may hear of the call: owner, who asked for it, whom it rang at, and whose deal it is."""
    call = view.call
    return concerning(call.owner_id, call.requested_by, view.deal_owner_id, *people_of_legs(directory, view).values())


def may_be_told_of_deal(view: CallView, viewer: Viewer) -> bool:
    """Whether the viewer sees the deal that the call is on."""
    return viewer.sees_all or view.deal_owner_id == viewer.id


def may_be_told_of_contact(view: CallView, viewer: Viewer) -> bool:
    """Whether the viewer surely sees the call's contact: their own, or that of their deal which the call is on."""
    return viewer.sees_all or viewer.id in (view.contact_owner_id, view.deal_owner_id)


def may_listen(view: CallView, viewer: Viewer) -> bool:
    """Whether the viewer may hear what was said: they talked or asked for the call, or it or its deal is theirs. That
    it rang at them too is not enough: a colleague's conversation is the colleague's."""
    concerned = {view.call.owner_id, view.call.requested_by, view.deal_owner_id, *view.talked}
    return viewer.sees_all or viewer.id in concerned


def may_list(incoming: Incoming, view: CallView, viewer: Viewer) -> bool:
    """Whether it is worth offering to ignore or block the caller: a number that was not listed then and is not now, and
    not a colleague's contact's. That the viewer took part in the call is looked at when they do it."""
    call = view.call
    return (
        call.direction is Direction.INBOUND
        and call.number is not None
        and call.screened is None
        and incoming.screening(call.number, call.number_raw) is None
        and (call.contact_id is None or may_be_told_of_contact(view, viewer))
    )


def may_control(directory: Directory, view: CallView, viewer: Viewer) -> bool:
    """Whether the viewer may end the call or hand it on: they talk on it, asked for it, or it is theirs and no
    colleague talks on it. That a phone of theirs rings is not enough: it rings at others too."""
    people = people_of_legs(directory, view)
    talking = {people[leg.extension] for leg in view.call.legs if leg.is_talking}
    if viewer.sees_all or viewer.id in talking:
        return True
    return not talking and viewer.id in (view.call.requested_by, view.call.owner_id)
