"""Presence and queues on a real PBX, through the running daemon with the least rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.pbx.daemon import Daemon, Json
from tests.pbx.lab import Lab
from tests.pbx.roots import RELEASES

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.leaks_allowed("a daemon that was started again has another live socket than before the test"),
]
on_all = pytest.mark.parametrize("running_lab", RELEASES, indirect=True)
on_22 = pytest.mark.parametrize("running_lab", ["22"], indirect=True)

FIRST, SECOND = "79034440001", "79034440002"
SALES = "4952150001"
DEVICE_STATES = "res_manager_devicestate.so"


class Panel:
    """What a supervisor's page shows, as the live socket told it since `forget`."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def state(self, extension: str) -> str | None:
        return next((str(each["state"]) for each in self._told(extension)), None)

    def held(self, extension: str) -> bool | None:
        return next((each["on_hold_since"] is not None for each in self._told(extension)), None)

    def waiting(self, queue: str) -> list[str] | None:
        for event in self._events():
            for each in event.get("queues", [event["queue"]] if "queue" in event else []):
                if each["name"] == queue:
                    return [waiting["number"] for waiting in each["waiting"]]
        return None

    async def is_(self, extension: str, state: str) -> None:
        await self._daemon.until(lambda: self.state(extension) == state, f"{extension} being {state}")

    async def wait(self, queue: str, *numbers: str) -> None:
        wanted = [f"+{number}" for number in numbers]
        await self._daemon.until(lambda: self.waiting(queue) == wanted, f"{numbers} waiting in {queue}")

    def _told(self, extension: str) -> Iterator[Json]:
        people = (each for event in self._events() for each in event.get("people", event.get("presence", ())))
        return (each for each in people if extension in each["extensions"])

    def _events(self) -> list[Json]:
        return self._daemon.events[::-1]


@on_all
async def test_a_phone_rings_talks_holds_and_is_free_again(lab: Lab, daemon: Daemon) -> None:
    panel = Panel(daemon)
    await lab.call_in(FIRST, did="4952150101")
    await panel.is_("101", "ringing")
    await lab.answer("101")
    await panel.is_("101", "talking")
    await lab.hold("101")
    await daemon.until(lambda: panel.held("101") is True, "101 holding")
    assert await _now(daemon, "101") == "talking"
    [call] = (await daemon.supervisor.get("/calls?state=talking"))["items"]
    assert [each["extension"] for each in (await daemon.supervisor.get(f"/calls/{call['id']}"))["on_hold"]] == ["101"]
    await lab.resume("101")
    await daemon.until(lambda: panel.held("101") is False, "101 talking on")
    await lab.hang_up("101")
    await panel.is_("101", "free")


@on_all
async def test_a_phone_that_is_switched_off_is_unreachable_until_it_is_back(lab: Lab, daemon: Daemon) -> None:
    panel = Panel(daemon)
    await lab.unregister("108")
    await panel.is_("108", "unreachable")
    await lab.register("108")
    await panel.is_("108", "free")


@on_22
async def test_a_call_between_colleagues_shows_too_and_away_counts_for_less(lab: Lab, daemon: Daemon) -> None:
    panel = Panel(daemon)
    await daemon.as_("rep102").ask("PATCH", "/me", 200, json={"away": True})
    await panel.is_("102", "away")
    await lab.dial_from("101", "102")
    await panel.is_("102", "ringing")
    await panel.is_("101", "talking")
    await lab.answer("102")
    await panel.is_("102", "talking")
    await lab.hang_up("102")
    await panel.is_("102", "away")
    await daemon.as_("rep102").ask("PATCH", "/me", 200, json={"away": False})
    await panel.is_("102", "free")


@on_all
async def test_two_callers_wait_the_longest_first_until_one_is_taken_and_one_gives_up(lab: Lab, daemon: Daemon) -> None:
    panel = Panel(daemon)
    await lab.call_in(FIRST, did=SALES)
    await panel.wait("sales", FIRST)
    await lab.call_in(SECOND, did=SALES)
    await panel.wait("sales", FIRST, SECOND)
    await daemon.as_("rep101").ask("GET", "/queues", 403)
    queues = (await daemon.supervisor.get("/queues"))["items"]
    assert {each["name"] for each in queues} >= {"fpbx", "linear", "sales"}
    [sales] = [each for each in queues if each["name"] == "sales"]
    for waiting in sales["waiting"]:
        call = await daemon.supervisor.get(f"/calls/{waiting['call_id']}")
        assert call["number"] == waiting["number"]
    await lab.answer("102")
    await panel.wait("sales", SECOND)
    await panel.is_("102", "talking")
    await lab.hang_up(SECOND)
    await panel.wait("sales")


