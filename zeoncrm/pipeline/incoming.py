"""What supervisors decide about incoming calls: the rules in their order, and the numbers that are listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zeoncrm.pipeline.call_events import Direction
from zeoncrm.pipeline.call_notes import takes_part
from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.errors import Forbidden, Invalid, NotFound
from zeoncrm.pipeline.events import SettingsChanged
from zeoncrm.pipeline.incoming_rules import (
    Asked,
    BadPattern,
    Callers,
    Incoming,
    Listed,
    MissedOwner,
    pattern_of,
    ruling,
)
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.pipeline.people import Viewer
from zeoncrm.pipeline.settings import DealCreation
from zeoncrm.pipeline.texts import one_line
from zeoncrm.store import calls, contacts, people, stages
from zeoncrm.store import incoming as store
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.incoming import ListedRow, RuleRow
from zeoncrm.store.paging import Page

MOST_RULES = 200
MOST_LISTED = 10_000
MOST_VALUES = 50
_LONGEST = {"name": 100, "source": 64, "note": 200, "dids": 80, "queues": 80}


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of a call: the entry that lists its number, else the rule that it falls under."""

    listed: ListedRow | None
    rule: RuleRow | None
    create_deals: DealCreation
    known: bool


async def load_incoming(database: Database) -> Incoming:
    """Rules and lists as they are now."""
    async with database.read() as connection:
        return Incoming(tuple(await store.rules(connection)), Listed.of(await store.listed(connection)))


async def list_rules(database: Database, viewer: Viewer) -> list[RuleRow]:
    """Every rule in its order; raises Forbidden for a rep."""
    viewer.must_supervise()
    async with database.read() as connection:
        return await store.rules(connection)


async def get_rule(database: Database, viewer: Viewer, rule_id: int) -> RuleRow:
    """A rule; raises NotFound, Forbidden."""
    return _of(await list_rules(database, viewer), rule_id)


async def add_rule(database: Database, viewer: Viewer, values: Mapping[str, Any]) -> RuleRow:
    """Add a rule behind the others.

    Raises:
        Forbidden: for a rep. Invalid: a value that can't be taken, by the name of a `RuleRow`'s field.
    """
    viewer.must_supervise()
    async with database.write() as tx:
        if len(await store.rules(tx.connection)) >= MOST_RULES:
            raise Invalid("name", "%(most)s rules at most", most=MOST_RULES)
        rule_id = await store.add_rule(tx, await _checked(tx, _BLANK | dict(values)))
        return await _told(tx, rule_id)


async def change_rule(database: Database, viewer: Viewer, rule_id: int, changes: Mapping[str, Any]) -> RuleRow:
    """Change what is given of a rule; raises NotFound, and as `add_rule`."""
    viewer.must_supervise()
    async with database.write() as tx:
        rule = _of(await store.rules(tx.connection), rule_id)
        values = {name: getattr(rule, name) for name in _BLANK} | dict(changes)
        await store.change_rule(tx, rule_id, await _checked(tx, values))
        return await _told(tx, rule_id)


async def remove_rule(database: Database, viewer: Viewer, rule_id: int) -> None:
    """Remove a rule; raises NotFound, Forbidden."""
    viewer.must_supervise()
    async with database.write() as tx:
        if not await store.remove_rule(tx, rule_id):
            raise NotFound("no such rule")
        tx.emit(SettingsChanged(people=frozenset()))


async def order_rules(database: Database, viewer: Viewer, ids: Sequence[int]) -> list[RuleRow]:
    """Put the rules into this order; raises Forbidden, or Invalid when these are not all of them."""
    viewer.must_supervise()
    async with database.write() as tx:
        if sorted(rule.id for rule in await store.rules(tx.connection)) != sorted(ids):
            raise Invalid("ids", "these are not the rules that there are: load the page again")
        await store.order_rules(tx, ids)
        tx.emit(SettingsChanged(people=frozenset()))
        return await store.rules(tx.connection)


