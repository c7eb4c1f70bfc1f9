"""The simulated PBX, heard by a bare AMI client."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.demo.ami_client import AmiClient, connected, values
from tests.demo.conftest import NAMES
from zeoncrm.demo.played import Call
from zeoncrm.demo.scenes import SCENES, Scene, recording_of
from zeoncrm.demo.simulated_pbx import SimulatedPbx

EXPECTED = Path(__file__).parents[1] / "recordings" / "asterisk22"
PLACES = {"101": "103", "102": "101", "103": "102"}
SOMEBODY = {"101": "101", "102": "102", "103": "103"}
AN_AGE = 1e12


def call_of(pbx: SimulatedPbx, recording: str, number: str = "79031119999", *, stop_at: int | None = None) -> Call:
    """A call of a recording; with `stop_at` it stands still at so many beats, and loses no time before."""
    call = pbx.maker.call(recording_of(recording), SOMEBODY, number, None, pbx.now)
    if stop_at is not None:
        beats = (place for place, (wait, _) in enumerate(call.steps) if wait)
        last = [next(beats) for _ in range(stop_at)][-1]
        call.steps = deque((AN_AGE if place == last else 0, frame) for place, (_, frame) in enumerate(call.steps))
    return call


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.recording)
async def test_a_scene_gives_the_calls_of_its_recording(pbx: SimulatedPbx, client: AmiClient, scene: Scene) -> None:
    recording = recording_of(scene.recording)
    await pbx.start(pbx.maker.call(recording, PLACES, "79031119999", "Пётр", pbx.now))
    await client.ask("Ping")
    [call] = client.calls()
    [expected] = json.loads((EXPECTED / f"{scene.recording}.json").read_text())["calls"]
    assert (call.direction, call.result, call.reached) == (
        expected["direction"],
        expected["result"],
        expected.get("reached"),
    )
    assert call.number == "+79031119999"
    assert call.caller_name == (None if scene.outbound else "Пётр")
    assert call.answered_by == PLACES.get(expected["answered_by"])
    if legs := expected.get("legs"):
        assert {leg.extension: leg.outcome for leg in call.legs} == {PLACES[who]: how for who, how in legs.items()}
    assert await client.status() == []


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.recording)
async def test_it_rings_first_where_the_scene_says(pbx: SimulatedPbx, scene: Scene) -> None:
    call = call_of(pbx, scene.recording, stop_at=2 if scene.recording in {"queue_ringall", "ivr_choice"} else 1)
    pbx.start(call)
    async with connected(pbx) as client:
        ringing = {
            event["CallerIDNum"]
            for event in await client.status()
            if event["ChannelStateDesc"] == "Ringing" and event["CallerIDNum"] in NAMES
        }
    assert ringing == scene.ringing


async def test_two_calls_at_once_do_not_mix(pbx: SimulatedPbx, client: AmiClient) -> None:
    await asyncio.gather(
        pbx.start(pbx.maker.call(recording_of("ring_group"), PLACES, "79031110001", None, pbx.now)),
        pbx.start(pbx.maker.call(recording_of("blind_transfer_dtmf"), SOMEBODY, "79031110002", None, pbx.now)),
        pbx.start(pbx.maker.call(recording_of("ring_group"), SOMEBODY, "79031110003", None, pbx.now)),
    )
    await client.ask("Ping")
    found = {call.number: (call.answered_by, call.last_extension) for call in client.calls()}
    assert found == {"+79031110001": ("102", "102"), "+79031110002": ("101", "103"), "+79031110003": ("103", "103")}


async def test_status_tells_what_is_in_progress(pbx: SimulatedPbx, client: AmiClient) -> None:
    talking, ringing = call_of(pbx, "direct_answered", "79031110001", stop_at=2), call_of(pbx, "ring_group", stop_at=1)
    pbx.start(talking)
    pbx.start(ringing)
    channels = await client.status()
    assert values(channels, "Uniqueid") == talking.uniqueids | ringing.uniqueids
    bridged = [channel for channel in channels if channel.get("BridgeID")]
    assert values(bridged, "Uniqueid") == talking.uniqueids
    assert len(values(bridged, "BridgeID")) == 1
    assert {channel["ChannelStateDesc"] for channel in channels if channel not in bridged} == {"Ring", "Ringing"}


async def test_status_of_a_quiet_pbx_is_an_empty_list(client: AmiClient) -> None:
    assert await client.status() == []
    assert client.heard[-1]["ListItems"] == "0"


async def test_everybody_is_a_member_of_the_queue(pbx: SimulatedPbx, client: AmiClient) -> None:
    await client.ask("QueueStatus")
    await client.until_event("QueueStatusComplete")
    members = [event for event in client.heard if event["Event"] == "QueueMember"]
    assert values(members, "Location") == {f"PJSIP/{extension}" for extension in pbx.names}


@pytest.mark.parametrize("recording, stop_at", [("ring_group", 1), ("direct_answered", 2), ("queue_ringall", 2)])
async def test_a_hang_up_ends_the_call_wherever_it_stands(
    pbx: SimulatedPbx, client: AmiClient, recording: str, stop_at: int
) -> None:
    playing = pbx.start(call_of(pbx, recording, stop_at=stop_at))
    [channel, *_] = await client.status()
    assert (await client.ask("Hangup", Channel=channel["Channel"]))["Response"] == "Success"
    await playing
    assert await client.status() == []
    [call] = client.calls()
    assert call.result == ("answered" if recording == "direct_answered" else "missed")


async def test_what_is_no_channel_can_not_be_hung_up(client: AmiClient) -> None:
    answer = await client.ask("Hangup", Channel="PJSIP/101-00000999")
    assert (answer["Response"], answer["Message"]) == ("Error", "No such channel")


@pytest.mark.parametrize("action", ["Redirect", "Atxfer"])
@pytest.mark.parametrize("recording", ["direct_answered", "outbound_answered"])
async def test_a_call_is_handed_to_a_colleague(
    pbx: SimulatedPbx, client: AmiClient, action: str, recording: str
) -> None:
    call = call_of(pbx, recording, stop_at=2)
    playing = pbx.start(call)
    channels = await client.status()
    moved = "trunk" if action == "Redirect" else "101"
    [channel] = [each["Channel"] for each in channels if f"/{moved}-" in each["Channel"]]
    answer = await client.ask(action, Channel=channel, Context="from-internal", Exten="103", Priority="1")
    assert answer["Response"] == "Success"
    await playing
    assert await client.status() == []
    [ended] = client.calls()
    assert (ended.number, ended.answered_by, ended.last_extension) == ("+79031119999", "101", "103")


@pytest.mark.parametrize("to", ["101", "79031112233", ""])
async def test_a_call_is_handed_to_nobody_else(pbx: SimulatedPbx, client: AmiClient, to: str) -> None:
    pbx.start(call_of(pbx, "direct_answered", stop_at=2))
    before = await client.status()
    [channel] = [each["Channel"] for each in before if "trunk" in each["Channel"]]
    assert (await client.ask("Redirect", Channel=channel, Exten=to))["Response"] == "Error"
    assert len(await client.status()) == len(before)


ORIGINATE = {"Context": "from-internal", "Priority": "1", "Async": "true", "Exten": "79031234567"}


async def test_an_originate_rings_the_rep_and_calls_the_number(pbx: SimulatedPbx, client: AmiClient) -> None:
    answer = await client.ask("Originate", Channel="PJSIP/102", ChannelId="ours-1", **ORIGINATE)
    assert answer["Response"] == "Success"
    await client.until_event("Hangup", times=2)
    [call] = client.calls()
    assert (call.direction, call.number, call.result, call.answered_by) == (
        "outbound",
        "+79031234567",
        "answered",
        "102",
    )
    [result] = [event for event in client.heard if event["Event"] == "OriginateResponse"]
    assert (result["Response"], result["Uniqueid"], result["ActionID"]) == ("Success", "ours-1", answer["ActionID"])
    assert values(client.heard, "Linkedid") == {"ours-1"}
    assert await client.status() == []


async def test_an_originate_for_nobody_fails_as_asterisk_fails_it(client: AmiClient) -> None:
    answer = await client.ask("Originate", Channel="PJSIP/999", ChannelId="ours-1", **ORIGINATE)
    assert answer["Response"] == "Success"
    result = await client.until_event("OriginateResponse")
    assert (result["Response"], result["Reason"]) == ("Failure", "0")


@pytest.mark.parametrize("wrong", [{"Exten": ""}, {"Async": "false"}], ids=["without a number", "not asynchronous"])
async def test_other_originates_are_refused(client: AmiClient, wrong: dict[str, Any]) -> None:
    answer = await client.ask("Originate", Channel="PJSIP/102", **(ORIGINATE | wrong))
    assert answer["Response"] == "Error"


# The log-in and what has nothing to do with calls


async def test_it_greets_as_asterisk_does(client: AmiClient) -> None:
    assert client.greeting == "Asterisk Call Manager/11.0.0"
    await client.until_event("FullyBooted")


async def test_a_wrong_secret_is_refused_and_the_connection_closed(pbx: SimulatedPbx) -> None:
    async with connected(pbx, log_in=False) as client:
        answer = await client.ask("Login", Username="zeoncrm", Secret="guess")
        assert (answer["Response"], answer["Message"]) == ("Error", "Authentication failed")
        await client.until_closed()
    assert not pbx.joined.is_set()


async def test_nothing_is_done_for_a_stranger(pbx: SimulatedPbx) -> None:
    async with connected(pbx, log_in=False) as client:
        assert (await client.ask("Status"))["Message"] == "Permission denied"
        await pbx.start(call_of(pbx, "direct_answered"))
        await client.ask("Ping")
        assert client.heard == []


@pytest.mark.parametrize(
    "action, response, header, value",
    [
        ("Ping", "Success", "Ping", "Pong"),
        ("CoreSettings", "Success", "AsteriskVersion", "22.10.0"),
        ("Events", "Success", "Events", "On"),
        ("QueueStatus", "Success", "EventList", "start"),
        ("DeviceStateList", "Success", "EventList", "start"),
        ("ListCommands", "Success", "Originate", "(Priv: originate,all)"),
        ("ParkedCalls", "Error", "Message", "Invalid/unknown command"),
    ],
)
async def test_other_actions_are_answered(
    client: AmiClient, action: str, response: str, header: str, value: str
) -> None:
    answer = await client.ask(action)
    assert (answer["Response"], answer[header]) == (response, value)


async def test_who_wants_no_events_gets_none(pbx: SimulatedPbx, client: AmiClient) -> None:
    await client.until_event("FullyBooted")
    assert (await client.ask("Events", EventMask="off"))["Events"] == "Off"
    await pbx.start(call_of(pbx, "direct_answered"))
    await client.ask("Ping")
    assert len(client.heard) == 1


async def test_a_log_off_closes_the_connection(client: AmiClient) -> None:
    assert (await client.ask("Logoff"))["Response"] == "Goodbye"
    await client.until_closed()


async def test_the_end_drops_calls_and_connections() -> None:
    async with SimulatedPbx(NAMES, random=Random(1)).running() as pbx:
        async with connected(pbx) as client:
            pbx.start(call_of(pbx, "direct_answered", stop_at=1))
            await client.until_event("DialBegin")
            ended = asyncio.create_task(client.until_closed())
        await ended
