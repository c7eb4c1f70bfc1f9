"""The links to the telephone systems: a line for everybody, and all that is known for an admin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from aiohttp import web

from zeoncrm.pipeline.endpoints import Endpoint, EndpointKind, EndpointSign
from zeoncrm.pipeline.errors import Invalid, NotFound
from zeoncrm.pipeline.pbx_desks import PbxDesk, PbxReport
from zeoncrm.pipeline.people import Role, give_extension
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import LARGEST_ID
from zeoncrm.web.message_ids import N_
from zeoncrm.web.pages.forms import messages, typed
from zeoncrm.web.pages.frame import page, part, wants_part

# By what an endpoint's kind was told.
SIGNS = {
    EndpointSign.PERSON: N_("somebody's extension"),
    EndpointSign.CONFIG: N_("named under trunks in the configuration"),
    EndpointSign.CARRIES_CALLS: N_("calls of other numbers come or go through it"),
    EndpointSign.LOGS_IN_THERE: N_("the PBX logs in there"),
    EndpointSign.NO_NUMBER: N_("its name is no number"),
    EndpointSign.REGISTERS: N_("registers with the PBX"),
    EndpointSign.HINT: N_("the dialplan watches it as an extension"),
    EndpointSign.QUEUE_MEMBER: N_("a member of a queue"),
    EndpointSign.FIXED_ADDRESS: N_("has a fixed address"),
    EndpointSign.NOTHING: N_("nothing tells what it is"),
}


@dataclass(frozen=True, slots=True)
class Devices:
    """The endpoints of one PBX, as the page lists them. `open`: may be somebody's phone and is nobody's yet."""

    open: list[Endpoint]
    mapped: int
    trunks: list[Endpoint]
    others: list[Endpoint]


async def pbx_page(request: web.Request) -> web.Response:
    """Each link: its state, since when, and why; for admins what it can do and what is connected to it."""
    return _show(request)


async def retry_link(request: web.Request) -> web.Response:
    """Connect anew at once."""
    viewer(request).must_administer()
    _desk(request).retry()
    raise web.HTTPSeeOther("/pbx")


async def map_device(request: web.Request) -> web.Response:
    """Make a phone of a PBX somebody's."""
    viewer(request).must_administer()
    services, name = request_services(request), request.match_info["name"]
    _desk(request)
    given = await typed(request, "extension", "person")
    try:
        where = name if len(services.pbx()) > 1 else ""
        await give_extension(services.database, _person_id(given["person"]), given["extension"], where)
    except Invalid as error:
        return _show(request, given | {"pbx": name}, messages(request, error))
    raise web.HTTPSeeOther("/pbx?saved=1")


async def lamp_part(request: web.Request) -> web.Response:
    """The lamp in the bar."""
    return page(request, "parts/lamp.html", section="")


def devices_of(report: PbxReport) -> Devices:
    """The endpoints, each where an admin looks for it."""
    nobodys = [each for each in report.endpoints if each.sign is not EndpointSign.PERSON]
    may_be_phones = [each for each in nobodys if each.kind is EndpointKind.PHONE or each.sign is EndpointSign.NOTHING]
    return Devices(
        open=sorted(may_be_phones, key=lambda each: (each.kind is not EndpointKind.PHONE, each.device)),
        mapped=len(report.endpoints) - len(nobodys),
        trunks=[each for each in nobodys if each.kind is EndpointKind.TRUNK],
        others=[each for each in nobodys if each.sign is EndpointSign.NO_NUMBER],
    )


def _show(
    request: web.Request, given: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> web.Response:
    services = request_services(request)
    if viewer(request).role is not Role.ADMIN:
        links = sorted(services.pbx().items())
        if wants_part(request):
            return part(request, "pbx/links.html", links=links)
        return page(request, "pbx/page.html", section="pbx", links=links)
    now = services.now()
    reports = [desk.report(now) for _, desk in sorted(services.desks.items())]
    if wants_part(request):
        return part(request, "pbx/live.html", reports=reports, folders=services.folders(), now=now)
    return page(
        request,
        "pbx/admin.html",
        section="pbx",
        status=422 if errors else 200,
        reports=[(report, devices_of(report)) for report in reports],
        folders=services.folders(),
        people=[row for row in services.directory().rows if row.active],
        dialplan=services.dialplan(),
        saved="saved" in request.query,
        signs=SIGNS,
        now=now,
        given=given or {},
        errors=errors or {},
    )


def _desk(request: web.Request) -> PbxDesk:
    return request_services(request).desks.get(request.match_info["name"]) or _none()


def _none() -> NoReturn:
    raise NotFound("there is no such page")


def _person_id(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or not 1 <= int(text) <= LARGEST_ID:
        raise Invalid("person", "choose somebody")
    return int(text)
