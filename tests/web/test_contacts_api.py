from __future__ import annotations

from typing import Any

import pytest

from tests.web.world import World

CONTACT_FIELDS = ["id", "name", "phones", "owner", "company_id", "created_at", "version"]


async def test_a_contact_is_made_with_its_numbers_as_they_were_written(world: World) -> None:
    program = await world.api("anna")
    body = {"name": "Ivan Petrov", "phones": [{"number": "8 903 111-22-33", "label": "mobile"}], "company": "Stroy"}
    answer = await program.post("/api/v1/contacts", json=body)
    contact = answer.json
    assert answer.status == 201
    assert list(contact)[: len(CONTACT_FIELDS)] == CONTACT_FIELDS
    assert contact["phones"] == [{"number": "+79031112233", "raw": "8 903 111-22-33", "label": "mobile"}]
    assert (contact["owner"], contact["company"], contact["version"]) == ("anna", "Stroy", 1)
    assert (await program.get(f"/api/v1/contacts/{contact['id']}")).json == contact
    for written in ("79031112233", "9031112233", "8(903)1112233"):
        found = (await program.get(f"/api/v1/contacts?phone={written}")).json["items"]
        assert [each["id"] for each in found] == [contact["id"]]


async def test_a_stale_change_gets_the_contact_as_it_is(world: World) -> None:
    contact = await world.contact("anna")
    program = await world.api("anna")
    path = f"/api/v1/contacts/{contact.id}"
    changed = await program.patch(path, {"version": 1, "name": "Pyotr", "phones": [{"number": "+79039998877"}]})
    assert (changed.status, changed.json["version"]) == (200, 2)
    stale = await program.patch(path, {"version": 1, "name": "Ivan"})
    assert (stale.status, stale.json["contact"]) == (409, changed.json)
    assert (await program.get("/api/v1/contacts?phone=79031112233")).json["items"] == []


@pytest.mark.parametrize(
    "body, field",
    [
        ({"name": ""}, "name"),
        ({"name": "x", "phones": [{"number": "abc"}]}, "phones"),
        ({"name": "x", "phones": [{"label": "mobile"}]}, "phones.0"),
        ({"name": "x", "phones": [{"number": "1" * 65}]}, "phones.0.number"),
        ({"name": "x", "phones": [{"number": "+79031112233", "kind": "x"}]}, "phones.0.kind"),
        ({"name": "x", "phones": "79031112233"}, "phones"),
        ({"name": "x", "phones": [{"number": f"+7903111{n:04}"} for n in range(21)]}, "phones"),
        ({"name": "x", "company_id": 77}, "company_id"),
        ({"name": "x", "company": "y" * 201}, "company"),
        ({"name": "x", "owner": "boris"}, "owner"),
        ({"name": "x", "id": 7}, "id"),
    ],
)
async def test_a_value_that_can_not_be_taken_is_named(world: World, body: Any, field: str) -> None:
    answer = await (await world.api("anna")).post("/api/v1/contacts", json=body)
    assert (answer.status, answer.json["field"]) == (422, field)


async def test_a_contacts_timeline_has_its_notes_and_calls(world: World) -> None:
    contact = await world.contact("anna")
    call = await world.ring("101")
    await world.answer(call, "101")
    program = await world.api("anna")
    path = f"/api/v1/contacts/{contact.id}"
    assert (await program.post(f"{path}/notes", json={"text": "likes tea"})).status == 204
    entries = (await program.get(f"{path}/timeline")).json["items"]
    assert {"note", "call", "created"} == {entry["kind"] for entry in entries}
    told = next(entry for entry in entries if entry["kind"] == "call")
    assert (told["call_id"], told["call"]["id"]) == (call, call)


async def test_the_last_page_has_no_next(world: World) -> None:
    for number in range(3):
        await world.contact("anna", name=f"Contact {number}", number=f"+7903111223{number}")
    program = await world.api("anna")
    first = (await program.get("/api/v1/contacts?limit=2")).json
    last = (await program.get(f"/api/v1/contacts?limit=2&cursor={first['next']}")).json
    assert [each["name"] for each in first["items"] + last["items"]] == ["Contact 2", "Contact 1", "Contact 0"]
    assert last["next"] is None


async def test_phones_are_taken_as_they_were_given_out(world: World) -> None:
    program = await world.api("anna")
    body = {"name": "Ivan Petrov", "phones": [{"number": "8 903 111-22-33", "label": "mobile"}]}
    contact = (await program.post("/api/v1/contacts", json=body)).json
    path = f"/api/v1/contacts/{contact['id']}"

    kept = (await program.patch(path, {"version": 1, "phones": contact["phones"]})).json["phones"]
    changed = [{**contact["phones"][0], "number": "+79165556677"}]
    edited = (await program.patch(path, {"version": 2, "phones": changed})).json["phones"]

    assert kept == contact["phones"]
    assert edited == [{"number": "+79165556677", "raw": "+79165556677", "label": "mobile"}]


async def test_a_supervisor_erases_a_contact(world: World) -> None:
    contact = await world.contact("anna")
    supervisor, rep = await world.api("sveta"), await world.api("anna")
    path = f"/api/v1/contacts/{contact.id}"
    call = await world.ring("101")
    await world.answer(call, "101")
    busy = await supervisor.request("DELETE", path)
    assert (busy.status, busy.json["detail"][:22]) == (409, "a call with them goes ")
    await world.end(call)
    refused = await rep.request("DELETE", path)
    assert (refused.status, (await rep.get(path)).status) == (403, 200)
    assert (await supervisor.request("DELETE", path)).status == 204
    assert (await supervisor.get(path)).status == 404
    kept = (await supervisor.get(f"/api/v1/calls/{call}")).json
    assert (kept["number"], kept["contact_id"], kept["result"]) == (None, None, "answered")
    assert (await supervisor.get(f"/api/v1/deals/{kept['deal_id']}")).json["title"] == "Erased contact"
