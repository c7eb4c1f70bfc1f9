"""People, their roles, extensions and outside numbers: an admin's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from zeoncrm.pipeline.accounts import set_password
from zeoncrm.pipeline.errors import Invalid, NotFound
from zeoncrm.pipeline.people import Role, add_person, change_person, load_directory
from zeoncrm.store.people import PersonRow
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import row_id
from zeoncrm.web.pages.forms import messages, typed, words
from zeoncrm.web.pages.frame import page

COMMAS = r"\s*[,;]\s*"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonForm:
    """A person as the form has them; extensions and numbers in one line each."""

    name: str = ""
    login: str = ""
    role: str = Role.REP.value
    extensions: str = ""
    outside: str = ""
    password: str = ""
    active: str = ""


async def people_page(request: web.Request) -> web.Response:
    """Everybody."""
    viewer(request).must_administer()
    directory = await load_directory(request_services(request).database)
    people = sorted(directory.rows, key=lambda row: (not row.active, row.name))
    return page(
        request,
        "settings/people.html",
        section="settings",
        tab="people",
        people=people,
        contested=directory.contested(),
        saved="saved" in request.query,
    )


async def new_person_page(request: web.Request) -> web.Response:
    """An empty form."""
    viewer(request).must_administer()
    return _show(request, None, PersonForm())


async def person_page(request: web.Request) -> web.Response:
    """A person's form."""
    viewer(request).must_administer()
    row = await _person(request)
    return _show(request, row.id, _form_of(row))


async def make_person(request: web.Request) -> web.Response:
    """Add a person."""
    viewer(request).must_administer()
    services, form = request_services(request), await _typed(request)
    try:
        await add_person(
            services.database,
            login=form.login.strip().lower(),
            name=form.name,
            role=_role(form),
            password_hash=await services.passwords.hash(form.password) if form.password else None,
            extensions=_extensions(request, form),
            outside=words(form.outside, COMMAS),
            region=services.region,
            at=services.now(),
        )
    except Invalid as error:
        return _show(request, None, form, messages(request, error))
    raise web.HTTPSeeOther("/settings/people?saved=1")


async def save_person(request: web.Request) -> web.Response:
    """Change a person; another password when one was typed."""
    who = viewer(request)
    who.must_administer()
    services, row, form = request_services(request), await _person(request), await _typed(request)
    try:
        await change_person(
            services.database,
            row.id,
            name=form.name,
            role=_role(form),
            active=bool(form.active),
            extensions=_extensions(request, form),
            outside=words(form.outside, COMMAS),
            region=services.region,
        )
        if form.password:
            await set_password(services.database, services.passwords, who, row.id, form.password)
    except Invalid as error:
        return _show(request, row.id, form, messages(request, error))
    raise web.HTTPSeeOther("/settings/people?saved=1")


async def _person(request: web.Request) -> PersonRow:
    directory = await load_directory(request_services(request).database)
    row = directory.by_id.get(row_id(request))
    if row is None:
        raise NotFound("no such person")
    return row


def _form_of(row: PersonRow) -> PersonForm:
    return PersonForm(
        name=row.name,
        login=row.login,
        role=row.role,
        extensions=" ".join(f"{number}@{pbx}" if pbx else number for pbx, number in row.extensions),
        outside=", ".join(row.outside),
        active="1" if row.active else "",
    )


def _extensions(request: web.Request, form: PersonForm) -> Sequence[str]:
    """Those that were typed; raises Invalid for one of a PBX that there is not."""
    typed_in = words(form.extensions)
    for text in typed_in:
        _, at, pbx = text.partition("@")
        if at and pbx not in request_services(request).pbx():
            raise Invalid("extensions", "there is no PBX of this name: %(name)s", name=pbx[:64])
    return typed_in


async def _typed(request: web.Request) -> PersonForm:
    return PersonForm(**await typed(request, *PersonForm.__slots__))


def _role(form: PersonForm) -> Role:
    try:
        return Role(form.role)
    except ValueError as error:
        raise Invalid("role", "no such role") from error


def _show(
    request: web.Request, person_id: int | None, form: PersonForm, errors: dict[str, str] | None = None
) -> web.Response:
    return page(
        request,
        "settings/person.html",
        section="settings",
        status=422 if errors else 200,
        tab="people",
        saved=False,
        person_id=person_id,
        given=form,
        errors=errors or {},
    )