async def find_listed(
    database: Database, viewer: Viewer, *, listing: Screening | None = None, limit: int = 50, cursor: str | None = None
) -> Page[ListedRow]:
    """Listed numbers, the newest first; raises Forbidden, BadCursor."""
    viewer.must_supervise()
    async with database.read() as connection:
        return await store.find_listed(connection, listing=listing, limit=limit, cursor=cursor)


async def list_number(
    database: Database, viewer: Viewer, *, number: str, listing: Screening, note: str, region: str, at: datetime
) -> ListedRow:
    """Ignore or block a number, or all with a beginning, in place of what was decided before.

    Raises:
        Forbidden: for a rep. Invalid: `number` or `note` can't be taken.
    """
    viewer.must_supervise()
    try:
        pattern = pattern_of(number, region)
    except BadPattern as error:
        raise Invalid("number", "neither a number nor the beginning of numbers, as in +7800*") from error
    async with database.write() as tx:
        return await _list(tx, viewer, pattern, listing, note, at)


async def list_caller(
    database: Database, viewer: Viewer, call_id: str, listing: Screening, note: str, at: datetime
) -> ListedRow:
    """Ignore or block the number of a call that came in. A rep may do so for a call that they took part in, of a
    stranger or a contact of their own, unless the number is listed already.

    Raises:
        NotFound: no such call of the viewer's. Forbidden: the caller is a colleague's contact, or listed.
        Invalid: no number, or not the caller's.
    """
    async with database.write() as tx:
        row = await calls.one(tx.connection, call_id, viewer.scope)
        if row is None or not takes_part(row, viewer):
            raise NotFound("no such call")
        if row.values["direction"] != Direction.INBOUND:
            raise Invalid("number", "only the number of an incoming call can be ignored or blocked")
        pattern = row.values["number"] or row.values["number_raw"] or ""
        if not any(letter.isdigit() for letter in pattern) or len(pattern) > 20:
            raise Invalid("number", "the caller withheld the number")
        if pattern.endswith("*"):  # the caller's own words, and never the beginning of others' numbers
            raise Invalid("number", "neither a number nor the beginning of numbers, as in +7800*")
        contact_id = row.values["contact_id"] or await contacts.caller(tx.connection, pattern)
        if contact_id is not None and await contacts.one(tx.connection, contact_id, viewer.scope) is None:
            raise Forbidden("this contact is a colleague's")
        if not viewer.sees_all and Listed.of(await store.listed(tx.connection)).find(pattern, None):
            raise Forbidden("this number is listed already: only a supervisor may change that")
        return await _list(tx, viewer, pattern, listing, note, at)


async def unlist_number(database: Database, viewer: Viewer, listed_id: int) -> None:
    """Take a number off its list; raises NotFound, Forbidden."""
    viewer.must_supervise()
    async with database.write() as tx:
        if not await store.remove_listed(tx, listed_id):
            raise NotFound("no such number")
        tx.emit(SettingsChanged(people=frozenset()))


async def try_call(
    database: Database, viewer: Viewer, rules: Rules, *, number: str, did: str, queue: str, at: datetime
) -> Tried:
    """What would become of a call from this number to this line at this time; raises Forbidden for a rep."""
    viewer.must_supervise()
    number_read = normalise(number, rules.region)
    async with database.read() as connection:
        current = Incoming(tuple(await store.rules(connection)), Listed.of(await store.listed(connection)))
        caller = None if number_read is None else await contacts.caller(connection, number_read)
    asked = Asked(at=at, did=did.strip() or None, queue=queue.strip() or None, known=caller is not None)
    found = ruling(current.rules, asked, rules.settings.zone, rules.region)
    listed = current.listed.find(number_read, number.strip())
    return Tried(listed, found.rule, rules.creation(found), caller is not None)


async def _list(
    tx: Transaction, viewer: Viewer, pattern: str, listing: Screening, note: str, at: datetime
) -> ListedRow:
    if await store.count_listed(tx.connection) >= MOST_LISTED:
        raise Invalid("number", "%(most)s numbers at most", most=MOST_LISTED)
    cleaned = _text("note", note)
    await store.put_listed(tx, pattern=pattern, listing=listing.value, note=cleaned, added_by=viewer.id, at=at)
    tx.emit(SettingsChanged(people=frozenset()))
    row = await store.listed_as(tx.connection, pattern)
    if row is None:
        raise NotFound("no such number")
    return row


