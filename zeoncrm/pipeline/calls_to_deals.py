"""What a call makes of contacts and deals: the product's main rule, in one place.

A known caller's call goes on the contact's open deal, whoever answers. A stranger becomes a contact, and an answered
call a deal in "Unsorted" that belongs to whoever picked up first. Numbers that identify nobody merge nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from zeoncrm.pipeline.call_events import Direction
from zeoncrm.pipeline.calls import Call, CallState
from zeoncrm.pipeline.events import CallView, ContactChanged, DealChanged, DealCreated, Event, concerning
from zeoncrm.pipeline.incoming_rules import Asked, Incoming, MissedOwner, Ruling, ruling
from zeoncrm.pipeline.ledger import Ledger
from zeoncrm.pipeline.numbers import national, normalise
from zeoncrm.pipeline.people import Directory
from zeoncrm.pipeline.settings import CallSettings, DealCreation
from zeoncrm.store.deals import DealRow
from zeoncrm.store.incoming import RuleRow

NAMELESS = "Withheld number"
# What a deal that a call makes has as its source, unless a rule names another.
SOURCE = "call"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the decisions depend on besides the call."""

    settings: CallSettings
    directory: Directory
    region: str
    incoming: Incoming = field(default_factory=Incoming)

    def ruling(self, call: Call, *, known: bool) -> Ruling:
        """The rule for incoming calls that the call falls under now. `known`: the caller was one before it began."""
        if call.direction is not Direction.INBOUND or not self.incoming.rules:
            return Ruling()
        final = call.answered_at is not None or call.state is CallState.ENDED
        asked = Asked(at=call.started_at, did=call.did, queue=call.queue, known=known, final=final)
        return ruling(self.incoming.rules, asked, self.settings.zone, self.region)

    def creation(self, found: Ruling) -> DealCreation:
        """When a call under this ruling makes a deal; one that is not settled waits for the answer or the end."""
        if not found.settled:
            return DealCreation.ANSWERED
        chosen = found.rule.create_deals if found.rule else None
        return DealCreation(chosen) if chosen else self.settings.create_deals

    def may_create_at_once(self) -> bool:
        """Whether a mere ring may make a deal."""
        chosen = [self.settings.create_deals, *(rule.create_deals for rule in self.incoming.rules if rule.active)]
        return DealCreation.INBOUND in chosen

    def wants_contact(self, call: Call, found: Ruling) -> bool:
        """Whether the caller is to become a contact now: strangers who only tried do not."""
        if call.direction is Direction.OUTBOUND:
            dialled = caller_of_ours(call) is not None or call.requested_by is not None
            return dialled or call.answered_at is not None
        return call.answered_at is not None or self.creation(found) is DealCreation.INBOUND

    def wants_deal(self, call: Call, found: Ruling) -> bool:
        """Whether the call is to stand on the board now if it is on no deal yet."""
        if call.direction is Direction.OUTBOUND:
            return self.settings.create_deals_on_outbound and call.answered_at is not None
        match self.creation(found):
            case DealCreation.NEVER:
                return False
            case DealCreation.INBOUND:
                return True
            case DealCreation.ANSWERED:
                return call.answered_at is not None

    def responsible(self, call: Call) -> int | None:
        """The person of the extension that answered first, or that called; None when it is nobody's."""
        if call.requested_by is not None:
            return call.requested_by
        extension = call.answered_by or caller_of_ours(call)
        person = self.directory.person_with(extension, call.pbx) if extension else None
        return None if person is None else person.id


def caller_of_ours(call: Call) -> str | None:
    """The extension that made an outbound call, once it dialled out."""
    if call.direction is Direction.OUTBOUND and call.legs:
        return call.legs[0].extension
    return None


def attach(ledger: Ledger, rules: Rules, view: CallView, at: datetime, emit: Callable[[Event], None]) -> CallView:
    """Put the call on its contact and deal, making them when the rules say so; `emit` is told what changed.

    A listed number's call is put on nothing, nor is that of somebody who was erased. What stands on a contact or deal
    already stays there.
    """
    call = _owned(rules, view.call)
    if call.erased:
        return replace(view, call=call, owner=rules.directory.login(call.owner_id))
    if call.contact_id is None and call.deal_id is None:
        call = replace(call, screened=rules.incoming.screening(call.number, call.number_raw))
    if call.screened is not None:
        return replace(view, call=replace(call, rule=None), owner=rules.directory.login(call.owner_id))
    if call.direction is Direction.INBOUND:
        ledger.hear_name(call.number, call.caller_name)
    found = rules.ruling(call, known=_is_known(ledger, call))
    view = replace(view, call=replace(call, rule=found.rule.name if found.rule else None))
    view = _with_contact(ledger, rules, found, view, at, emit)
    view = _with_deal(ledger, rules, found, view, at, emit)
    if view.call.state is CallState.ENDED:
        view = _with_owner_of_missed(ledger, found, view, at, emit)
    return replace(view, owner=rules.directory.login(view.call.owner_id))


def _is_known(ledger: Ledger, call: Call) -> bool:
    """Whether the caller was a contact before the call began: the one that the call itself makes does not count."""
    contact_id = call.contact_id
    if contact_id is None and call.number is not None:
        contact_id = ledger.caller(call.number)
    contact = ledger.contact(contact_id)
    return contact is not None and contact.created_at < call.started_at


