"""Every route there is, for a stranger and for a rep who guesses a colleague's ids. A new one is tested by being."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from tests.web.world import PBX, World
from zeoncrm.pipeline.contacts import add_contact_note
from zeoncrm.pipeline.deals import add_deal_note
from zeoncrm.pipeline.incoming import load_incoming
from zeoncrm.pipeline.people import Viewer
from zeoncrm.pipeline.settings import load_settings
from zeoncrm.pipeline.stages import get_pipeline
from zeoncrm.pipeline.timelines import contact_timeline, deal_timeline
from zeoncrm.store import calls, contacts, deals, people, sessions
from zeoncrm.web.routes import add_routes

PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/static/{fingerprint}/{name}"),
    ("GET", "/api/v1/openapi.json"),
}
# What is there for supervisors only, and no secret of anybody's: it is refused, not hidden.
SUPERVISORS = ("/api/v1/incoming-rules", "/api/v1/listed-numbers")
# Whatever of Boris's work must not reach Anna.
SECRETS = ("Secretive", "Hush", "confidential", "999-88-77", "9039998877", "Undercover")
NUMBER = "+79039998877"


# Each form that changes something which may be somebody else's, as a page sends it.
PERSON = {"name": "Stolen", "role": "admin", "active": "1", "extensions": "101", "password": "a new password"}
FORMS = {
    ("POST", "/deals/{id}/notes"): {"text": "stolen"},
    ("POST", "/contacts/{id}/notes"): {"text": "stolen"},
    ("POST", "/contacts/{id}/erase"): {},
    ("POST", "/settings/calls"): {"create_deals": "never", "currency": "EUR"},
    ("POST", "/settings/incoming/new"): {"name": "Stolen", "callers": "any", "missed_owner": "responsible"},
    ("POST", "/settings/incoming/{id}"): {"name": "Stolen", "callers": "any", "missed_owner": "responsible"},
    ("POST", "/settings/incoming/{id}/move"): {"up": "1"},
    ("POST", "/settings/incoming/numbers"): {"number": "+79039998877", "listing": "blocked"},
    ("POST", "/settings/incoming/numbers/{id}/remove"): {},
    ("POST", "/settings/people/new"): {"login": "stolen", **PERSON},
    ("POST", "/settings/people/{id}"): PERSON,
    ("POST", "/settings/profile/tokens/{id}/revoke"): {},
    ("POST", "/pbx/{name}/retry"): {},
    ("POST", "/pbx/{name}/map"): {"extension": "105", "person": "1"},
}


def _routes() -> list[tuple[str, str]]:
    app = web.Application()
    add_routes(app)
    found = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    return sorted(each for each in found if each[0] != "HEAD")


ROUTES = _routes()


@dataclass(frozen=True)
class Work:
    """What is Boris's."""

    deal_id: int
    contact_id: int
    call_id: str
    live_call_id: str
    stage_id: int
    pipeline_id: int

    def path(self, pattern: str, call_id: str | None = None) -> str:
        """The address of what is Boris's there."""
        first = pattern.removeprefix("/api/v1").split("/")[1]
        ids: dict[str, Any] = {
            "deals": self.deal_id,
            "contacts": self.contact_id,
            "calls": call_id or self.call_id,
            "board": self.pipeline_id,
        }
        known = {
            "id": ids.get(first, 1),
            "deal": self.deal_id,
            "contact": self.contact_id,
            "call": call_id or self.call_id,
            "pipeline": self.pipeline_id,
            "stage": self.stage_id,
            "fingerprint": "x",
            "name": PBX if first == "pbx" else "x",
        }
        return re.sub(r"{(\w+?)(_id)?}", lambda found: str(known[found[1]]), pattern)


@pytest.fixture
async def boris(world: World) -> Work:
    """Boris's contact, deal and calls, of which Anna knows nothing."""
    contact = await world.contact("boris", name="Quentin Secretive", number=NUMBER)
    deal = await world.deal("boris", title="Hush project", contact_id=contact.id, next_step="Undercover visit")
    viewer = world.person("boris")
    await world.token("boris")
    await add_deal_note(world.database, viewer, deal.id, "confidential words", world.clock())
    await add_contact_note(world.database, viewer, contact.id, "confidential too", world.clock())
    call = await world.ring("102", number=NUMBER)
    await world.answer(call, "102")
    await world.end(call)
    live = await world.ring("102", number=NUMBER)
    await world.answer(live, "102")
    pipeline = await get_pipeline(world.database, None)
    return Work(deal.id, contact.id, call, live, pipeline.stages[2].id, pipeline.id)


