from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.web.world import World
from zeoncrm.pipeline.stages import get_pipeline

DEAL_FIELDS = [
    *("id", "title", "type", "pipeline_id", "stage_id", "owner", "contact_id", "company_id", "amount", "currency"),
    *("source", "priority", "created_at", "stage_entered_at", "closed_at", "version"),
]


async def stage_ids(world: World) -> list[int]:
    """The stages of the default pipeline in order."""
    return [stage.id for stage in (await get_pipeline(world.database, None)).stages]


async def test_a_deal_is_made_and_told_with_the_contracts_fields(world: World) -> None:
    program = await world.api("anna")
    answer = await program.post("/api/v1/deals", json={"title": "Windows", "amount": "86000.5"})
    deal = answer.json
    assert answer.status == 201
    assert list(deal)[: len(DEAL_FIELDS)] == DEAL_FIELDS
    first = (await stage_ids(world))[0]
    assert (deal["title"], deal["owner"], deal["stage_id"], deal["amount"]) == ("Windows", "anna", first, "86000.50")
    assert (deal["currency"], deal["version"], deal["created_at"]) == ("RUB", 1, "2026-03-02T12:00:00Z")
    assert (await program.get(f"/api/v1/deals/{deal['id']}")).json == deal


async def test_a_stale_change_gets_the_deal_as_it_is(world: World) -> None:
    deal, stages = await world.deal("anna"), await stage_ids(world)
    program = await world.api("anna")
    path = f"/api/v1/deals/{deal.id}"
    moved = await program.patch(path, {"stage_id": stages[2], "version": 1})
    assert (moved.status, moved.json["stage_id"], moved.json["version"]) == (200, stages[2], 2)
    stale = await program.patch(path, {"stage_id": stages[3], "version": 1})
    assert (stale.status, stale.json["status"], stale.json["deal"]) == (409, 409, moved.json)
    assert (await program.get(path)).json == moved.json


async def test_a_change_without_a_version_is_refused_by_name(world: World) -> None:
    deal = await world.deal("anna")
    answer = await (await world.api("anna")).patch(f"/api/v1/deals/{deal.id}", {"title": "Doors"})
    assert (answer.status, answer.json["field"]) == (422, "version")
    assert answer.json["errors"] == [{"field": "version", "message": "this is required"}]
    assert list(answer.json)[:4] == ["type", "title", "status", "detail"]


async def test_only_what_is_given_is_changed_and_null_empties(world: World) -> None:
    deal = await world.deal("anna", next_step="call", source="site")
    program = await world.api("anna")
    answer = await program.patch(f"/api/v1/deals/{deal.id}", {"next_step": None, "version": 1})
    assert (answer.json["next_step"], answer.json["source"], answer.json["title"]) == (None, "site", "Windows")


