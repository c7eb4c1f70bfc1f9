"""Every scenario on a real PBX: what the running daemon and the AMI streams make of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.pbx.accuracy import properties_of
from tests.pbx.daemon import Daemon
from tests.pbx.lab import EXTENSIONS, PEOPLE, Lab
from tests.pbx.scenarios import BY_CHAN_SIP, BY_IAX2, BY_SYSTEM_NAME, SCENARIOS
from tests.pbx.scenarios.scenario import Scenario
from tests.pbx.tap import Tap
from zeoncrm.ami.recording import calls_in, read_stream
from zeoncrm.pipeline.numbering import Numbering

OWNERS = {extension: login for login, extensions in PEOPLE.items() for extension in extensions}
MAIN = [name for name, scenario in SCENARIOS.items() if scenario.main]

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("running_lab", ["22"], indirect=True)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_gives_its_calls_and_deals(
    lab: Lab, daemon: Daemon, name: str, request: pytest.FixtureRequest
) -> None:
    await _gives_its_calls_and_deals(lab, daemon, SCENARIOS[name], request)


@pytest.mark.parametrize("running_lab", ["16"], indirect=True)
@pytest.mark.parametrize("name", MAIN)
async def test_a_main_scenario_gives_them_on_the_older_asterisk(
    lab: Lab, daemon: Daemon, name: str, request: pytest.FixtureRequest
) -> None:
    await _gives_its_calls_and_deals(lab, daemon, SCENARIOS[name], request)


@pytest.mark.parametrize("running_lab", ["22 pbx1"], indirect=True)
@pytest.mark.parametrize("name", BY_SYSTEM_NAME)
async def test_a_scenario_gives_them_on_a_pbx_with_a_system_name(
    lab: Lab, daemon: Daemon, name: str, request: pytest.FixtureRequest
) -> None:
    await _gives_its_calls_and_deals(lab, daemon, SCENARIOS[name], request)


@pytest.mark.parametrize("running_lab", ["16 SIP"], indirect=True)
@pytest.mark.parametrize("name", BY_CHAN_SIP)
async def test_a_scenario_gives_them_by_chan_sip(
    lab: Lab, daemon: Daemon, name: str, request: pytest.FixtureRequest
) -> None:
    # A phone that was called and let go at once may stay busy for the queues, which pass it over then: chan_sip tells
    # of its state while it changes, and not again before the next call. It also does so when the phone registers.
    if name.startswith("queue"):
        await lab.register("*all")
    await _gives_its_calls_and_deals(lab, daemon, SCENARIOS[name], request)


@pytest.mark.parametrize("running_lab", ["22 IAX2"], indirect=True)
@pytest.mark.parametrize("name", BY_IAX2)
async def test_a_scenario_gives_them_by_a_trunk_on_iax2(
    lab: Lab, daemon: Daemon, name: str, request: pytest.FixtureRequest
) -> None:
    await _gives_its_calls_and_deals(lab, daemon, SCENARIOS[name], request)


async def _gives_its_calls_and_deals(
    lab: Lab, daemon: Daemon, scenario: Scenario, request: pytest.FixtureRequest
) -> None:
    request.node.user_properties += properties_of(scenario, lab.version)
    async with Tap(lab, "zeoncrm") as least, Tap(lab, "curious") as most:
        await scenario.play(lab)
        await lab.settled()
        streams = {"least rights": await least.recorded(), "all rights": await most.recorded()}
    for rights, stream in streams.items():
        assert scenario.differences(_calls_in(stream, scenario)) == [], rights
    await _one_more_call(lab)  # so that a call too many would be seen by now
    calls = await daemon.ended(len(scenario.calls) + 1)
    assert scenario.differences([call for call in calls if call["number"] != LAST]) == []
    await _check_deals(daemon, calls)


LAST = "+79035550000"


async def _one_more_call(lab: Lab) -> None:
    await lab.behave("108", "busy")
    await lab.call_in(LAST.removeprefix("+"), did="4952150108")
    await lab.turned_away(LAST.removeprefix("+"))


def _calls_in(stream: bytes, scenario: Scenario) -> list[dict[str, Any]]:
    outside = {f"+{number}": extension for extension, number in scenario.outside.items()}
    numbering = Numbering(region="RU", extensions=frozenset(EXTENSIONS), outside=outside)
    return [dataclasses.asdict(call) for call in calls_in(read_stream(stream), numbering)]


async def _check_deals(daemon: Daemon, calls: list[dict[str, Any]]) -> None:
    """Answered inbound calls of somebody unknown leave one deal in "Unsorted"; its owner is who picked up first."""
    answered: dict[int, list[dict[str, Any]]] = {}
    for call in calls:
        if call["direction"] == "inbound" and call["result"] == "answered":
            answered.setdefault(call["deal_id"], []).append(call)
        else:
            assert call["deal_id"] is None
    for deal_id, on_it in answered.items():
        deal = await daemon.supervisor.get(f"/deals/{deal_id}")
        first = min(call["answered_at"] for call in on_it)
        # Two answers that reached the daemon in one packet have the same time.
        pickers = [call["answered_by"] for call in on_it if call["answered_at"] == first]
        assert deal["owner"] in [OWNERS.get(picker) for picker in pickers]
        assert deal["stage_id"] == await _unsorted(daemon, deal["pipeline_id"])


async def _unsorted(daemon: Daemon, pipeline_id: int) -> int:
    pipelines = (await daemon.supervisor.get("/pipelines"))["items"]
    [pipeline] = [each for each in pipelines if each["id"] == pipeline_id]
    [stage] = [stage["id"] for stage in pipeline["stages"] if stage["kind"] == "unsorted"]
    return int(stage)
