"""What stands around every page of somebody who is logged in: the bar, the PBX lamp, the call panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.rendering import render
from zeoncrm.web.services import PbxStatus


def page(request: web.Request, template: str, *, section: str, status: int = 200, **context: Any) -> web.Response:
    """A page in its frame. `section`: which place of the bar it belongs to."""
    return render(request, template, status=status, section=section, **frame_context(request), **context)


def part(request: web.Request, template: str, **context: Any) -> web.Response:
    """A part of a page, without the frame."""
    return render(request, template, currency=request_services(request).settings().currency, **context)


def wants_part(request: web.Request) -> bool:
    """Whether a script of ours asks, for the inner part only."""
    return "HX-Request" in request.headers


def frame_context(request: web.Request) -> dict[str, Any]:
    """What the frame's templates need."""
    services, person = request_services(request), viewer(request)
    directory = services.directory()
    known = directory.by_id.get(person.id)
    state, reason = pbx_lamp(services.pbx())
    return {
        "my_extensions": [list(pair) for pair in known.extensions] if known else [],
        "presence": own_presence(request),
        "currency": services.settings().currency,
        "pbx_state": state,
        "pbx_reason": reason,
    }


def own_presence(request: web.Request) -> dict[str, Any]:
    """How the viewer stands at the phone; no state without one."""
    services, person = request_services(request), viewer(request)
    known = next((each for each in services.watch.presence if each.person_id == person.id), None)
    row = services.directory().by_id.get(person.id)
    return {"state": known.state.value if known else "", "away": row is not None and row.away}


def pbx_lamp(links: Mapping[str, PbxStatus]) -> tuple[str, str | None]:
    """All links in one: up when all are, down when one is (without any link, too), with the reason."""
    for name, link in links.items():
        if link.state in ("down", "auth-failed"):
            return "down", f"{name}: {link.reason or link.state}"
    if any(link.state != "up" for link in links.values()):
        return "connecting", None
    return ("up", None) if links else ("down", None)