def _with_owner_of_missed(
    ledger: Ledger, found: Ruling, view: CallView, at: datetime, emit: Callable[[Event], None]
) -> CallView:
    """Nobody answered: it is the matter of the deal's owner, else theirs whom the rule names; so is nobody's deal."""
    call = view.call
    if call.owner_id is not None or call.answered_at is not None:
        return view
    owner_id = ledger.active(view.deal_owner_id) or _owner_by_rule(ledger, found.rule, view)
    deal = ledger.deal(call.deal_id)
    if deal is not None and deal.owner_id is None and owner_id is not None and _gives_to_others(found):
        deal = ledger.complete_deal(deal, at, owner_id=owner_id, contact=None)
        emit(DealChanged(people=concerning(owner_id), deal=deal))
    return replace(
        view, call=replace(call, owner_id=owner_id), deal_owner_id=deal.owner_id if deal else view.deal_owner_id
    )


def _owner_by_rule(ledger: Ledger, rule: RuleRow | None, view: CallView) -> int | None:
    """Whom the rule names; the caller's responsible when it names nobody, or nobody who is still with us."""
    named = None
    match rule.missed_owner if rule else MissedOwner.RESPONSIBLE:
        case MissedOwner.GROUP if rule is not None:
            named = ledger.take_turn(rule)
        case MissedOwner.PERSON if rule is not None:
            named = ledger.active(rule.person_id)
    return named if named is not None else ledger.active(view.contact_owner_id)


def _owned(rules: Rules, call: Call) -> Call:
    """A call belongs to whoever answered it first, or made it."""
    if call.owner_id is not None and call.answered_at is None:
        return call
    settled = call.owner_id is not None and call.direction is Direction.OUTBOUND
    owner = call.owner_id if settled else rules.responsible(call)
    return replace(call, owner_id=owner if owner is not None else call.owner_id)


def _with_contact(
    ledger: Ledger, rules: Rules, found: Ruling, view: CallView, at: datetime, emit: Callable[[Event], None]
) -> CallView:
    call = view.call
    contact_id = call.contact_id
    if contact_id is None and call.number is not None:
        contact_id = ledger.caller(call.number)
    contact = ledger.contact(contact_id)
    if contact is None and contact_id is None and call.number is not None and rules.wants_contact(call, found):
        contact = ledger.add_contact(
            name=name_of_caller(call, rules.region, ledger.name_heard(call.number)),
            owner_id=rules.responsible(call),
            number=call.number,
            raw=call.number_raw or call.number,
            at=at,
        )
        emit(ContactChanged(people=concerning(contact.owner_id), contact=contact))
    if contact is None:
        return view
    responsible = rules.responsible(call) if call.answered_at is not None else None
    if contact.owner_id is None and responsible is not None:
        # A stranger's contact that was made while it rang, or one that nobody cared for: theirs who answered.
        contact = ledger.give_contact(contact, responsible)
        emit(ContactChanged(people=concerning(responsible), contact=contact))
    return replace(
        view, call=replace(call, contact_id=contact.id), contact=contact.name, contact_owner_id=contact.owner_id
    )


def _with_deal(
    ledger: Ledger, rules: Rules, found: Ruling, view: CallView, at: datetime, emit: Callable[[Event], None]
) -> CallView:
    call = view.call
    deal = ledger.deal(call.deal_id) if call.deal_id is not None else ledger.open_deal(call.contact_id)
    if deal is None and rules.wants_deal(call, found):
        contact = ledger.contact(call.contact_id)
        deal = ledger.add_deal(
            title=contact.name if contact else name_of_caller(call, rules.region),
            owner_id=rules.responsible(call)
            if call.answered_at is not None
            else _owner_while_ringing(ledger, found, view),
            contact=contact,
            currency=rules.settings.currency,
            at=at,
            source=(found.rule.source if found.rule else None) or SOURCE,
            pipeline_id=found.rule.pipeline_id if found.rule else None,
        )
        emit(DealCreated(people=concerning(deal.owner_id), deal=deal, call_id=call.id))
    if deal is None:
        return view
    deal = _completed(ledger, rules, call, deal, at, emit)
    return replace(view, call=replace(call, deal_id=deal.id), deal_owner_id=deal.owner_id)


def _owner_while_ringing(ledger: Ledger, found: Ruling, view: CallView) -> int | None:
    """The caller's responsible; nobody when a rule gives missed calls to others, until it is missed or answered."""
    return None if _gives_to_others(found) else ledger.active(view.contact_owner_id)


def _gives_to_others(found: Ruling) -> bool:
    return found.rule is not None and found.rule.missed_owner != MissedOwner.RESPONSIBLE


def _completed(
    ledger: Ledger, rules: Rules, call: Call, deal: DealRow, at: datetime, emit: Callable[[Event], None]
) -> DealRow:
    """Nobody's deal becomes theirs who answered; one of a caller who was unknown gets the contact known since."""
    responsible = rules.responsible(call) if call.answered_at is not None else None
    owner_id = responsible if deal.owner_id is None else None
    unknown = deal.contact_id is None and call.contact_id is not None
    contact = ledger.contact(call.contact_id) if unknown and ledger.open_deal(call.contact_id) is None else None
    if owner_id is None and contact is None:
        return deal
    completed = ledger.complete_deal(deal, at, owner_id=owner_id, contact=contact)
    emit(DealChanged(people=concerning(completed.owner_id), deal=completed))
    return completed


def name_of_caller(call: Call, region: str, heard: str | None = None) -> str:
    """What a contact or deal made of the call is called: the PBX's name for the caller, else the one by which they
    called before (`heard`), else the number."""
    name = call.caller_name or heard or ""
    # Carriers often put the number into the name, in whatever form.
    if name and not name.lstrip("+").isdigit() and normalise(name, region) is None:
        return name
    return national(call.number, region) or call.number_raw or NAMELESS