@on_all
async def test_the_members_of_a_queue_pause_and_come_back(lab: Lab, daemon: Daemon) -> None:
    async def are(*members: tuple[str, bool]) -> None:
        def now() -> bool:
            told = (event["queue"] for event in daemon.events[::-1] if event["type"] == "queue.changed")
            fpbx = next((queue for queue in told if queue["name"] == "fpbx"), None)
            return fpbx is not None and [(each["extension"], each["paused"]) for each in fpbx["members"]] == [*members]

        await daemon.until(now, f"members {members}")

    agent = {"Queue": "fpbx", "Interface": "Local/102@from-queue/n"}
    await lab.pbx.client.action("QueuePause", **agent, Paused="true")
    await are(("101", False), ("102", True), ("103", False))
    await lab.pbx.client.action("QueuePause", **agent, Paused="false")
    await are(("101", False), ("102", False), ("103", False))


@on_all
async def test_the_next_daemon_finds_who_waits_since_when_and_who_talks(lab: Lab, daemon: Daemon) -> None:
    panel = Panel(daemon)
    await lab.call_in(FIRST, did="4952150104")
    await lab.answer("104")
    await lab.call_in(SECOND, did=SALES)
    await panel.wait("sales", SECOND)
    before = await _since(daemon)
    await _restarted(daemon)
    await panel.wait("sales", SECOND)
    await panel.is_("104", "talking")
    await panel.is_("101", "ringing")
    after = await _since(daemon)
    assert abs(after - before) < timedelta(seconds=3)  # the list counts whole seconds
    await lab.hang_up(SECOND)
    await panel.wait("sales")


@on_22
async def test_without_device_states_calls_show_who_is_busy_and_the_link_says_what_is_missing(
    lab: Lab, daemon: Daemon
) -> None:
    panel = Panel(daemon)
    await lab.pbx.client.action("ModuleLoad", Module=DEVICE_STATES, LoadType="unload")
    try:
        await _restarted(daemon)
        assert await _now(daemon, "104") == "unknown"
        await lab.call_in(FIRST, did="4952150104")
        await panel.is_("104", "ringing")
        await lab.answer("104")
        await panel.is_("104", "talking")
        await daemon.until(lambda: "phones are not known" in _reason(daemon), "the reason")
        await lab.hang_up("104")
        await panel.is_("104", "unknown")
    finally:
        await lab.pbx.client.action("ModuleLoad", Module=DEVICE_STATES, LoadType="load")
    await _restarted(daemon)
    await panel.is_("104", "free")


@on_22
async def test_everything_is_empty_and_unknown_while_the_pbx_is_away_and_right_when_it_is_back(
    lab: Lab, daemon: Daemon
) -> None:
    panel = Panel(daemon)
    await lab.call_in(FIRST, did="4952150104")
    await lab.answer("104")
    await lab.call_in(SECOND, did=SALES)
    await panel.wait("sales", SECOND)
    await panel.is_("104", "talking")
    await lab.pbx.stop()
    await panel.is_("104", "unknown")
    await panel.wait("sales")
    assert (await daemon.supervisor.get("/queues"))["items"] == []
    await lab.restart_pbx()
    await panel.is_("104", "free")
    await panel.wait("sales")
    await daemon.quiet()


async def _restarted(daemon: Daemon) -> None:
    await daemon.kill()
    daemon.forget()
    await daemon.start()


def _reason(daemon: Daemon) -> str:
    """What is amiss about the link, as it was told last."""
    for event in daemon.events[::-1]:
        if event["type"] == "pbx.changed":
            return str(event["pbx"]["reason"])
        if event["type"] == "hello":
            return str(event["pbx"]["main"]["reason"])
    return ""


async def _now(daemon: Daemon, extension: str) -> Any:
    people = (await daemon.supervisor.get("/presence"))["items"]
    return next(each["state"] for each in people if extension in each["extensions"])


async def _since(daemon: Daemon) -> datetime:
    [sales] = [each for each in (await daemon.supervisor.get("/queues"))["items"] if each["name"] == "sales"]
    return datetime.fromisoformat(sales["waiting"][0]["since"])
