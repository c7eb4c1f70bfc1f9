"""What a batch of calls knows of contacts and deals: read in a few queries, decided on in memory, written at once.

Ids of what is new are reserved beforehand, so that calls, deals and events can name them before they are written. If
somebody else was faster (a constraint says so), `save` raises Conflict and the batch is done again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from zeoncrm.pipeline.incoming_rules import whose_turn
from zeoncrm.pipeline.people import Directory
from zeoncrm.pipeline.stages import unsorted_stage
from zeoncrm.store import calls, contacts, deals, incoming, stages, tables, timeline
from zeoncrm.store.contacts import ContactRow, PhoneRow
from zeoncrm.store.database import Transaction
from zeoncrm.store.deals import DealRow
from zeoncrm.store.errors import Conflict
from zeoncrm.store.incoming import RuleRow
from zeoncrm.store.sql import reserve_ids
from zeoncrm.store.stages import StageRow


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a batch may need: numbers in E.164, ids of contacts and deals, how many of each it may make, whether
    people may take turns, and whether strangers may be called, whose names are those that they called by before."""

    numbers: frozenset[str] = frozenset()
    contact_ids: frozenset[int] = frozenset()
    deal_ids: frozenset[int] = frozenset()
    most_new: int = 0
    turns: bool = False
    names: bool = False


@dataclass(slots=True)
class _Changes:
    """A deal as it was read, and what it is to become."""

    before: DealRow
    values: dict[str, Any] = field(default_factory=dict)


