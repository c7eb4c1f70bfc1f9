"""The card, the note, the deal and the wrap-up of a call, as the pop-up uses them."""

from __future__ import annotations

from decimal import Decimal

from tests.web.client import Client
from tests.web.world import World
from zeoncrm.pipeline.settings import CallSettings, DealCreation


async def test_the_card_tells_who_calls_before_anybody_answers(world: World) -> None:
    contact = await world.contact("anna")
    deal = await world.deal("anna", contact_id=contact.id, next_step="call back", amount=Decimal(86000))
    program = await world.api("anna")
    await program.post(f"/api/v1/deals/{deal.id}/notes", json={"text": "asks for a discount"})
    before = await world.ring("101")
    await world.answer(before, "101")
    await world.end(before)
    call = await world.ring("101", "102")
    card = (await program.get(f"/api/v1/calls/{call}/card")).json
    assert (card["call"]["id"], card["call"]["state"], card["call"]["did"]) == (call, "ringing", "4952150000")
    assert card["number_national"] == "8 (903) 111-22-33"
    assert (card["contact"]["id"], card["contact"]["name"]) == (contact.id, "Ivan Petrov")
    assert (card["deal"]["id"], card["deal"]["stage"], card["next_step"]) == (deal.id, "Unsorted", "call back")
    assert [note["text"] for note in card["notes"]] == ["asks for a discount"]
    assert [each["id"] for each in card["calls"]] == [before]


async def test_a_strangers_card_has_the_number_and_name_alone(world: World) -> None:
    call = await world.ring("101", name="Ivan")
    card = (await (await world.api("anna")).get(f"/api/v1/calls/{call}/card")).json
    assert (card["call"]["caller_name"], card["contact"], card["deal"]) == ("Ivan", None, None)


async def test_the_card_says_where_the_number_is_as_far_as_it_tells(world: World) -> None:
    program = await world.api("anna")
    told = {}
    for number in ("+73832223344", "+79031112233"):
        card = (await program.get(f"/api/v1/calls/{await world.ring('101', number=number)}/card")).json
        told[number] = (card["country"], card["time_zone"])
    assert told == {"+73832223344": ("RU", "Asia/Novosibirsk"), "+79031112233": ("RU", None)}


async def test_a_card_is_for_whom_the_call_concerns(world: World) -> None:
    call = await world.ring("101")
    assert (await (await world.api("boris")).get(f"/api/v1/calls/{call}/card")).status == 404
    assert (await (await world.api("sveta")).get(f"/api/v1/calls/{call}/card")).status == 200


async def test_a_note_saves_itself_again_and_again_and_goes_with_the_call(world: World) -> None:
    call = await world.ring("101")
    program = await world.api("anna")
    for text in ("asks", "asks for a discount"):
        answer = await program.put(f"/api/v1/calls/{call}/note", {"text": text})
        assert (answer.status, answer.json) == (200, {"text": text})
    view = await world.answer(call, "101")
    entries = (await program.get(f"/api/v1/deals/{view.call.deal_id}/timeline")).json["items"]
    assert [entry["text"] for entry in entries if entry["kind"] == "note"] == ["asks for a discount"]
    assert (await program.get(f"/api/v1/calls/{call}/card")).json["note"] == "asks for a discount"
    await program.put(f"/api/v1/calls/{call}/note", {"text": ""})
    assert (await program.get(f"/api/v1/calls/{call}/card")).json["note"] == ""


async def test_a_strangers_call_becomes_a_contact_and_a_deal(world: World) -> None:
    world.settings = CallSettings(create_deals=DealCreation.NEVER)
    call = await world.ring("101", name="Ivan")
    program = await world.api("anna")
    answer = await program.post(f"/api/v1/calls/{call}/deal", json={"title": "Windows"})
    deal = answer.json
    assert (answer.status, deal["title"], deal["owner"], deal["source"]) == (201, "Windows", "anna", "call")
    told = (await program.get(f"/api/v1/calls/{call}")).json
    assert (told["deal_id"], told["contact_id"]) == (deal["id"], deal["contact_id"])
    contact = (await program.get(f"/api/v1/contacts/{deal['contact_id']}")).json
    assert (contact["name"], contact["phones"][0]["number"]) == ("Ivan", "+79031112233")


async def test_the_calls_next_event_does_not_undo_the_deal(world: World) -> None:
    world.settings = CallSettings(create_deals=DealCreation.NEVER)
    call = await world.ring("101", "102")
    program = await world.api("anna")
    deal = (await program.post(f"/api/v1/calls/{call}/deal", json={})).json
    assert deal["title"] == "8 (903) 111-22-33"
    await world.answer(call, "102")
    view = await world.end(call)
    assert (view.call.deal_id, view.deal_owner_id) == (deal["id"], world.person("anna").id)
    assert (await program.get(f"/api/v1/calls/{call}")).json["deal_id"] == deal["id"]


async def test_a_call_on_a_colleagues_deal_gets_no_other_one(world: World) -> None:
    call = await world.ring("101", "102")
    await world.answer(call, "102")
    answer = await (await world.api("anna")).post(f"/api/v1/calls/{call}/deal", json={})
    assert answer.status == 403


async def test_who_answered_a_colleagues_contact_may_make_a_deal_of_it(world: World) -> None:
    world.settings = CallSettings(create_deals=DealCreation.NEVER)
    contact = await world.contact("boris")
    call = await world.ring("101")
    await world.answer(call, "101")
    answer = await (await world.api("anna")).post(f"/api/v1/calls/{call}/deal", json={"title": "Doors"})
    assert (answer.status, answer.json["contact_id"], answer.json["owner"]) == (201, contact.id, "anna")


