from __future__ import annotations

import pytest

from tests.web.world import World
from zeoncrm.pipeline import call_events as pbx
from zeoncrm.pipeline.dialling import CALLS_A_MINUTE

CALL_FIELDS = [
    *("id", "pbx", "direction", "number", "number_raw", "caller_name", "did", "queue", "state", "result"),
    *("answered_by", "last_extension", "answered_outside", "reached", "contact_id", "deal_id", "owner"),
    *("started_at", "answered_at", "ended_at", "wait_seconds", "talk_seconds", "recording", "source", "legs"),
]


async def test_a_call_is_told_with_the_contracts_fields_in_their_order(world: World) -> None:
    call = await world.ring("101", "102", name="Ivan")
    world.clock.tick(seconds=4)
    await world.answer(call, "101")
    world.clock.tick(seconds=61)
    await world.end(call)
    told = (await (await world.api("anna")).get(f"/api/v1/calls/{call}")).json
    assert list(told)[: len(CALL_FIELDS)] == CALL_FIELDS
    assert {name: told[name] for name in ("number", "number_raw", "caller_name", "state", "result", "owner")} == {
        "number": "+79031112233",
        "number_raw": "79031112233",
        "caller_name": "Ivan",
        "state": "ended",
        "result": "answered",
        "owner": "anna",
    }
    assert (told["started_at"], told["answered_at"]) == ("2026-03-02T12:00:00Z", "2026-03-02T12:00:04Z")
    assert (told["wait_seconds"], told["talk_seconds"], told["source"]) == (4, 61, "live")
    assert told["legs"] == [
        {
            "extension": "101",
            "rang_at": "2026-03-02T12:00:00Z",
            "answered_at": "2026-03-02T12:00:04Z",
            "left_at": "2026-03-02T12:01:05Z",
            "outcome": "answered",
            "rings": 1,
        },
        {
            "extension": "102",
            "rang_at": "2026-03-02T12:00:00Z",
            "answered_at": None,
            "left_at": "2026-03-02T12:01:05Z",
            "outcome": "answered_elsewhere",
            "rings": 1,
        },
    ]


async def test_calls_are_listed_newest_first_page_by_page(world: World) -> None:
    made = []
    for _ in range(5):
        made.append(await world.ring("101"))
        world.clock.tick(seconds=1)
    program = await world.api("anna")
    seen, path = [], "/api/v1/calls?limit=2"
    while True:
        page = (await program.get(path)).json
        assert list(page) == ["items", "next"]
        seen += [call["id"] for call in page["items"]]
        if page["next"] is None:
            break
        path = f"/api/v1/calls?limit=2&cursor={page['next']}"
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "written", ["8 903 111-22-33", "+79031112233", "79031112233", "9031112233", "%2B7(903)1112233"]
)
async def test_calls_are_found_by_number_however_it_is_written(world: World, written: str) -> None:
    call = await world.ring("101")
    await world.ring("101", number="+79039998877")
    page = (await (await world.api("anna")).get(f"/api/v1/calls?number={written}&state=&since=")).json
    assert [each["id"] for each in page["items"]] == [call]


async def test_calls_are_narrowed_by_state_and_time(world: World) -> None:
    ended = await world.ring("101")
    await world.end(ended, pbx.CallResult.MISSED)
    world.clock.tick(hours=1)
    running = await world.ring("101")
    program = await world.api("anna")
    for query, expected in (
        ("state=ended", [ended]),
        ("state=ringing", [running]),
        ("result=missed", [ended]),
        ("since=2026-03-02T12:30:00Z", [running]),
        ("since=2026-03-02T15:30:00+03:00", [running]),
        ("direction=outbound", []),
    ):
        page = (await program.get(f"/api/v1/calls?{query}")).json
        assert [each["id"] for each in page["items"]] == expected, query


async def test_click_to_call_rings_ones_own_phone_then_the_number(world: World) -> None:
    deal = await world.deal("anna")
    program = await world.api("anna")
    answer = await program.post("/api/v1/calls", json={"number": "8 (903) 111-22-33", "deal_id": deal.id})
    call = answer.json
    assert answer.status == 202
    assert (call["direction"], call["state"], call["number"]) == ("outbound", "ringing", "+79031112233")
    assert (call["deal_id"], call["owner"], call["progress"]) == (deal.id, "anna", "own_phone")
    assert world.phone.orders == [("call", call["id"], "101", "+79031112233")]


async def test_click_to_call_is_refused_at_once_when_the_pbx_is_away(world: World) -> None:
    world.phone.is_up = False
    program = await world.api("anna")
    answer = await program.post("/api/v1/calls", json={"number": "+79031112233"})
    assert (answer.status, answer.headers["Content-Type"]) == (409, "application/problem+json; charset=utf-8")
    assert (await program.get("/api/v1/calls")).json["items"] == []


@pytest.mark.parametrize(
    "number", ["500&PJSIP/101", "abc", "+1 212 555 0100", "", "7903;1112233", "+7903111@22", "112", "+7 809 123 45 67"]
)
async def test_a_number_that_is_none_or_not_allowed_is_refused_by_name(world: World, number: str) -> None:
    answer = await (await world.api("anna")).post("/api/v1/calls", json={"number": number})
    assert (answer.status, answer.json["field"]) == (422, "number")
    assert world.phone.orders == []


async def test_who_has_no_extension_is_told_so(world: World) -> None:
    answer = await (await world.api("ada")).post("/api/v1/calls", json={"number": "+79031112233"})
    assert (answer.status, answer.json["field"]) == (422, "extension")


