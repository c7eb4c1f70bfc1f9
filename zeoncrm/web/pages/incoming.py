"""Rules for incoming calls, listed numbers, and a try of both: a supervisor's pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from babel.dates import get_day_names

from zeoncrm.pipeline import incoming
from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.clock import clock_text, minutes_of
from zeoncrm.pipeline.errors import Invalid
from zeoncrm.pipeline.incoming import Tried
from zeoncrm.pipeline.stages import list_pipelines
from zeoncrm.store.incoming import RuleRow
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import Input, Text, in_utc, posted, read_query, row_id
from zeoncrm.web.language import language_of
from zeoncrm.web.pages.forms import messages, words
from zeoncrm.web.pages.frame import page

COMMAS = r"\s*[,;\n]\s*"
DAYS = range(1, 8)
MOST_SHOWN = 200
HOME = "/settings/incoming"


@dataclass(frozen=True, slots=True)
class Trial:
    """What was typed to try the rules, what came of it, and what could not be read."""

    number: str = ""
    did: str = ""
    queue: str = ""
    at: str = ""
    tried: Tried | None = None
    error: str = ""


class TrialQuery(Input):
    """A call that might come. `at`: as the company's clock shows it, as in 2026-03-02T14:30."""

    number: Text = ""
    did: Text = ""
    queue: Text = ""
    at: Text = ""
    saved: Text = ""


async def incoming_page(request: web.Request) -> web.Response:
    """The rules in their order, the try, and the numbers."""
    return await _show(request)


async def new_rule_page(request: web.Request) -> web.Response:
    """An empty form."""
    viewer(request).must_supervise()
    return await _show_form(request, None, _form_of(RuleRow(id=0, name="")))


async def rule_page(request: web.Request) -> web.Response:
    """A rule's form."""
    rule = await incoming.get_rule(request_services(request).database, viewer(request), row_id(request))
    return await _show_form(request, rule.id, _form_of(rule))


async def make_rule(request: web.Request) -> web.Response:
    """Add a rule."""
    who = viewer(request)
    who.must_supervise()
    form = await posted(request)
    try:
        await incoming.add_rule(request_services(request).database, who, _values(form))
    except Invalid as error:
        return await _show_form(request, None, form, messages(request, error))
    raise web.HTTPSeeOther(f"{HOME}?saved=1")


async def save_rule(request: web.Request) -> web.Response:
    """Change a rule; remove it with its other button."""
    who, rule_id = viewer(request), row_id(request)
    who.must_supervise()
    form, database = await posted(request), request_services(request).database
    if "remove" in form:
        await incoming.remove_rule(database, who, rule_id)
        raise web.HTTPSeeOther(f"{HOME}?saved=1")
    try:
        await incoming.change_rule(database, who, rule_id, _values(form))
    except Invalid as error:
        return await _show_form(request, rule_id, form, messages(request, error))
    raise web.HTTPSeeOther(f"{HOME}?saved=1")


async def move_rule(request: web.Request) -> web.Response:
    """One place up, or down."""
    who, rule_id = viewer(request), row_id(request)
    who.must_supervise()
    database, step = request_services(request).database, -1 if "up" in await posted(request) else 1
    ids = [rule.id for rule in await incoming.list_rules(database, who)]
    await incoming.get_rule(database, who, rule_id)
    place = min(max(ids.index(rule_id) + step, 0), len(ids) - 1)
    ids.remove(rule_id)
    ids.insert(place, rule_id)
    await incoming.order_rules(database, who, ids)
    raise web.HTTPSeeOther(f"{HOME}#rule-{rule_id}")


async def add_number(request: web.Request) -> web.Response:
    """List a number."""
    who, services = viewer(request), request_services(request)
    who.must_supervise()
    form = await posted(request)
    try:
        await incoming.list_number(
            services.database,
            who,
            number=form.get("number", ""),
            listing=Screening.BLOCKED if form.get("listing") == Screening.BLOCKED else Screening.IGNORED,
            note=form.get("note", ""),
            region=services.region,
            at=services.now(),
        )
    except Invalid as error:
        return await _show(request, given=form, errors=messages(request, error))
    raise web.HTTPSeeOther(f"{HOME}#numbers")


async def remove_number(request: web.Request) -> web.Response:
    """Take a number off its list."""
    await incoming.unlist_number(request_services(request).database, viewer(request), row_id(request))
    raise web.HTTPSeeOther(f"{HOME}#numbers")