async def test_a_deal_that_went_to_a_colleague_meanwhile_is_gone(world: World) -> None:
    deal = await world.deal("anna")
    await (await world.api("sveta")).patch(f"/api/v1/deals/{deal.id}", {"owner": "boris", "version": 1})
    answer = await (await world.api("anna")).patch(f"/api/v1/deals/{deal.id}", {"title": "x", "version": 1})
    assert answer.status == 404


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"title": "x", "colour": "red"}, "colour"),
        ({"title": "x", "amount": "-1"}, "amount"),
        ({"title": "x", "amount": "1.234"}, "amount"),
        ({"title": "x", "amount": "NaN"}, "amount"),
        ({"title": "x", "amount": "1e400"}, "amount"),
        ({"title": "x", "amount": "lots"}, "amount"),
        ({"title": "x", "currency": "roubles"}, "currency"),
        ({"title": "x", "currency": "RUB\n"}, "currency"),
        ({"title": "x", "stage_id": 999}, "stage_id"),
        ({"title": "x", "stage_id": 2**63}, "stage_id"),
        ({"title": "x", "contact_id": 2**70}, "contact_id"),
        ({"title": "x", "contact_id": 77}, "contact_id"),
        ({"title": "x", "company_id": 77}, "company_id"),
        ({"title": "x", "owner": "boris"}, "owner"),
        ({"title": "x", "owner": "nobody"}, "owner"),
        ({"title": "x", "priority": "urgent"}, "priority"),
        ({"title": "x", "next_step_at": "2026-03-02T12:00:00"}, "next_step_at"),
        ({"title": "x", "next_step_at": "0001-01-01T00:00:00+14:00"}, "next_step_at"),
        ({"title": "x", "type": "y" * 65}, "type"),
        ([], "body"),
        ("text", "body"),
    ],
)
async def test_a_value_that_can_not_be_taken_is_named(world: World, body: Any, field: str) -> None:
    answer = await (await world.api("anna")).post("/api/v1/deals", json=body)
    assert (answer.status, answer.json["field"]) == (422, field)
    assert answer.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("body", [b"{", b"", b'{"title": "\\ud800"}', b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_no_json_is_told_so(world: World, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await (await world.api("anna")).post("/api/v1/deals", data=body, headers=headers)
    assert (answer.status, answer.json["field"]) == (400, "body")


async def test_a_body_of_another_kind_is_refused(world: World) -> None:
    assert (await (await world.api("anna")).post("/api/v1/deals", data=b"title=x")).status == 415


@pytest.mark.parametrize("text", ["0", "-1", "x", "99999999999999999999", "9223372036854775808", "1%00", "%D9%A3"])
async def test_an_id_that_nothing_can_have_is_not_found(world: World, text: str) -> None:
    program = await world.api("sveta")
    for path in ("deals", "contacts", "calls", "board"):
        assert (await program.get(f"/api/v1/{path}/{text}")).status == 404


@pytest.mark.parametrize(
    "query, status, field",
    [
        ("limit=0", 422, "limit"),
        ("limit=x", 422, "limit"),
        ("limit=-5", 422, "limit"),
        ("cursor=x", 400, "cursor"),
        ("cursor=WyJ4Il0", 400, "cursor"),
        ("cursor=WzFlMzBd", 400, "cursor"),
        ("cursor=%00", 422, "cursor"),
        ("colour=red", 422, "colour"),
        ("stage_id=99999999999999999999", 422, "stage_id"),
        ("owner=nobody", 422, "owner"),
        ("q=%00", 422, "q"),
        ("q=%ED%A0%80", 200, None),
        ("q=%25_%5C", 200, None),
        ("limit=100000", 200, None),
    ],
)
async def test_a_query_that_can_not_be_read_is_named(world: World, query: str, status: int, field: str | None) -> None:
    answer = await (await world.api("anna")).get(f"/api/v1/deals?{query}")
    assert (answer.status, answer.json.get("field")) == (status, field)


async def test_deals_are_narrowed_by_stage_owner_and_words(world: World) -> None:
    stages = await stage_ids(world)
    contact = await world.contact("anna")
    first = await world.deal("anna", title="Окна", contact_id=contact.id)
    second = await world.deal("boris", title="Doors", stage_id=stages[3])
    program = await world.api("sveta")
    for query, expected in (
        ("", [second.id, first.id]),
        ("owner=anna", [first.id]),
        ("owner=-", []),
        (f"stage_id={stages[3]}", [second.id]),
        ("q=окн", [first.id]),
        ("q=8 903 111-22-33", [first.id]),
        ("pipeline_id=77", []),
        ("limit=1", [second.id]),
    ):
        assert [deal["id"] for deal in (await program.get(f"/api/v1/deals?{query}")).json["items"]] == expected, query


async def test_notes_and_changes_stand_in_the_timeline_newest_first(world: World) -> None:
    deal, stages = await world.deal("anna"), await stage_ids(world)
    program = await world.api("anna")
    path = f"/api/v1/deals/{deal.id}"
    assert (await program.post(f"{path}/notes", json={"text": "asks for a discount"})).status == 204
    await program.patch(path, {"stage_id": stages[1], "version": 1})
    entries = (await program.get(f"{path}/timeline")).json["items"]
    assert [entry["kind"] for entry in entries] == ["moved", "note", "created"]
    assert entries[0]["data"] == {"from": "Unsorted", "to": "Opportunity"}
    assert (entries[1]["text"], entries[1]["author"]) == ("asks for a discount", "Anna Ivanova")
    empty = await program.post(f"{path}/notes", json={"text": "  "})
    assert (empty.status, empty.json["field"]) == (422, "text")


async def test_the_board_counts_sums_and_shows_the_newest_first(world: World) -> None:
    stages = await stage_ids(world)
    deals = []
    for number in range(3):
        deals.append(await world.deal("anna", title=f"Deal {number}", amount=Decimal(100 + number), stage_id=stages[1]))
        world.clock.tick(seconds=1)
    await world.deal("boris", title="Boris's", stage_id=stages[1])
    program = await world.api("anna")
    board = (await program.get("/api/v1/board/1?limit=2")).json
    column = board["columns"][1]
    assert [each["stage"]["kind"] for each in board["columns"]] == ["unsorted"] + ["open"] * 5 + ["won", "lost"]
    assert (column["count"], column["sum"], column["sums"]) == (3, "303.00", {"RUB": "303.00"})
    assert [deal["id"] for deal in column["items"]] == [deals[2].id, deals[1].id]
    rest = (await program.get(f"/api/v1/board/1?stage_id={stages[1]}&cursor={column['next']}")).json
    assert ([deal["id"] for deal in rest["items"]], rest["next"]) == ([deals[0].id], None)
    assert board["open"] == {"count": 3, "sum": "303.00", "sums": {"RUB": "303.00"}}
    everybodys = (await (await world.api("sveta")).get("/api/v1/board/1")).json
    assert everybodys["columns"][1]["count"] == 4
    assert (await program.get("/api/v1/board/77")).status == 404
    assert (await program.get("/api/v1/board/1?stage_id=77")).status == 404


async def test_pipelines_are_told_with_their_stages(world: World) -> None:
    items = (await (await world.api("anna")).get("/api/v1/pipelines")).json["items"]
    assert [item["name"] for item in items] == ["Sales"]
    assert items[0]["stages"][0] == {"id": 1, "name": "Unsorted", "kind": "unsorted", "position": 0}


async def test_who_asks_is_told_who_they_are(world: World) -> None:
    me = (await (await world.api("anna")).get("/api/v1/me")).json
    assert {name: me[name] for name in ("login", "name", "role", "extensions")} == {
        "login": "anna",
        "name": "Anna Ivanova",
        "role": "rep",
        "extensions": ["101"],
    }


@pytest.mark.postgres
async def test_postgres_gives_the_same(postgres_world: World) -> None:
    world = postgres_world
    contact = await world.contact("anna")
    deal = await world.deal("anna", title="Окна", contact_id=contact.id, amount=Decimal("86000.5"))
    program = await world.api("anna")
    path = f"/api/v1/deals/{deal.id}"
    moved = await program.patch(path, {"version": 1, "stage_id": 3, "next_step_at": "2026-03-03T12:00:00+03:00"})
    assert (moved.json["version"], moved.json["next_step_at"]) == (2, "2026-03-03T09:00:00Z")
    assert (await program.patch(path, {"version": 1, "stage_id": 4})).json["deal"] == moved.json
    assert (await program.post(f"{path}/notes", json={"text": "asks"})).status == 204
    kinds = [entry["kind"] for entry in (await program.get(f"{path}/timeline")).json["items"]]
    assert (kinds[0], kinds[-1]) == ("note", "created")
    column = (await program.get("/api/v1/board/1?stage_id=3&q=ОКНА")).json
    assert (column["count"], column["sum"], column["items"]) == (1, "86000.50", [moved.json])
    assert (await (await world.api("boris")).get(path)).status == 404
    assert (await program.get(f"/api/v1/deals/{2**63 - 1}")).status == 404
    refused = await program.post("/api/v1/deals", json={"title": "a\0b"})
    assert (refused.status, refused.json["field"]) == (422, "title")