async def _state(world: World, boris: Work) -> list[Any]:
    """All that Anna might have changed."""
    sveta: Viewer = world.person("sveta")
    async with world.database.read() as connection:
        rows: list[Any] = [
            await deals.one(connection, boris.deal_id),
            await contacts.one(connection, boris.contact_id),
            await calls.one(connection, boris.call_id),
            await calls.one(connection, boris.live_call_id),
        ]
        rows += [await people.everyone(connection), await sessions.tokens_of(connection, world.person("boris").id)]
    rows += [await load_settings(world.database), await load_incoming(world.database)]
    rows.append(await deal_timeline(world.database, sveta, boris.deal_id))
    rows.append(await contact_timeline(world.database, sveta, boris.contact_id))
    return [*rows, list(world.phone.orders), world.desk.retries]


def _bodies(boris: Work) -> dict[tuple[str, str], Any]:
    stage = {"stage_id": boris.stage_id, "version": 1}
    return {
        ("POST", "/api/v1/calls"): {"number": "+79031112233", "deal_id": boris.deal_id},
        ("POST", "/api/v1/calls/{id}/transfer"): {"to": "101"},
        ("PUT", "/api/v1/calls/{id}/note"): {"text": "stolen"},
        ("PUT", "/api/v1/calls/{id}/contact"): {"contact_id": boris.contact_id},
        ("POST", "/api/v1/calls/{id}/deal"): {"title": "stolen"},
        ("POST", "/api/v1/calls/{id}/wrap-up"): {"text": "stolen", **stage},
        ("POST", "/api/v1/calls/{id}/list"): {"listing": "blocked"},
        ("POST", "/api/v1/incoming-rules"): {"name": "stolen"},
        ("PUT", "/api/v1/incoming-rules/order"): {"ids": []},
        ("POST", "/api/v1/listed-numbers"): {"number": NUMBER, "listing": "blocked"},
        ("POST", "/api/v1/contacts"): {"name": "Mine", "phones": [{"number": NUMBER}]},
        ("PATCH", "/api/v1/contacts/{id}"): {"version": 1, "name": "stolen"},
        ("POST", "/api/v1/contacts/{id}/notes"): {"text": "stolen"},
        ("POST", "/api/v1/deals"): {"title": "Mine", "contact_id": boris.contact_id},
        ("PATCH", "/api/v1/deals/{id}"): {"title": "stolen", **stage},
        ("POST", "/api/v1/deals/{id}/notes"): {"text": "stolen"},
    }


@pytest.mark.parametrize("method, pattern", ROUTES)
async def test_a_stranger_is_sent_away(world: World, boris: Work, method: str, pattern: str) -> None:
    answer = await (await world.browser()).request(method, boris.path(pattern))
    if (method, pattern) in PUBLIC:
        assert answer.status in (200, 404, 415)
    elif pattern.startswith("/api/"):
        assert (answer.status, answer.json["status"]) == (401, 401)
    elif method == "GET":
        assert answer.status == 303
        assert answer.headers["Location"].startswith("/login")
    else:
        assert answer.status in (303, 403)
    assert not [secret for secret in SECRETS if secret in answer.text]


@pytest.mark.parametrize("method, pattern", [each for each in ROUTES if each != ("POST", "/logout")])
async def test_a_rep_neither_reads_nor_changes_what_is_a_colleagues(
    world: World, boris: Work, method: str, pattern: str
) -> None:
    before = await _state(world, boris)
    browser = await world.browser("anna")
    body = {} if method == "GET" else {"json": _bodies(boris).get((method, pattern), {})}
    for call_id in (boris.call_id, boris.live_call_id):
        answer = await browser.request(method, boris.path(pattern, call_id), **body)
        leaks_own_input = (method, pattern) == ("POST", "/api/v1/contacts")
        assert not [secret for secret in SECRETS if secret in answer.text and not leaks_own_input]
        if pattern.startswith(SUPERVISORS):
            assert answer.status in (403, 422)
        elif "{id}" in pattern and pattern.startswith("/api/v1"):
            assert (answer.status, answer.json["detail"][:7]) == (404, "no such")
    assert await _state(world, boris) == before


