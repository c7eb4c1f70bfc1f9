"""What one transaction makes of a batch of call events: calls with their legs, contacts, deals, and what is told.

Nothing outside of the transaction changes here, so that a batch can be tried again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from zeoncrm.pipeline import calls, events
from zeoncrm.pipeline.backfill import CallsTold, Filled, completed
from zeoncrm.pipeline.call_access import audience, people_of_legs
from zeoncrm.pipeline.call_events import (
    AnsweredOutside,
    CallEnded,
    CallEvent,
    CallIdentified,
    CallInterrupted,
    CallLinked,
    CallMerged,
    CallQueued,
    CallRecorded,
    CallRequested,
    CallResult,
    CallStarted,
    Direction,
    LegAnswered,
    LegRang,
    OutsideDialled,
)
from zeoncrm.pipeline.call_rows import leg_rows_of, row_of, view_of
from zeoncrm.pipeline.calls import CallState, IllegalTransition
from zeoncrm.pipeline.calls_to_deals import Rules, attach
from zeoncrm.pipeline.erasure import kept_erased, number_of
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.ledger import Ledger, Wanted, ids
from zeoncrm.pipeline.matching import Aliases, Matching, find_known
from zeoncrm.store import calls as store
from zeoncrm.store import cdr_marks, erasure, recordings, timeline
from zeoncrm.store.database import Transaction

# After these, contact and deal are looked at again; the others change nothing about whose call it is.
DECISIVE = (CallStarted, CallRequested, CallIdentified, OutsideDialled, LegAnswered, AnsweredOutside)

Told = type[events.CallRang | events.CallAnswered | events.CallChanged | events.CallEnded]

# What is told of an event; nothing of what nobody sees (aliases).
KINDS: dict[type[CallEvent], Told | None] = {
    CallStarted: events.CallRang,
    CallRequested: events.CallRang,
    LegRang: events.CallRang,
    LegAnswered: events.CallAnswered,
    AnsweredOutside: events.CallAnswered,
    CallEnded: events.CallEnded,
    CallLinked: None,
    CallInterrupted: None,
}

log = structlog.get_logger(__name__)


class CallBatch:
    """Some call events in one transaction. `known`: the open calls as they are before it."""

    def __init__(self, tx: Transaction, rules: Rules, known: Mapping[str, CallView]) -> None:
        self._tx = tx
        self._rules = rules
        self._known = known
        # The calls as they are after it, and those given up with the call that each became part of.
        self.changed: dict[str, CallView] = {}
        self.merged: dict[str, str] = {}
        # What came of the records of each PBX.
        self.filled: dict[str, Filled] = {}
        self._ledger = Ledger(tx, rules.directory)
        self._stored: dict[str, CallView] = {}
        self._recorded: list[CallRecorded] = []
        self._aliases: Aliases = {}
        self._marks: dict[str, CallsTold] = {}
        self._erased_at: dict[str, datetime] = {}

    async def record(self, batch: Sequence[CallEvent]) -> None:
        """Apply the events and write what comes of them; raises Conflict when somebody else was faster."""
        await self.prepare(batch)
        for event in batch:
            self.take(event)
        await self.save()

    async def prepare(self, batch: Sequence[CallEvent]) -> None:
        """Read all that the events may need."""
        begun = [event.call_id for event in batch if isinstance(event, CallStarted | CallRequested)]
        rows = await store.some(self._tx.connection, begun)
        self._stored = {call_id: view_of(row) for call_id, row in rows.items()}
        told = [event for event in batch if isinstance(event, CallsTold)]
        if told:
            numbers = {number for event in told for call in event.calls if (number := number_of(call))}
            self._erased_at = await erasure.erased_at(self._tx.connection, numbers)
        for each in told:
            found, aliases = await find_known(self._tx, each, self._known)
            self._stored |= found
            self._aliases |= aliases
        wanted = self._wanted([event for event in batch if self._decides(event)], told)
        self._ledger = await Ledger.open(self._tx, self._rules.directory, wanted)

    def take(self, event: CallEvent) -> None:
        """Apply an event; one that is not allowed, or of a call that is over, changes nothing."""
        if isinstance(event, CallRecorded):
            self._recorded.append(event)
            return
        if event.call_id in self.merged:
            return
        if isinstance(event, CallMerged):
            self._give_up(event)
            return
        if isinstance(event, CallsTold):
            self._take_told(event)
            return
        before = self.changed.get(event.call_id) or self._known.get(event.call_id)
        after = self._after(before, event)
        if after is not None and after != before:
            self.changed[event.call_id] = after
            self._tell(type(event), after)

    async def save(self) -> None:
        """Write it all; raises Conflict when somebody else made the same contact or deal meanwhile."""
        views = self.changed.values()
        await self._ledger.save_contacts_and_deals()
        legs = [row for view in views for row in leg_rows_of(view.call, people_of_legs(self._rules.directory, view))]
        await store.save(self._tx, [row_of(view.call) for view in views], legs)
        for call_id, into in self.merged.items():
            if call_id in self._known:
                await store.merge(self._tx, call_id, into if into in self._known or into in self.changed else None)
        await store.link(self._tx, [row for view in views for row in self._new_aliases(view)])
        await recordings.note(self._tx, self._new_recordings())
        for view in views:
            await self._put_on_timeline(view)
        await self._ledger.save_timeline()
        await timeline.place_notes(self._tx, [call_id for call_id in self.changed if self._before(call_id)])
        for pbx, told in self._marks.items():
            await cdr_marks.put(self._tx, pbx, told.mark)

    def _before(self, call_id: str) -> CallView | None:
        """The call as it was before this transaction."""
        return self._known.get(call_id) or self._stored.get(call_id)

    def _wanted(self, events: Sequence[CallEvent], told: Sequence[CallsTold]) -> Wanted:
        """What the events, which may put calls on contacts and deals, need for that."""
        views = [self._known[event.call_id] for event in events if event.call_id in self._known]
        views += self._stored.values()
        past = [call for event in told for call in event.calls]
        named = [getattr(event, "number", None) for event in events] + [call.number for call in past]
        return Wanted(
            numbers=frozenset(number for number in (*named, *(view.call.number for view in views)) if number),
            contact_ids=ids(view.call.contact_id for view in views),
            deal_ids=ids((*(view.call.deal_id for view in views), *(getattr(e, "deal_id", None) for e in events))),
            most_new=len(past) + (len({event.call_id for event in events}) if self._may_make(events) else 0),
            turns=self._rules.incoming.has_groups
            and any(isinstance(e, CallEnded | CallsTold) for e in (*events, *told)),
            names=any(call.direction is Direction.OUTBOUND for call in (*past, *(view.call for view in views)))
            or any(isinstance(e, CallRequested) or _is_outbound(e) for e in events),
        )

    def _decides(self, event: CallEvent) -> bool:
        """Whether contact and deal are looked at after the event; rules may ask for the queue, and for the end."""
        if isinstance(event, DECISIVE):
            return True
        by_rule = isinstance(event, CallQueued) or (isinstance(event, CallEnded) and event.result is CallResult.MISSED)
        return by_rule and bool(self._rules.incoming.rules)

    def _may_make(self, events: Sequence[CallEvent]) -> bool:
        """Whether contacts or deals may come of the events: of a mere ring only if a supervisor wants it so."""
        at_once = self._rules.may_create_at_once()
        return at_once or any(isinstance(event, DECISIVE) and not isinstance(event, CallStarted) for event in events)

    def _after(self, before: CallView | None, event: CallEvent) -> CallView | None:
        """The call after the event, or None when the event changes nothing."""
        if isinstance(event, CallStarted | CallRequested):
            return None if before is not None else self._begun(event)
        if before is None:
            return None
        try:
            view = replace(before, call=calls.advance(before.call, event))
        except IllegalTransition as refusal:
            log.debug("an event changes nothing", reason=str(refusal))
            return None
        # Another number answered: what was read with its contact and deal goes with them.
        if (view.call.contact_id, view.call.deal_id) != (before.call.contact_id, before.call.deal_id):
            view = replace(view, contact=None, contact_owner_id=None, deal_owner_id=None)
        if self._decides(event):
            return self._attach(view, event)
        if isinstance(event, CallEnded) and view.call.owner_id is None and view.call.screened is None:
            # Nobody answered: it is the matter of whoever is responsible for the caller.
            owner_id = self._ledger.active(view.deal_owner_id) or self._ledger.active(view.contact_owner_id)
            owner = self._rules.directory.login(owner_id)
            return replace(view, call=replace(view.call, owner_id=owner_id), owner=owner)
        return view

    def _begun(self, event: CallStarted | CallRequested) -> CallView | None:
        stored = self._stored.get(event.call_id)
        if stored is None:
            return self._attach(CallView(calls.start(event)), event)
        # Told twice, or written by a transaction whose commit went through though we did not hear so.
        return None if stored.call.state is CallState.ENDED else stored

    def _attach(self, view: CallView, event: CallEvent) -> CallView:
        return attach(self._ledger, self._rules, view, event.at, self._tx.emit)

    def _take_told(self, event: CallsTold) -> None:
        """Make or complete the calls that a PBX's records tell of."""
        self._marks[event.pbx] = event
        matching = Matching({**self._stored, **self._known, **self.changed}, self._aliases)
        came_of: Counter[str] = Counter()
        for told in kept_erased(event.calls, self._erased_at):
            before = matching.take(told)
            view = CallView(replace(told, id=new_call_id(told.started_at)))
            if before is not None:
                view = replace(before, call=completed(before.call, told))
            at = told.started_at
            if not view.call.erased:
                self._recorded += [CallRecorded(call_id=view.call.id, at=at, file=file) for file in told.files]
            if before is not None and view.call is before.call:
                continue
            at = told.answered_at or told.ended_at or event.at
            after = attach(self._ledger, self._rules, view, at, self._tx.emit)
            self.changed[after.call.id] = after
            self._tell(CallsTold if before else CallEnded, after)
            came_of["completed" if before else "made"] += 1
        self.filled[event.pbx] = Filled(**came_of)

    def _give_up(self, event: CallMerged) -> None:
        self.merged[event.call_id] = event.into
        self.changed.pop(event.call_id, None)
        self._tx.emitted = [told for told in self._tx.emitted if _call_of(told) != event.call_id]
        view = self._known.get(event.call_id)
        if view is not None:
            people = audience(self._rules.directory, view)
            self._tx.emit(events.CallDropped(people=people, call_id=event.call_id, into=event.into))

    def _tell(self, cause: type[CallEvent], view: CallView) -> None:
        """Note what is to be told; twice the same of one call at once is told as its last state."""
        kind = KINDS.get(cause, events.CallChanged)
        if kind is None:
            return
        last = self._tx.emitted[-1] if self._tx.emitted else None
        if type(last) is kind and _call_of(last) == view.call.id:
            self._tx.emitted.pop()
        self._tx.emit(kind(people=audience(self._rules.directory, view), view=view))

    def _new_aliases(self, view: CallView) -> list[dict[str, str]]:
        call, known = view.call, self._before(view.call.id)
        new = call.linkedids - (known.call.linkedids if known else frozenset())
        return [{"pbx": call.pbx, "linkedid": linkedid, "call_id": call.id} for linkedid in sorted(new)]

    def _new_recordings(self) -> list[recordings.Noted]:
        kept = self._known.keys() | self.changed.keys() | self._stored.keys()
        places = ((self.merged.get(event.call_id, event.call_id), event) for event in self._recorded)
        return [recordings.Noted(call_id, event.file, event.at) for call_id, event in places if call_id in kept]

    async def _put_on_timeline(self, view: CallView) -> None:
        call, known = view.call, self._before(view.call.id)
        place = (call.contact_id, call.deal_id)
        before = (known.call.contact_id, known.call.deal_id) if known else (None, None)
        if place == before:
            return
        if before == (None, None):
            self._ledger.note_call(call.id, call.started_at, contact_id=call.contact_id, deal_id=call.deal_id)
        else:
            await timeline.put_call(
                self._tx, call.id, at=call.started_at, contact_id=call.contact_id, deal_id=call.deal_id
            )


def _is_outbound(event: CallEvent) -> bool:
    return isinstance(event, CallStarted) and event.direction is Direction.OUTBOUND


def _call_of(told: events.Event) -> str | None:
    match told:
        case events.CallRang() | events.CallAnswered() | events.CallChanged() | events.CallEnded():
            return told.view.call.id
    return None