async def test_the_wrap_up_keeps_note_stage_and_next_step(world: World) -> None:
    call = await world.ring("101")
    await world.answer(call, "101")
    view = await world.end(call)
    program = await world.api("anna")
    body = {"text": "wants an offer", "stage_id": 3, "next_step": "send it", "next_step_at": "2026-03-03T09:00:00Z"}
    path = f"/api/v1/calls/{call}/wrap-up"
    missing = await program.post(path, json=body)
    assert (missing.status, missing.json["field"]) == (422, "version")
    deal = (await program.get(f"/api/v1/deals/{view.call.deal_id}")).json
    answer = await program.post(path, json=body | {"version": deal["version"]})
    assert answer.status == 200
    wrapped = answer.json["deal"]
    assert (wrapped["stage_id"], wrapped["next_step"], wrapped["next_step_at"]) == (
        3,
        "send it",
        "2026-03-03T09:00:00Z",
    )
    stale = await program.post(path, json={"text": "other", "stage_id": 4, "version": deal["version"]})
    assert (stale.status, stale.json["deal"]) == (409, wrapped)
    assert (await program.get(f"/api/v1/calls/{call}/card")).json["note"] == "wants an offer"


async def test_a_note_alone_needs_no_deal(world: World) -> None:
    call = await world.ring("101")
    answer = await (await world.api("anna")).post(f"/api/v1/calls/{call}/wrap-up", json={"text": "wrong number"})
    assert (answer.status, answer.json) == (200, {"text": "wrong number", "deal": None})


# A number that several contacts share


async def test_the_card_asks_which_of_those_who_share_the_number_it_is(world: World) -> None:
    ivan, olga = await world.contact("anna"), await world.contact("anna", name="Olga Petrova")
    call = await world.ring("101")
    program = await world.api("anna")
    assert await _sharing(program, call) == [("Ivan Petrov", True), ("Olga Petrova", False)]
    answer = await program.put(f"/api/v1/calls/{call}/contact", {"contact_id": olga.id})
    assert (answer.status, answer.json["contact"]["name"]) == (200, "Olga Petrova")
    view = await world.answer(call, "101")
    assert view.call.contact_id == olga.id
    deal = (await program.get(f"/api/v1/deals/{view.call.deal_id}")).json
    assert (deal["contact_id"], deal["title"]) == (olga.id, "Olga Petrova")
    await world.end(call)
    later = await world.ring("101")
    assert await _sharing(program, later) == [("Olga Petrova", True), ("Ivan Petrov", False)]
    assert ivan.id != olga.id


async def test_the_deal_that_the_call_made_goes_along_with_the_choice(world: World) -> None:
    await world.contact("anna")
    olga = await world.contact("anna", name="Olga Petrova")
    call = await world.ring("101")
    made = (await world.answer(call, "101")).call.deal_id
    program = await world.api("anna")
    card = (await program.put(f"/api/v1/calls/{call}/contact", {"contact_id": olga.id})).json
    assert (card["deal"]["id"], card["deal"]["contact_id"], card["deal"]["title"]) == (made, olga.id, "Olga Petrova")
    view = await world.end(call)
    assert (view.call.contact_id, view.call.deal_id) == (olga.id, made)


async def test_a_choice_moves_the_call_from_one_contacts_old_deal_to_the_others(world: World) -> None:
    ivan, olga = await world.contact("anna"), await world.contact("anna", name="Olga Petrova")
    old = await world.deal("anna", contact_id=ivan.id)
    other = await world.deal("anna", title="Doors", contact_id=olga.id)
    world.clock.tick(minutes=1)
    call = await world.ring("101")
    assert (await world.answer(call, "101")).call.deal_id == old.id
    program = await world.api("anna")
    card = (await program.put(f"/api/v1/calls/{call}/contact", {"contact_id": olga.id})).json
    assert card["deal"]["id"] == other.id
    assert (await program.get(f"/api/v1/deals/{old.id}")).json["contact_id"] == ivan.id
    entries = (await program.get(f"/api/v1/deals/{other.id}/timeline")).json["items"]
    assert [entry["kind"] for entry in entries if entry["kind"] == "call"] == ["call"]


async def test_only_those_who_have_the_number_can_be_chosen_and_only_by_whom_it_concerns(world: World) -> None:
    contact = await world.contact("anna")
    stranger = await world.contact("anna", name="Somebody Else", number="+79037778899")
    call = await world.ring("101")
    program = await world.api("anna")
    assert await _sharing(program, call) == []
    refused = await program.put(f"/api/v1/calls/{call}/contact", {"contact_id": stranger.id})
    assert (refused.status, refused.json["field"]) == (422, "contact_id")
    other = await world.api("boris")
    assert (await other.put(f"/api/v1/calls/{call}/contact", {"contact_id": contact.id})).status == 404


async def test_a_colleagues_contact_may_be_chosen_and_shows_its_name_alone(world: World) -> None:
    await world.contact("anna")
    olga = await world.contact("boris", name="Olga Petrova")
    call = await world.ring("101")
    program = await world.api("anna")
    card = (await program.put(f"/api/v1/calls/{call}/contact", {"contact_id": olga.id})).json
    assert (card["contact"]["id"], card["contact"]["name"], card["contact"]["phones"]) == (None, "Olga Petrova", [])
    assert [each["chosen"] for each in card["sharing"]] == [True, False]


async def _sharing(program: Client, call: str) -> list[tuple[str, bool]]:
    card = (await program.get(f"/api/v1/calls/{call}/card")).json
    return [(each["name"], each["chosen"]) for each in card["sharing"]]
