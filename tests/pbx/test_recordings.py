"""Calls that a real PBX records are played through the daemon, whose account has the least rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.pbx.daemon import Daemon
from tests.pbx.lab import Lab
from tests.pbx.roots import RELEASES

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", RELEASES, indirect=True),
    pytest.mark.leaks_allowed("a daemon that was started again has another live socket than before the test"),
]

CALLER = "79031118800"
RECORDED, PACKED = "4952150080", "4952150081"


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def recording_daemon(running_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Daemon]:
    """A daemon that knows the folder of the PBX's recordings, by another path than the PBX does."""
    keys = f'recordings = "{running_lab.pbx.recordings}"'
    async with Daemon(tmp_path_factory.mktemp("recordings"), running_lab, pbx_keys=keys) as daemon:
        yield daemon


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(recording_daemon: Daemon, lab: Lab) -> Daemon:
    await recording_daemon.quiet()
    recording_daemon.forget()
    return recording_daemon


async def say_something(lab: Lab, caller: str) -> None:
    """Talk long enough that there is something to hear."""
    await lab.talk("101", caller)
    await lab.press("101", "555")


async def recorded(daemon: Daemon) -> Any:
    """The call whose recording can be listened to now."""

    def ready() -> Any:
        return next((event["call_id"] for event in daemon.events if event["type"] == "recording.ready"), None)

    return await daemon.supervisor.get(f"/calls/{await daemon.until(ready, 'a recording')}")


async def asked(daemon: Daemon, login: str, address: str, **headers: str) -> tuple[int, bytes, Any]:
    token = {"Authorization": f"Bearer {daemon.token_of(login)}"}
    async with (
        aiohttp.ClientSession(daemon.address) as http,
        http.get(address, headers=token | headers) as answer,
    ):
        return answer.status, await answer.read(), answer.headers


async def test_a_recorded_call_is_played_from_any_place_by_who_talked(lab: Lab, daemon: Daemon) -> None:
    await lab.call_in(CALLER, did=RECORDED)
    await lab.answer("101")
    await say_something(lab, CALLER)
    assert (await daemon.event("call.answered", number=f"+{CALLER}"))["recording"] is None
    await lab.hang_up("101")
    call = await recorded(daemon)
    [recording] = call["recordings"]
    assert (recording["url"], recording["name"][:14]) == (call["recording"], f"in-{CALLER}")
    status, whole, _ = await asked(daemon, "rep101", call["recording"])
    assert (status, whole[:4], whole[8:12]) == (200, b"RIFF", b"WAVE")
    assert len(whole) > 44
    status, part, headers = await asked(daemon, "rep101", call["recording"], Range="bytes=40-99")
    assert (status, part, headers["Content-Range"]) == (206, whole[40:100], f"bytes 40-99/{len(whole)}")
    assert (await asked(daemon, "sofia", call["recording"]))[0] == 200
    assert (await asked(daemon, "rep102", call["recording"]))[0] == 404


async def test_a_click_to_call_that_the_dialplan_records_has_its_recording(lab: Lab, daemon: Daemon) -> None:
    await daemon.as_("rep101").ask("POST", "/calls", 202, json={"number": "+79005550001"})
    await lab.answer("101")
    await lab.answer("79005550001")
    await say_something(lab, "79005550001")
    await lab.hang_up("79005550001")
    call = await recorded(daemon)
    assert (call["direction"], call["number"]) == ("outbound", "+79005550001")
    assert call["recordings"][0]["name"].startswith("out-79005550001-")
    assert (await asked(daemon, "rep101", call["recording"]))[0] == 200


async def test_a_kind_of_file_without_a_header_is_ready_when_it_has_stopped_growing(lab: Lab, daemon: Daemon) -> None:
    await lab.call_in(CALLER, did=PACKED)
    await lab.answer("101")
    await say_something(lab, CALLER)
    await lab.hang_up("101")
    call = await recorded(daemon)
    assert (call["recordings"][0]["name"][-4:], call["recordings"][0]["seconds"]) == (".gsm", None)
    status, sound, headers = await asked(daemon, "rep101", call["recording"])
    assert (status, headers["Content-Type"]) == (200, "audio/x-gsm")
    assert sound


async def test_a_recording_that_began_while_the_daemon_was_dead_is_found(lab: Lab, daemon: Daemon) -> None:
    await daemon.kill()
    await lab.call_in(CALLER, did=RECORDED)
    await lab.answer("101")
    await say_something(lab, CALLER)
    daemon.forget()
    await daemon.start()
    await lab.hang_up("101")
    call = await recorded(daemon)
    assert call["source"] == "recovered"
    assert (await asked(daemon, "rep101", call["recording"], Range="bytes=0-3"))[:2] == (206, b"RIFF")
