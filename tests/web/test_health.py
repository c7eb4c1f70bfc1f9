from __future__ import annotations

import pytest

from tests.web.world import World
from zeoncrm.store.errors import StoreError
from zeoncrm.web.services import PbxStatus


async def test_it_is_ready_while_the_database_serves(world: World) -> None:
    answer = await (await world.api()).get("/readyz")
    assert answer.status == 200
    up = {"state": "up", "since": "2026-03-02T12:00:00Z", "reason": None}
    assert answer.json == {"database": "ok", "pbx": {"main": up}}


async def test_a_pbx_that_is_away_is_told_but_the_pages_serve(world: World) -> None:
    world.pbx["main"] = PbxStatus("auth-failed", world.clock(), "wrong password")
    answer = await (await world.api()).get("/readyz")
    assert answer.status == 200
    assert answer.json["pbx"]["main"]["state"] == "auth-failed"


async def test_it_is_not_ready_when_the_database_does_not_serve(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full() -> None:
        raise StoreError("disk is full")

    monkeypatch.setattr(world.database, "check", full)
    answer = await (await world.api()).get("/readyz")
    assert answer.status == 503
    assert answer.json["database"] == "disk is full"
    assert answer.json["pbx"]["main"]["state"] == "up"
    assert (await (await world.api()).get("/healthz")).status == 200


async def test_the_database_is_not_asked_again_for_each_who_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def count() -> None:
        asked.append(1)

    monkeypatch.setattr(world.database, "check", count)
    program = await world.api()
    for _ in range(5):
        await program.get("/readyz")
    assert len(asked) < 5


async def test_the_counters_tell_of_calls_and_of_nobody(world: World) -> None:
    await world.contact("anna", name="Ivan Petrov")
    call = await world.ring("101")
    await world.answer(call, "101")
    await world.end(call)
    text = (await (await world.api()).get("/metrics")).text
    assert 'zeoncrm_calls_total{direction="inbound",result="answered"} 1.0' in text
    assert 'zeoncrm_pbx_up{pbx="main"} 1.0' in text
    assert "zeoncrm_live_clients 0.0" in text
    for secret in ("Ivan", "anna", "9031112233"):
        assert secret not in text