@pytest.mark.parametrize("method, pattern", sorted(FORMS))
async def test_a_rep_changes_nothing_of_others_by_a_pages_form(
    world: World, boris: Work, method: str, pattern: str
) -> None:
    before = await _state(world, boris)
    path = boris.path(pattern) if "/settings/" not in pattern else pattern.format(id=world.person("boris").id)
    answer = await (await world.browser("anna")).request(method, path, data=FORMS[method, pattern])
    assert answer.status in (403, 404)
    assert await _state(world, boris) == before


def test_every_form_that_names_something_is_tried() -> None:
    own = {("POST", "/login"), ("POST", "/logout"), ("POST", "/contacts")}
    own |= {("POST", f"/settings/profile{path}") for path in ("", "/password", "/sessions", "/tokens")}
    assert {each for each in ROUTES if each[0] != "GET" and not each[1].startswith("/api/")} == own | set(FORMS)


async def test_a_supervisor_sees_and_changes_it_all(world: World, boris: Work) -> None:
    program = await world.api("sveta")
    assert (await program.get(f"/api/v1/deals/{boris.deal_id}")).json["title"] == "Hush project"
    assert (await program.get(f"/api/v1/contacts/{boris.contact_id}")).json["name"] == "Quentin Secretive"
    call = (await program.get(f"/api/v1/calls/{boris.call_id}")).json
    assert (call["deal_id"], call["contact_id"]) == (boris.deal_id, boris.contact_id)
    deal = await program.patch(f"/api/v1/deals/{boris.deal_id}", {"version": 1, "owner": "anna"})
    assert (deal.status, deal.json["owner"]) == (200, "anna")


async def test_a_rep_finds_nothing_of_a_colleagues_by_searching(world: World, boris: Work) -> None:
    program = await world.api("anna")
    for path in (
        "/api/v1/deals?q=Hush",
        "/api/v1/deals?owner=boris",
        "/api/v1/contacts?q=Secretive",
        f"/api/v1/contacts?phone={NUMBER[1:]}",
        f"/api/v1/calls?number={NUMBER[1:]}",
        "/api/v1/calls?owner=boris",
        f"/api/v1/calls?contact_id={boris.contact_id}",
        f"/api/v1/board/{boris.pipeline_id}?stage_id=1",
    ):
        answer = await program.get(path)
        assert (answer.status, answer.json["items"]) == (200, [])
    board = (await program.get(f"/api/v1/board/{boris.pipeline_id}?q=Hush")).json
    assert [column["count"] for column in board["columns"]] == [0] * 8
    board = (await program.get(f"/api/v1/board/{boris.pipeline_id}?owner=boris")).json
    assert [column["count"] for column in board["columns"]] == [0] * 8


async def test_whose_phone_rings_learns_the_names_of_a_colleagues_contact_and_no_more(
    world: World, boris: Work
) -> None:
    call = await world.ring("101", "102", number=NUMBER)
    program = await world.api("anna")
    answer = await program.get(f"/api/v1/calls/{call}/card")
    assert answer.json["contact"] == {
        "id": None,
        "name": "Quentin Secretive",
        "company": None,
        "owner": None,
        "owner_name": "Boris Petrov",
        "phones": [],
    }
    assert (answer.json["deal"], answer.json["notes"], answer.json["calls"]) == (None, [], [])
    assert (answer.json["call"]["deal_id"], answer.json["call"]["contact_id"]) == (None, None)
    assert "Hush" not in answer.text
    assert "confidential" not in answer.text


async def test_hearing_a_colleagues_phone_ring_does_not_give_their_contact_away(world: World, boris: Work) -> None:
    call = await world.ring("101", "102", number=NUMBER)
    program = await world.api("anna")
    assert (await program.post(f"/api/v1/calls/{call}/deal", json={})).status == 403
    assert (await program.get(f"/api/v1/contacts/{boris.contact_id}")).status == 404


async def test_dialling_a_colleagues_contact_does_not_give_it_away(world: World, boris: Work) -> None:
    program = await world.api("anna")
    call = (await program.post("/api/v1/calls", json={"number": NUMBER})).json
    assert (call["deal_id"], call["contact_id"]) == (None, None)
    assert (await program.post(f"/api/v1/calls/{call['id']}/deal", json={})).status == 403
    assert (await program.get(f"/api/v1/contacts/{boris.contact_id}")).status == 404


async def test_a_ringing_phone_does_not_let_a_rep_end_the_call_for_all(world: World) -> None:
    call = await world.ring("101", "102")
    program = await world.api("anna")
    assert (await program.post(f"/api/v1/calls/{call}/hangup")).status == 404
    assert world.phone.orders == []
    assert PBX in world.services.telephones
