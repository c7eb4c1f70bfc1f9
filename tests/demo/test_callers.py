"""Who calls the demo's people, and when."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest

from tests.demo.ami_client import AmiClient, connected
from tests.demo.conftest import NAMES
from zeoncrm.demo.callers import Callers, World
from zeoncrm.demo.scenes import SCENES, Scene
from zeoncrm.demo.simulated_pbx import SimulatedPbx

WORLD = World({"101": ["79031110001", "79031110002"], "102": ["79031110003"]}, ["Пётр", "Tess"])
ENOUGH = 40


async def heard(callers: Callers, client: AmiClient, calls: int) -> None:
    """Lets people call until so many calls are over."""
    running = asyncio.create_task(callers.run())
    try:
        await client.until(lambda: len(client.calls()) >= calls)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_nobody_calls_before_somebody_listens(pbx: SimulatedPbx) -> None:
    running = asyncio.create_task(Callers(pbx, WORLD).run())
    await asyncio.sleep(0)
    assert not pbx.calls
    async with connected(pbx) as client:
        await client.until_event("Newchannel")
    running.cancel()
    await asyncio.wait([running])


async def test_everybody_gets_calls_of_every_kind(pbx: SimulatedPbx, client: AmiClient) -> None:
    await heard(Callers(pbx, WORLD), client, ENOUGH)
    calls = client.calls()
    assert {leg.extension for call in calls for leg in call.legs} == set(NAMES)
    assert {call.answered_by for call in calls} == {*NAMES, None}
    assert {(call.direction.value, call.result.value if call.result else None) for call in calls} >= {
        ("inbound", "answered"),
        ("inbound", "missed"),
        ("outbound", "answered"),
    }


async def test_both_contacts_and_strangers_call(pbx: SimulatedPbx, client: AmiClient) -> None:
    await heard(Callers(pbx, WORLD), client, ENOUGH)
    known = {f"+{number}" for numbers in WORLD.known.values() for number in numbers}
    inbound = [call for call in client.calls() if call.direction == "inbound"]
    strangers = [call for call in inbound if call.number not in known]
    assert 0 < len(strangers) < len(inbound)
    assert {call.caller_name for call in strangers} == {"Пётр", "Tess", None}
    assert {call.caller_name for call in inbound if call not in strangers} == {None}


async def test_nobody_is_in_two_conversations_at_once() -> None:
    async with SimulatedPbx(NAMES, random=Random(7)).running() as pbx:
        callers = Callers(pbx, WORLD)
        pbx.joined.set()
        for extension in [*NAMES, *NAMES]:
            callers.ring_soon(extension)
        engaged: list[str] = []
        while callers._next_call():
            engaged = [extension for call in pbx.calls for extension in call.acting]
        assert Counter(engaged).most_common(1)[0][1] == 1
        assert len({call.number for call in pbx.calls}) == len(pbx.calls)


@pytest.mark.parametrize("extension", NAMES)
async def test_who_has_just_arrived_gets_a_call(pbx: SimulatedPbx, client: AmiClient, extension: str) -> None:
    callers = Callers(pbx, WORLD)
    running = asyncio.create_task(callers.run())
    callers.ring_soon(extension)
    await client.until(
        lambda: any(
            event["Event"] == "DialBegin" and event.get("DestChannel", "").startswith(f"PJSIP/{extension}-")
            for event in client.heard
        )
    )
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.recording)
def test_a_part_is_not_given_to_somebody_whose_phone_is_taken(scene: Scene) -> None:
    for people in scene.castings(tuple(NAMES), {"102"}, None):
        assert "102" not in {people[part] for part in scene.acting}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.recording)
def test_it_rings_where_it_is_wanted(scene: Scene) -> None:
    castings = scene.castings(tuple(NAMES), (), "103")
    assert bool(castings) is not scene.outbound
    assert all("103" in {people[part] for part in scene.ringing} for people in castings)