class Ledger:
    """The contacts and deals of one transaction. Only `open` and `save` touch the database."""

    def __init__(self, tx: Transaction, directory: Directory) -> None:
        self._tx = tx
        self._directory = directory
        # Where new deals stand, by pipeline; None: in the default one.
        self._unsorted: dict[int | None, StageRow] = {}
        self._callers: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._contacts: dict[int, ContactRow] = {}
        self._deals: dict[int, DealRow] = {}
        self._contact_ids: list[int] = []
        self._deal_ids: list[int] = []
        self._new_contacts: set[int] = set()
        self._new_deals: set[int] = set()
        self._owned_contacts: dict[int, int] = {}
        self._changed_deals: dict[int, _Changes] = {}
        self._entries: list[dict[str, Any]] = []
        self._turns: dict[tuple[int, int], int] = {}
        self._taken: dict[tuple[int, int], int] = {}

    @classmethod
    async def open(cls, tx: Transaction, directory: Directory, wanted: Wanted) -> Ledger:
        """Read what the batch may need."""
        ledger = cls(tx, directory)
        connection = tx.connection
        ledger._callers = await contacts.callers_of(connection, wanted.numbers)
        contact_ids = wanted.contact_ids | set(ledger._callers.values())
        ledger._contacts = await contacts.some(connection, contact_ids)
        ledger._deals = await deals.known_for_calls(connection, wanted.deal_ids, contact_ids)
        if wanted.most_new:
            pipelines = await stages.all_pipelines(connection)
            ledger._unsorted = {None: unsorted_stage(pipelines[0])}
            ledger._unsorted |= {each.id: unsorted_stage(each) for each in pipelines if each.stages}
            ledger._contact_ids = await reserve_ids(connection, tables.contacts, wanted.most_new)
            ledger._deal_ids = await reserve_ids(connection, tables.deals, wanted.most_new)
        if wanted.names:
            ledger._names = await calls.names_heard(connection, wanted.numbers - ledger._callers.keys())
        if wanted.turns:
            ledger._turns = await incoming.turns(connection)
        return ledger

    def caller(self, number: str) -> int | None:
        """The id of the contact that a call from this number is of."""
        return self._callers.get(number)

    def hear_name(self, number: str | None, name: str | None) -> None:
        """A number calls by a name."""
        if number is not None and name is not None:
            self._names[number] = name

    def name_heard(self, number: str | None) -> str | None:
        """By which name a stranger called last, when the batch wants such names."""
        return None if number is None else self._names.get(number)

    def contact(self, contact_id: int | None) -> ContactRow | None:
        """A contact."""
        return None if contact_id is None else self._contacts.get(contact_id)

    def deal(self, deal_id: int | None) -> DealRow | None:
        """A deal."""
        return None if deal_id is None else self._deals.get(deal_id)

    def open_deal(self, contact_id: int | None) -> DealRow | None:
        """The contact's newest deal that is neither won nor lost."""
        if contact_id is None:
            return None
        found = [deal for deal in self._deals.values() if deal.contact_id == contact_id and deal.closed_at is None]
        return max(found, key=lambda deal: deal.id, default=None)

    def add_contact(self, *, name: str, owner_id: int | None, number: str, raw: str, at: datetime) -> ContactRow:
        """A new contact that calls from this number."""
        contact = ContactRow(
            id=self._contact_ids.pop(0),
            name=name,
            owner_id=owner_id,
            owner=self._directory.login(owner_id),
            owner_name=self._directory.name(owner_id),
            company_id=None,
            company=None,
            created_at=at,
            version=1,
            phones=(PhoneRow(number, raw),),
        )
        self._new_contacts.add(contact.id)
        self._contacts[contact.id] = contact
        self._callers[number] = contact.id
        self._note("created", at, contact_id=contact.id, data={"by": "call"})
        return contact

    def give_contact(self, contact: ContactRow, owner_id: int) -> ContactRow:
        """Nobody's contact becomes somebody's."""
        login, name = self._directory.login(owner_id), self._directory.name(owner_id)
        version = contact.version if contact.id in self._new_contacts else contact.version + 1
        given = replace(contact, owner_id=owner_id, owner=login, owner_name=name, version=version)
        self._contacts[contact.id] = given
        if contact.id not in self._new_contacts:
            self._owned_contacts[contact.id] = owner_id
        return given

    def add_deal(
        self,
        *,
        title: str,
        owner_id: int | None,
        contact: ContactRow | None,
        currency: str,
        at: datetime,
        source: str,
        pipeline_id: int | None = None,
    ) -> DealRow:
        """A new deal in "Unsorted": of the default pipeline, unless another one is named that is still there."""
        stage = self._unsorted.get(pipeline_id) or self._unsorted.get(None)
        if stage is None:
            raise ValueError("no new deal was expected")
        deal = DealRow(
            id=self._deal_ids.pop(0),
            title=title,
            type=None,
            pipeline_id=stage.pipeline_id,
            stage_id=stage.id,
            stage=stage.name,
            stage_kind=stage.kind,
            owner_id=owner_id,
            owner=self._directory.login(owner_id),
            owner_name=self._directory.name(owner_id),
            contact_id=contact.id if contact else None,
            contact=contact.name if contact else None,
            phone=(contact.phones[0].number or contact.phones[0].raw) if contact and contact.phones else None,
            company_id=contact.company_id if contact else None,
            company=contact.company if contact else None,
            amount=None,
            currency=currency,
            source=source,
            priority="normal",
            next_step=None,
            next_step_at=None,
            created_at=at,
            stage_entered_at=at,
            closed_at=None,
            version=1,
        )
        self._new_deals.add(deal.id)
        self._deals[deal.id] = deal
        self._note("created", at, deal_id=deal.id, contact_id=deal.contact_id, data={"by": "call"})
        return deal

    def complete_deal(
        self, deal: DealRow, at: datetime, *, owner_id: int | None, contact: ContactRow | None
    ) -> DealRow:
        """Give a deal the owner or the contact that it lacks."""
        values: dict[str, Any] = {}
        names: dict[str, Any] = {}
        if owner_id is not None:
            values["owner_id"] = owner_id
            names |= {"owner": self._directory.login(owner_id), "owner_name": self._directory.name(owner_id)}
        if contact is not None:
            values["contact_id"] = contact.id
            names["contact"] = contact.name
        new = deal.id in self._new_deals
        completed = replace(deal, version=deal.version if new else deal.version + 1, **values, **names)
        self._deals[deal.id] = completed
        if not new:
            self._changed_deals.setdefault(deal.id, _Changes(deal)).values |= values
        shown = {"owner": [None, completed.owner_name]} if owner_id is not None else {}
        shown |= {"contact": [None, completed.contact]} if contact is not None else {}
        self._note("changed", at, deal_id=deal.id, contact_id=completed.contact_id, data=shown)
        return completed

    def take_turn(self, rule: RuleRow) -> int | None:
        """Whose turn it is in the rule's group, which they have had then; None when nobody of it is with us."""
        group = [person for person in rule.group if self.active(person) is not None]
        chosen = whose_turn(group, lambda person: self._turns.get((rule.id, person), 0), self._is_there)
        if chosen is not None:
            last = max((turn for (rule_id, _), turn in self._turns.items() if rule_id == rule.id), default=0)
            self._turns[rule.id, chosen] = self._taken[rule.id, chosen] = last + 1
        return chosen

    def active(self, person_id: int | None) -> int | None:
        """The person, if they are still with us."""
        person = self._directory.by_id.get(person_id) if person_id is not None else None
        return person_id if person is not None and person.active else None

    def _is_there(self, person_id: int) -> bool:
        person = self._directory.by_id.get(person_id)
        return person is not None and not person.away

    def note_call(self, call_id: str, at: datetime, *, contact_id: int | None, deal_id: int | None) -> None:
        """The timeline entry of a call."""
        self._note("call", at, call_id=call_id, contact_id=contact_id, deal_id=deal_id)

    async def save_contacts_and_deals(self) -> None:
        """Write all but the timeline; raises Conflict when somebody else was faster."""
        await contacts.add_callers(self._tx, [self._contacts[each] for each in sorted(self._new_contacts)])
        for contact_id, owner_id in self._owned_contacts.items():
            await contacts.change(self._tx, contact_id, None, owner_id=owner_id)
        await deals.add_for_calls(self._tx, [self._deals[each] for each in sorted(self._new_deals)])
        for changes in self._changed_deals.values():
            if not await deals.change(self._tx, changes.before, **changes.values):
                raise Conflict("a deal was changed meanwhile")
        await incoming.save_turns(self._tx, self._taken)

    async def save_timeline(self) -> None:
        """Write the timeline; comes after the calls that it names."""
        await timeline.add_all(self._tx, self._entries)

    def _note(self, kind: str, at: datetime, **values: Any) -> None:
        self._entries.append({"kind": kind, "at": at, **values})


def ids(values: Iterable[int | None]) -> frozenset[int]:
    """Those that are there."""
    return frozenset(value for value in values if value is not None)
