"""What a dialplan asks with CURL()."""

from __future__ import annotations

from tests.web.world import World

PATH = "/api/v1/route?number=89031112233&did=4952150000"


async def test_the_answer_is_a_line_that_a_dialplan_can_split(world: World) -> None:
    contact = await world.contact("anna", name="Petrov, Ivan")
    sveta = await world.api("sveta")
    await sveta.patch(f"/api/v1/contacts/{contact.id}", {"version": 1, "vip": True})
    answer = await sveta.get(PATH)
    assert (answer.status, answer.text) == (200, "OK,101,1,0,Petrov Ivan")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert (await sveta.get("/api/v1/route?number=anonymous")).text == "OK,,0,0,"
    assert (await sveta.get("/api/v1/route")).text == "OK,,0,0,"


async def test_json_is_given_to_who_asks_for_it(world: World) -> None:
    await world.contact("anna")
    sveta = await world.api("sveta")
    expected = {"extension": "101", "name": "Ivan Petrov", "vip": False, "blocked": False}
    assert (await sveta.get(f"{PATH}&format=json")).json == expected
    assert (await sveta.get(PATH, headers={"Accept": "application/json"})).json == expected
    assert (await sveta.get(f"{PATH}&format=text", headers={"Accept": "application/json"})).text[:3] == "OK,"


async def test_a_refusal_is_never_taken_for_an_answer(world: World) -> None:
    for client, status in ((await world.api(), 401), (await world.api("anna"), 403)):
        answer = await client.get(PATH)
        assert answer.status == status
        assert not answer.text.startswith("OK")
    answer = await (await world.api("sveta")).get(f"{PATH}&pbx=nowhere")
    assert (answer.status, answer.json["field"]) == (422, "pbx")


async def test_vip_is_a_field_of_a_contact(world: World) -> None:
    contact = await world.contact("anna")
    anna = await world.api("anna")
    assert (await anna.get(f"/api/v1/contacts/{contact.id}")).json["vip"] is False
    changed = await anna.patch(f"/api/v1/contacts/{contact.id}", {"version": 1, "vip": True})
    assert (changed.status, changed.json["vip"]) == (200, True)
    assert (
        'data-toggle-vip aria-pressed="true"'
        in (await (await world.browser("anna")).get(f"/contacts/{contact.id}")).text
    )
