"""Presence and queues by the API and on the live socket: who sees what."""

from __future__ import annotations

from datetime import timedelta

from tests.web.client import Ear
from tests.web.world import NOON, PBX, World
from zeoncrm.pipeline.presence import PhoneState
from zeoncrm.pipeline.queues import Queue, Waiting
from zeoncrm.store import people

CALLER = Waiting("call", "+79031112233", "79031112233", "Ivan", NOON)


async def hear(world: World, login: str) -> tuple[Ear, dict[str, object]]:
    """Somebody's browser listens; its greeting."""
    ear = await (await world.browser(login)).listen("")
    return ear, await ear.next()


async def test_everybody_sees_who_is_free_and_nobody_with_whom(world: World) -> None:
    world.phone.phones = {"101": PhoneState.TALKING, "102": PhoneState.FREE}
    world.watch.look()
    answer = await (await world.api("boris")).get("/api/v1/presence")
    states = {each["login"]: each["state"] for each in answer.json["items"]}
    assert states == {"anna": "talking", "boris": "free", "sveta": "unknown"}  # ada has no phone
    facts = {"login", "name", "extensions", "state", "away", "since", "phones", "on_hold_since"}
    assert set(answer.json["items"][0]) == facts


async def test_only_supervisors_see_who_waits(world: World) -> None:
    late = Waiting(None, None, None, None, NOON + timedelta(minutes=1))
    world.phone.queues = (Queue(PBX, "sales", (CALLER, late)),)
    world.watch.look()
    assert (await (await world.api("anna")).get("/api/v1/queues")).status == 403
    [queue] = (await (await world.api("sveta")).get("/api/v1/queues")).json["items"]
    assert (queue["pbx"], queue["name"], queue["count"]) == ("main", "sales", 2)
    assert queue["waiting"][0] == {
        "call_id": "call",
        "number": "+79031112233",
        "number_raw": "79031112233",
        "caller_name": "Ivan",
        "since": "2026-03-02T12:00:00Z",
        "number_national": "8 (903) 111-22-33",
    }


async def test_a_queue_full_of_callers_is_told_by_its_hundred_longest_and_their_count(world: World) -> None:
    waiting = tuple(Waiting(str(n), None, None, None, NOON + timedelta(seconds=n)) for n in range(250))
    world.phone.queues = (Queue(PBX, "sales", waiting),)
    world.watch.look()
    [queue] = (await (await world.api("sveta")).get("/api/v1/queues")).json["items"]
    assert (queue["count"], len(queue["waiting"]), queue["waiting"][0]["call_id"]) == (250, 100, "0")


async def test_one_goes_away_and_comes_back(world: World) -> None:
    anna = await world.api("anna")
    assert (await anna.get("/api/v1/me")).json["away"] is False
    assert (await anna.patch("/api/v1/me", {"away": True})).json["away"] is True
    await world.refresh()
    assert (await anna.get("/api/v1/me")).json["away"] is True
    world.phone.phones = {"101": PhoneState.FREE, "102": PhoneState.FREE}
    world.watch.look()
    states = [each["state"] for each in (await anna.get("/api/v1/presence")).json["items"]]
    assert states == ["away", "free", "unknown"]
    for body in ({}, {"away": "perhaps"}, {"away": True, "login": "boris"}):
        assert (await anna.patch("/api/v1/me", body)).status == 422


async def test_the_socket_greets_with_how_it_stands_and_then_tells_what_changes(world: World) -> None:
    world.phone.phones = {"101": PhoneState.FREE, "102": PhoneState.FREE}
    world.phone.queues = (Queue(PBX, "sales"),)
    world.watch.look()
    rep, rep_hello = await hear(world, "anna")
    supervisor, hello = await hear(world, "sveta")
    assert hello["presence"] == rep_hello["presence"]
    assert [each["state"] for each in hello["presence"]] == ["free", "free", "unknown"]  # type: ignore[attr-defined]
    assert [queue["name"] for queue in hello["queues"]] == ["sales"]  # type: ignore[attr-defined]
    assert "queues" not in rep_hello
    world.phone.queues = (Queue(PBX, "sales", (CALLER,)),)
    world.phone.phones["102"] = PhoneState.RINGING
    world.watch.look()
    told = await rep.next()
    assert told["type"] == "presence.changed"
    assert [(each["login"], each["state"]) for each in told["people"]] == [("boris", "ringing")]
    assert await supervisor.next() == told
    waits = await supervisor.next()
    assert (waits["type"], waits["queue"]["count"], waits["gone"]) == ("queue.changed", 1, False)
    world.phone.queues, world.phone.phones["102"] = (), PhoneState.FREE
    world.watch.look()
    assert (await supervisor.heard("queue.changed"))[-1]["gone"] is True
    # The rep heard nothing of the queue in between.
    assert [each["state"] for each in (await rep.next())["people"]] == ["free"]


async def test_one_number_on_two_pbxs_is_two_peoples(world: World) -> None:
    async with world.database.write() as tx:
        await people.set_extensions(tx, world.person("boris").id, ["101"], "branch")
    await world.refresh()
    world.watch.look()
    answer = await (await world.api("anna")).get("/api/v1/presence")
    phones = {each["login"]: each["phones"] for each in answer.json["items"]}
    assert phones["anna"] == [["", "101"]]
    assert sorted(phones["boris"]) == [["", "102"], ["branch", "101"]]
    call = await world.ring("101")
    await world.answer(call, "101")
    await world.end(call)
    journal = (await (await world.browser("sveta")).get("/calls?rows=1", headers={"HX-Request": "true"})).text
    assert "Anna" in journal
    assert "Boris" not in journal
