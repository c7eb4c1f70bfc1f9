"""Rules for incoming calls and listed numbers: a supervisor's, but for listing the caller of one's own call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from zeoncrm.pipeline import incoming
from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.clock import clock_text, minutes_of
from zeoncrm.pipeline.errors import Invalid
from zeoncrm.pipeline.incoming_rules import Callers, MissedOwner
from zeoncrm.pipeline.settings import DealCreation
from zeoncrm.store.incoming import ListedRow, RuleRow
from zeoncrm.web.api.calls import NOT_FOUND as NO_CALL
from zeoncrm.web.api.calls import Number
from zeoncrm.web.api.deals import BAD_CURSOR, WRONG
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.schemas import Output
from zeoncrm.web.inputs import Flag, Input, Moment, PageQuery, Patch, RowId, Text

Clock = Annotated[str, Field(pattern=r"\A([01][0-9]|2[0-3]):[0-5][0-9]\z")]
Texts = Annotated[tuple[Text, ...], Field(max_length=incoming.MOST_VALUES)]
Day = Annotated[int, Field(ge=1, le=7)]


class RuleOut(Output):
    """A rule. Empty conditions ask for nothing; `weekdays`: 1 is Monday; times are the company's; people are logins."""

    id: int
    name: str
    active: bool
    dids: tuple[str, ...]
    queues: tuple[str, ...]
    weekdays: tuple[int, ...]
    begins: str | None
    ends: str | None
    callers: Callers
    pipeline_id: int | None
    source: str | None
    create_deals: DealCreation | None
    missed_owner: MissedOwner
    person: str | None
    group: tuple[str, ...]


class RulesOut(Output):
    """Every rule, in the order in which they are tried."""

    items: list[RuleOut]
    next: str | None = None


class RulePatch(Patch):
    """What to change of a rule."""

    name: Text = ""
    active: Flag = True
    dids: Texts = ()
    queues: Texts = ()
    weekdays: tuple[Day, ...] = ()
    begins: Clock | None = None
    ends: Clock | None = None
    callers: Callers = Callers.ANY
    pipeline_id: RowId | None = None
    source: Text | None = None
    create_deals: DealCreation | None = None
    missed_owner: MissedOwner = MissedOwner.RESPONSIBLE
    person: Text | None = None
    group: Texts = ()


class RuleIn(RulePatch):
    """A new rule: it comes behind the others."""

    name: Text


class OrderIn(Input):
    """The ids of all rules, in the order in which they are to be tried."""

    ids: Annotated[tuple[RowId, ...], Field(max_length=incoming.MOST_RULES)]


class ListedOut(Output):
    """A listed number: E.164, bare digits, or a beginning with `*`. `added_by`: a name."""

    id: int
    pattern: str
    listing: Screening
    note: str
    added_by: str | None
    created_at: datetime


class ListedPage(Output):
    """A page of listed numbers."""

    items: list[ListedOut]
    next: str | None


class ListedQuery(PageQuery):
    """Which list; both without one."""

    listing: Screening | None = None


class ListIn(Input):
    """On which list, and why."""

    listing: Screening
    note: Text = ""


class NumberIn(ListIn):
    """A number as people write it, or a beginning such as `+7800*`."""

    number: Number


class TryQuery(Input):
    """A call that might come. `at`: now, unless it is given."""

    number: Number = ""
    did: Number = ""
    queue: Annotated[Text, Field(max_length=80)] = ""
    at: Moment | None = None


class TriedOut(Output):
    """What would become of the call: an entry that lists its number goes before any rule."""

    listed: ListedOut | None
    rule: RuleOut | None
    create_deals: DealCreation
    known: bool


async def list_rules(ask: Ask[None, None]) -> RulesOut:
    """Every rule."""
    return _rules_out(ask, await incoming.list_rules(ask.services.database, ask.viewer))


async def make_rule(ask: Ask[None, RuleIn]) -> RuleOut:
    """A new rule."""
    ask.viewer.must_supervise()
    with _named_as_sent():
        rule = await incoming.add_rule(ask.services.database, ask.viewer, _values(ask))
    return _rule_out(ask, rule)


async def patch_rule(ask: Ask[None, RulePatch]) -> RuleOut:
    """A rule, changed."""
    ask.viewer.must_supervise()
    with _named_as_sent():
        rule = await incoming.change_rule(ask.services.database, ask.viewer, ask.row_id(), _values(ask))
    return _rule_out(ask, rule)


async def delete_rule(ask: Ask[None, None]) -> None:
    """A rule, removed."""
    await incoming.remove_rule(ask.services.database, ask.viewer, ask.row_id())


async def order_rules(ask: Ask[None, OrderIn]) -> RulesOut:
    """The rules in another order."""
    return _rules_out(ask, await incoming.order_rules(ask.services.database, ask.viewer, ask.body.ids))


async def try_call(ask: Ask[TryQuery, None]) -> TriedOut:
    """What would become of a call."""
    services, query = ask.services, ask.query
    tried = await incoming.try_call(
        services.database,
        ask.viewer,
        services.rules(),
        number=query.number,
        did=query.did,
        queue=query.queue,
        at=query.at or services.now(),
    )
    return TriedOut(
        listed=None if tried.listed is None else ListedOut.model_validate(tried.listed),
        rule=None if tried.rule is None else _rule_out(ask, tried.rule),
        create_deals=tried.create_deals,
        known=tried.known,
    )