async def _show(
    request: web.Request, *, given: Mapping[str, str] | None = None, errors: dict[str, str] | None = None
) -> web.Response:
    services, who = request_services(request), viewer(request)
    rules = await incoming.list_rules(services.database, who)
    numbers = await incoming.find_listed(services.database, who, limit=MOST_SHOWN)
    settings = services.settings()
    return page(
        request,
        "settings/incoming.html",
        section="settings",
        tab="incoming",
        status=422 if errors else 200,
        saved="saved" in request.query,
        rules=rules,
        numbers=numbers,
        pipelines={each.id: each.name for each in await list_pipelines(services.database)},
        settings=settings,
        now=services.now().astimezone(settings.zone),
        trial=await _trial(request),
        given=defaultdict(str, given or {}),
        errors=errors or {},
        **_words(request),
    )


async def _show_form(
    request: web.Request, rule_id: int | None, given: Mapping[str, str], errors: dict[str, str] | None = None
) -> web.Response:
    services = request_services(request)
    return page(
        request,
        "settings/rule.html",
        section="settings",
        tab="incoming",
        status=422 if errors else 200,
        saved=False,
        rule_id=rule_id,
        given=defaultdict(str, given),
        errors=errors or {},
        pipelines=await list_pipelines(services.database),
        people=[row for row in services.directory().rows if row.active],
        zone=services.settings().time_zone,
        **_words(request),
    )


def _words(request: web.Request) -> dict[str, Any]:
    """What the templates write rules with."""
    names = get_day_names("abbreviated", locale=language_of(request))
    directory = request_services(request).directory()

    def names_of(people: Iterable[int | None]) -> str:
        return ", ".join(directory.name(person) or "—" for person in people)

    def days_of(days: Iterable[int]) -> str:
        return ", ".join(names[day - 1] for day in days)

    return {
        "days": {day: names[day - 1] for day in DAYS},
        "days_of": days_of,
        "names_of": names_of,
        "clock": clock_text,
    }


async def _trial(request: web.Request) -> Trial:
    """The call that was typed, and what would become of it."""
    query = read_query(request, TrialQuery)
    services, zone = request_services(request), request_services(request).settings().zone
    typed = Trial(query.number, query.did, query.queue, query.at)
    if not (query.number or query.did or query.queue or query.at):
        return typed
    try:
        at = in_utc(datetime.fromisoformat(query.at).replace(tzinfo=zone)) if query.at else services.now()
    except ValueError:
        return Trial(query.number, query.did, query.queue, query.at, error="at")
    tried = await incoming.try_call(
        services.database,
        viewer(request),
        services.rules(),
        number=query.number,
        did=query.did,
        queue=query.queue,
        at=at,
    )
    return Trial(query.number, query.did, query.queue, query.at, tried)


def _form_of(rule: RuleRow) -> dict[str, str]:
    """A rule as its form has it."""
    return {
        "name": rule.name,
        "active": "1" if rule.active else "",
        "dids": ", ".join(rule.dids),
        "queues": ", ".join(rule.queues),
        **{f"day{day}": "1" for day in rule.weekdays},
        "begins": clock_text(rule.begins) or "",
        "ends": clock_text(rule.ends) or "",
        "callers": rule.callers,
        "pipeline_id": str(rule.pipeline_id or ""),
        "source": rule.source or "",
        "create_deals": rule.create_deals or "",
        "missed_owner": rule.missed_owner,
        "person_id": str(rule.person_id or ""),
        **{f"member{person}": "1" for person in rule.group},
    }


def _values(form: Mapping[str, str]) -> dict[str, Any]:
    """A form as a rule's fields; raises Invalid."""
    return {
        "name": form.get("name", ""),
        "active": bool(form.get("active")),
        "dids": words(form.get("dids", ""), COMMAS),
        "queues": words(form.get("queues", ""), COMMAS),
        "weekdays": [day for day in DAYS if form.get(f"day{day}")],
        "begins": _minutes(form, "begins"),
        "ends": _minutes(form, "ends"),
        "callers": form.get("callers", ""),
        "pipeline_id": _id(form.get("pipeline_id", "")),
        "source": form.get("source", ""),
        "create_deals": form.get("create_deals") or None,
        "missed_owner": form.get("missed_owner", ""),
        "person_id": _id(form.get("person_id", "")),
        "group": _members(form),
    }


def _members(form: Mapping[str, str]) -> Sequence[int]:
    ids = (_id(name.removeprefix("member")) for name in form if name.startswith("member"))
    return [found for found in ids if found is not None]


def _minutes(form: Mapping[str, str], name: str) -> int | None:
    try:
        return minutes_of(form[name]) if form.get(name) else None
    except ValueError as error:
        raise Invalid(name, "a time of day is 00:00 to 23:59") from error


def _id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