async def test_too_many_calls_in_a_minute_are_refused(world: World) -> None:
    program = await world.api("anna")
    statuses = [
        (await program.post("/api/v1/calls", json={"number": f"+790311122{last}"})).status
        for last in range(10, CALLS_A_MINUTE + 11)
    ]
    assert statuses == [202] * CALLS_A_MINUTE + [429]
    refused = await program.post("/api/v1/calls", json={"number": "+79031112299"})
    assert 0 < int(refused.headers["Retry-After"]) <= 61


async def test_ones_own_call_is_ended_and_handed_on(world: World) -> None:
    call = await world.ring("101")
    await world.answer(call, "101")
    program = await world.api("anna")
    for path, body, order in (
        ("transfer", {"to": "102", "kind": "blind"}, ("transfer", call, "101", "102", False)),
        ("transfer", {"to": "8 903 999-88-77", "kind": "attended"}, ("transfer", call, "101", "+79039998877", True)),
        ("hangup", None, ("hang up", call, None)),
    ):
        answer = await program.post(f"/api/v1/calls/{call}/{path}", json=body)
        assert (answer.status, answer.json["id"]) == (202, call)
        assert world.phone.orders[-1] == order
    for to in ("101&102", "112", "101", "123456", "*8", "00"):
        answer = await program.post(f"/api/v1/calls/{call}/transfer", json={"to": to})
        assert (answer.status, answer.json["field"]) == (422, "to"), to
    assert (await program.post(f"/api/v1/calls/{call}/transfer", json={"to": "800"})).status == 202
    assert world.phone.orders[-1] == ("transfer", call, "101", "800", False)


async def test_a_consultation_is_shown_and_is_its_own_person_s_to_end(world: World) -> None:
    call = await world.ring("101")
    await world.answer(call, "101")
    await world.tell(
        pbx.ConsultChanged(call_id=call, at=world.clock(), consult=pbx.Consult("101", "102", talking=True))
    )
    anna, boris, sveta = [await world.api(login) for login in ("anna", "boris", "sveta")]
    shown = (await anna.get(f"/api/v1/calls/{call}")).json["consult"]
    assert shown == {"extension": "101", "other": "102", "talking": True}
    for step in ("complete", "cancel"):
        for other in (boris, sveta):
            assert (await other.post(f"/api/v1/calls/{call}/transfer/{step}")).status == 404
        assert (await anna.post(f"/api/v1/calls/{call}/transfer/{step}")).status == 202
        assert world.phone.orders[-1] == (step, call, "101")
    ended = await world.end(call)
    assert ended.call.consult is None


async def test_a_caller_on_hold_is_shown_as_such_until_they_are_talked_with_again(world: World) -> None:
    call = await world.ring("101")
    await world.answer(call, "101")
    program = await world.api("sveta")

    async def shown(*holds: pbx.Hold) -> object:
        await world.tell(pbx.HoldChanged(call_id=call, at=world.clock(), holds=holds))
        world.watch.look()
        anna = (await program.get("/api/v1/presence")).json["items"][0]
        told = (await program.get(f"/api/v1/calls/{call}")).json
        return told["state"], told["on_hold"], anna["state"], anna["on_hold_since"]

    noon = "2026-03-02T12:00:00Z"
    held = ("talking", [{"extension": "101", "since": noon}], "talking", noon)
    assert await shown(pbx.Hold("101", world.clock())) == held
    assert await shown() == ("talking", [], "talking", None)
    await shown(pbx.Hold("101", world.clock()))
    assert (await world.end(call)).call.on_hold == ()


async def test_the_call_belongs_to_whom_it_was_handed_to(world: World) -> None:
    call = await world.ring("101")
    await world.answer(call, "101")
    await world.tell(
        pbx.LegEnded(call_id=call, at=world.clock(), extension="101", outcome=pbx.LegOutcome.ANSWERED),
        pbx.LegAnswered(call_id=call, at=world.clock(), extension="102"),
    )
    anna, boris = await world.api("anna"), await world.api("boris")
    assert (await anna.post(f"/api/v1/calls/{call}/hangup")).status == 404
    assert (await boris.post(f"/api/v1/calls/{call}/hangup")).status == 202


async def test_who_talks_along_with_a_colleague_leaves_the_call_to_them(world: World) -> None:
    call = await world.ring("101")
    await world.answer(call, "101")
    await world.answer(call, "102")
    anna, boris, sveta = [await world.api(login) for login in ("anna", "boris", "sveta")]
    for program, extension in ((anna, "101"), (boris, "102"), (sveta, None)):
        assert (await program.post(f"/api/v1/calls/{call}/hangup")).status == 202
        assert world.phone.orders[-1] == ("hang up", call, extension)
    await world.tell(pbx.LegEnded(call_id=call, at=world.clock(), extension="102", outcome=pbx.LegOutcome.ANSWERED))
    assert (await anna.post(f"/api/v1/calls/{call}/hangup")).status == 202
    assert world.phone.orders[-1] == ("hang up", call, None)


async def test_a_call_that_is_over_can_not_be_ended(world: World) -> None:
    call = await world.ring("101")
    await world.end(call, pbx.CallResult.MISSED)
    assert (await (await world.api("sveta")).post(f"/api/v1/calls/{call}/hangup")).status == 404


@pytest.mark.postgres
async def test_postgres_gives_the_same(postgres_world: World) -> None:
    call = await postgres_world.ring("101", name="Ivan")
    await postgres_world.answer(call, "101")
    program = await postgres_world.api("anna")
    page = (await program.get("/api/v1/calls?number=89031112233")).json
    assert [(each["id"], each["started_at"]) for each in page["items"]] == [(call, "2026-03-02T12:00:00Z")]
    card = (await program.get(f"/api/v1/calls/{call}/card")).json
    assert (card["contact"]["name"], card["deal"]["title"]) == ("Ivan", "Ivan")