async def _told(tx: Transaction, rule_id: int) -> RuleRow:
    tx.emit(SettingsChanged(people=frozenset()))
    return _of(await store.rules(tx.connection), rule_id)


def _of(rules: Sequence[RuleRow], rule_id: int) -> RuleRow:
    found = next((rule for rule in rules if rule.id == rule_id), None)
    if found is None:
        raise NotFound("no such rule")
    return found


_BLANK: dict[str, Any] = {
    name: field.default for name, field in RuleRow.__dataclass_fields__.items() if name != "id"
} | {"name": ""}


async def _checked(tx: Transaction, values: dict[str, Any]) -> dict[str, Any]:
    """A rule's values as they are kept; what its choice of an owner does not need is dropped."""
    if unknown := values.keys() - _BLANK.keys():
        raise Invalid(sorted(unknown)[0], "this can't be set")
    kept = values | {
        "name": _text("name", values["name"]),
        "source": _text("source", values["source"] or "") or None,
        "dids": _texts("dids", values["dids"]),
        "queues": _texts("queues", values["queues"]),
        "weekdays": _weekdays(values["weekdays"]),
        "callers": _one_of("callers", Callers, values["callers"]),
        "missed_owner": _one_of("missed_owner", MissedOwner, values["missed_owner"]),
    }
    if not kept["name"]:
        raise Invalid("name", "a name has 1 to %(most)s characters", most=_LONGEST["name"])
    if kept["create_deals"] is not None:
        kept["create_deals"] = _one_of("create_deals", DealCreation, kept["create_deals"])
    for name in ("begins", "ends"):
        if kept[name] is not None and not 0 <= kept[name] < 24 * 60:
            raise Invalid(name, "a time of day is 00:00 to 23:59")
    pipelines = {pipeline.id for pipeline in await stages.all_pipelines(tx.connection)}
    if kept["pipeline_id"] is not None and kept["pipeline_id"] not in pipelines:
        raise Invalid("pipeline_id", "no such pipeline")
    return kept | await _owners(tx, kept)


async def _owners(tx: Transaction, values: Mapping[str, Any]) -> dict[str, Any]:
    known = {row.id for row in await people.everyone(tx.connection)}
    person, group = values["person_id"], tuple(dict.fromkeys(values["group"]))
    match values["missed_owner"]:
        case MissedOwner.PERSON:
            if person not in known:
                raise Invalid("person_id", "choose the person")
            return {"person_id": person, "group": ()}
        case MissedOwner.GROUP:
            if not group or not known.issuperset(group):
                raise Invalid("group", "choose the people")
            return {"person_id": None, "group": group}
    return {"person_id": None, "group": ()}


def _text(field: str, text: str) -> str:
    cleaned = one_line(text)
    if len(cleaned) > _LONGEST[field]:
        raise Invalid(field, "%(most)s characters at most", most=_LONGEST[field])
    return cleaned


def _texts(field: str, texts: Sequence[str]) -> tuple[str, ...]:
    cleaned = tuple(dict.fromkeys(each for each in (_text(field, text) for text in texts) if each))
    if len(cleaned) > MOST_VALUES:
        raise Invalid(field, "%(most)s at most", most=MOST_VALUES)
    return cleaned


def _weekdays(days: Sequence[int]) -> tuple[int, ...]:
    if not set(days) <= set(range(1, 8)):
        raise Invalid("weekdays", "a day is 1 (Monday) to 7")
    # Every day is the same as none: it asks for nothing.
    return () if len(set(days)) == 7 else tuple(sorted(set(days)))


def _one_of(field: str, kind: type[Callers] | type[MissedOwner] | type[DealCreation], value: str) -> str:
    try:
        return kind(value).value
    except ValueError as error:
        raise Invalid(field, "this can't be set") from error