async def list_listed(ask: Ask[ListedQuery, None]) -> ListedPage:
    """The listed numbers."""
    query = ask.query
    page = await incoming.find_listed(
        ask.services.database, ask.viewer, listing=query.listing, limit=query.limit, cursor=query.cursor
    )
    return ListedPage(items=[ListedOut.model_validate(row) for row in page.items], next=page.next)


async def list_number(ask: Ask[None, NumberIn]) -> ListedOut:
    """A number put on a list."""
    services, body = ask.services, ask.body
    row: ListedRow = await incoming.list_number(
        services.database,
        ask.viewer,
        number=body.number,
        listing=body.listing,
        note=body.note,
        region=services.region,
        at=services.now(),
    )
    return ListedOut.model_validate(row)


async def unlist_number(ask: Ask[None, None]) -> None:
    """A number taken off its list."""
    await incoming.unlist_number(ask.services.database, ask.viewer, ask.row_id())


async def list_caller(ask: Ask[None, ListIn]) -> ListedOut:
    """The number of a call put on a list."""
    services, body = ask.services, ask.body
    row = await incoming.list_caller(
        services.database, ask.viewer, ask.call_id(), body.listing, body.note, services.now()
    )
    return ListedOut.model_validate(row)


def _values(ask: Ask[None, Any]) -> dict[str, Any]:
    """What was sent, as the fields of a `RuleRow`; raises Invalid for people that there are not."""
    values: dict[str, Any] = ask.body.given
    for name in ("begins", "ends"):
        if values.get(name) is not None:
            values[name] = minutes_of(values[name])
    if "person" in values:
        login = values.pop("person")
        values["person_id"] = None if login is None else _person_id(ask, "person", login)
    if "group" in values:
        values["group"] = tuple(_person_id(ask, "group", login) for login in values["group"])
    return values


@contextmanager
def _named_as_sent() -> Iterator[None]:
    """Let a refusal name the person as it is sent, not as a `RuleRow` has it."""
    try:
        yield
    except Invalid as error:
        if error.field == "person_id":
            error.field = "person"
        raise


def _person_id(ask: Ask[None, Any], field: Literal["person", "group"], login: str) -> int:
    found = next((row.id for row in ask.services.directory().rows if row.login == login and row.active), None)
    if found is None:
        raise Invalid(field, "no such person")
    return found


def _rules_out(ask: Ask[Any, Any], rules: list[RuleRow]) -> RulesOut:
    return RulesOut(items=[_rule_out(ask, rule) for rule in rules])


def _rule_out(ask: Ask[Any, Any], rule: RuleRow) -> RuleOut:
    directory = ask.services.directory()
    plain = {name: getattr(rule, name) for name in RuleOut.model_fields if name not in ("person", "group")}
    return RuleOut(
        **plain
        | {
            "begins": clock_text(rule.begins),
            "ends": clock_text(rule.ends),
            "person": directory.login(rule.person_id),
            "group": tuple(filter(None, map(directory.login, rule.group))),
        }
    )


FORBIDDEN = {403: "Only a supervisor may do this."}
NO_RULE = {404: "There is no such rule."}

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/incoming-rules",
        handle=list_rules,
        summary="The rules for incoming calls, in order",
        answer=RulesOut,
        errors=FORBIDDEN,
    ),
    Endpoint(
        method="POST",
        path="/incoming-rules",
        handle=make_rule,
        summary="Make a rule, behind the others",
        body=RuleIn,
        answer=RuleOut,
        status=201,
        errors=FORBIDDEN | WRONG,
    ),
    Endpoint(
        method="PUT",
        path="/incoming-rules/order",
        handle=order_rules,
        summary="Put the rules into another order",
        body=OrderIn,
        answer=RulesOut,
        errors=FORBIDDEN | WRONG,
    ),
    Endpoint(
        method="GET",
        path="/incoming-rules/try",
        handle=try_call,
        summary="What would become of a call, and by which rule",
        query=TryQuery,
        answer=TriedOut,
        errors=FORBIDDEN | WRONG,
    ),
    Endpoint(
        method="PATCH",
        path="/incoming-rules/{id}",
        handle=patch_rule,
        summary="Change a rule",
        body=RulePatch,
        answer=RuleOut,
        errors=FORBIDDEN | NO_RULE | WRONG,
    ),
    Endpoint(
        method="DELETE",
        path="/incoming-rules/{id}",
        handle=delete_rule,
        summary="Remove a rule",
        answer=None,
        status=204,
        errors=FORBIDDEN | NO_RULE,
    ),
    Endpoint(
        method="GET",
        path="/listed-numbers",
        handle=list_listed,
        summary="Ignored and blocked numbers, newest first",
        query=ListedQuery,
        answer=ListedPage,
        errors=FORBIDDEN | BAD_CURSOR | WRONG,
    ),
    Endpoint(
        method="POST",
        path="/listed-numbers",
        handle=list_number,
        summary="Ignore or block a number, or all with a beginning",
        body=NumberIn,
        answer=ListedOut,
        status=201,
        errors=FORBIDDEN | WRONG,
    ),
    Endpoint(
        method="DELETE",
        path="/listed-numbers/{id}",
        handle=unlist_number,
        summary="Take a number off its list",
        answer=None,
        status=204,
        errors=FORBIDDEN | {404: "There is no such number."},
    ),
    Endpoint(
        method="POST",
        path="/calls/{id}/list",
        handle=list_caller,
        summary="Ignore or block the number of a call that one took part in",
        body=ListIn,
        answer=ListedOut,
        status=201,
        errors=NO_CALL | WRONG | {403: "The caller is a colleague's contact, or listed already."},
    ),
)
