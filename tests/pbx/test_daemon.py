"""The running daemon on a real PBX: what a rep's day needs beyond the calls themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.patience import PATIENCE
from tests.pbx.daemon import Daemon
from tests.pbx.lab import Lab

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", ["22"], indirect=True),
    pytest.mark.leaks_allowed("a daemon that was started again has another live socket than before the test"),
]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def local_daemon(running_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Daemon]:
    """A daemon that rings phones through a Local channel, so that the dialplan has its say."""
    folder = tmp_path_factory.mktemp("local_daemon")
    async with Daemon(folder, running_lab, originate_channel="Local/{extension}@from-internal") as daemon:
        yield daemon


async def _click(daemon: Daemon, extension: str, number: str) -> Any:
    return await daemon.as_(f"rep{extension}").ask("POST", "/calls", 202, json={"number": number})


# While it rings


async def test_the_rep_hears_of_a_call_while_the_phone_rings_and_nobody_else_does(lab: Lab, daemon: Daemon) -> None:
    async with daemon.as_("rep101").live() as called, daemon.as_("rep102").live() as other:
        await lab.call_in("79032220001", did="4952150101", name="Ivan")
        rang = await _first_call(called)
        assert (rang["number"], rang["caller_name"], rang["did"]) == ("+79032220001", "Ivan", "4952150101")
        assert rang["state"] == "ringing"
        await daemon.as_("rep101").get(f"/calls/{rang['id']}")
        await daemon.as_("rep102").ask("GET", f"/calls/{rang['id']}", 404)
        await lab.call_in("79032220002", did="4952150102")
        assert (await _first_call(other))["number"] == "+79032220002"


async def _first_call(live: aiohttp.ClientWebSocketResponse) -> Any:
    """The call of the first event about one."""
    async with asyncio.timeout(PATIENCE):
        async for message in live:
            event = message.json()
            if event["type"].startswith("call."):
                return event["call"]
    raise AssertionError("the live socket was closed")


async def test_a_known_caller_stays_on_their_deal_whoever_answers(lab: Lab, daemon: Daemon) -> None:
    await lab.talk_in("79032220003", "101", did="4952150101")
    await lab.hang_up("101")
    [first] = await daemon.ended(1)
    await lab.quiet()
    await lab.talk_in("79032220003", "104", did="4952150104")
    await lab.hang_up("104")
    [_, second] = await daemon.ended(2)
    assert (second["deal_id"], second["contact_id"]) == (first["deal_id"], first["contact_id"])
    assert (await daemon.supervisor.get(f"/deals/{first['deal_id']}"))["owner"] == "rep101"


async def test_one_unknown_number_that_calls_twice_at_once_is_one_contact_with_one_deal(
    lab: Lab, daemon: Daemon
) -> None:
    await lab.call_in("79032220004", did="4952150101")
    await lab.call_in("79032220004", did="4952150102")
    for extension in ("102", "101"):
        await lab.answer(extension)
        await lab.talk(extension, "79032220004")
    await lab.hang_up("79032220004")
    one, other = await daemon.ended(2)
    assert one["contact_id"] == other["contact_id"] is not None
    assert one["deal_id"] == other["deal_id"] is not None


# Click-to-call


async def _calls_and_talks(lab: Lab, daemon: Daemon, number: str) -> None:
    digits = number.removeprefix("+").replace(" ", "")
    await lab.behave(digits, "hesitates")
    call = await _click(daemon, "101", number)
    assert call["number"] == f"+{digits}"
    await lab.answer("101")
    await daemon.event("call.changed", id=call["id"], progress="calling")
    await lab.rings(digits)
    await daemon.event("call.changed", id=call["id"], progress="ringing_there")
    await lab.answer(digits)
    await lab.talk("101", digits)
    await daemon.event("call.answered", id=call["id"], state="talking")
    await lab.hang_up(digits)
    [ended] = await daemon.ended(1)
    assert (ended["id"], ended["direction"], ended["result"]) == (call["id"], "outbound", "answered")
    assert (ended["answered_by"], ended["owner"]) == ("101", "rep101")


async def test_a_click_rings_the_own_phone_then_the_number_and_shows_each_step(lab: Lab, daemon: Daemon) -> None:
    await _calls_and_talks(lab, daemon, "+7 903 2220005")


async def test_a_click_through_a_local_channel_shows_the_same_steps(lab: Lab, local_daemon: Daemon) -> None:
    local_daemon.forget()
    await _calls_and_talks(lab, local_daemon, "+7 903 222 0006")


async def test_a_click_of_which_the_rep_rejects_the_ring_is_cancelled(lab: Lab, daemon: Daemon) -> None:
    call = await _click(daemon, "102", "79032220007")
    await lab.rings("102")
    await lab.hang_up("102")
    [ended] = await daemon.ended(1)
    assert (ended["id"], ended["result"], ended["answered_by"]) == (call["id"], "cancelled", None)


async def test_a_click_on_a_busy_number_ends_busy(lab: Lab, daemon: Daemon) -> None:
    await lab.behave("79032220008", "busy")
    call = await _click(daemon, "103", "79032220008")
    await lab.answer("103")
    [ended] = await daemon.ended(1)
    assert (ended["id"], ended["result"]) == (call["id"], "busy")


async def test_a_click_on_what_is_no_number_is_refused_by_name(lab: Lab, daemon: Daemon) -> None:
    for number in ("500&PJSIP/102", "112@from-trunk", "79032220009,1", "call me"):
        answer = await daemon.as_("rep104").ask("POST", "/calls", 422, json={"number": number})
        assert "number" in str(answer)
    assert not lab.pbx_view.channels


# Control of one's own call


async def test_a_rep_hangs_up_by_the_api_and_only_their_own_call(lab: Lab, daemon: Daemon) -> None:
    await lab.talk_in("79032220010", "105", did="4952150105")
    call = await daemon.event("call.answered", number="+79032220010")
    await daemon.as_("rep106").ask("POST", f"/calls/{call['id']}/hangup", 404)
    await daemon.as_("rep105").ask("POST", f"/calls/{call['id']}/hangup", 202)
    await lab.quiet()
    [ended] = await daemon.ended(1)
    assert ended["answered_by"] == "105"


# The daemon dies


async def test_a_call_that_ended_while_the_daemon_was_dead_is_there_once_and_ended(lab: Lab, daemon: Daemon) -> None:
    await lab.talk_in("79032220013", "101", did="4952150101")
    known = await daemon.event("call.answered", number="+79032220013")
    async with daemon.away():
        await lab.hang_up("101")
        await lab.quiet()
    [call] = (await daemon.supervisor.get("/calls", number="+79032220013"))["items"]
    assert (call["id"], call["state"], call["result"]) == (known["id"], "ended", "answered")
    assert (call["answered_by"], call["owner"]) == ("101", "rep101")


async def test_a_call_that_goes_on_is_followed_by_the_next_daemon(lab: Lab, daemon: Daemon) -> None:
    await lab.talk_in("79032220014", "101", did="4952150101")
    known = await daemon.event("call.answered", number="+79032220014")
    async with daemon.away():
        await lab.talk("101", "79032220014")
    await lab.refer("101", "103")
    await lab.answer("103")
    await lab.talk("103", "79032220014")
    await lab.hang_up("103")
    [ended] = await daemon.ended(1)
    assert (ended["id"], ended["answered_by"], ended["last_extension"]) == (known["id"], "101", "103")
    assert len((await daemon.supervisor.get("/calls", number="+79032220014"))["items"]) == 1


async def test_a_call_that_was_answered_while_the_daemon_was_dead_has_its_owner_and_deal(
    lab: Lab, daemon: Daemon
) -> None:
    await lab.call_in("79032220015", did="4952150102")
    rang = await daemon.event("call.rang", number="+79032220015")
    async with daemon.away():
        await lab.answer("102")
        await lab.talk("102", "79032220015")
    await lab.hang_up("102")
    [ended] = await daemon.ended(1)
    assert (ended["id"], ended["result"], ended["answered_by"]) == (rang["id"], "answered", "102")
    assert (await daemon.supervisor.get(f"/deals/{ended['deal_id']}"))["owner"] == "rep102"


async def test_a_call_that_began_while_the_daemon_was_dead_is_recovered(lab: Lab, daemon: Daemon) -> None:
    async with daemon.away():
        await lab.talk_in("79032220016", "103", did="4952150103")
    await lab.hang_up("103")
    [ended] = await daemon.ended(1)
    assert (ended["source"], ended["result"], ended["answered_by"]) == ("recovered", "answered", "103")
    assert (ended["number"], ended["did"], ended["owner"]) == ("+79032220016", "4952150103", "rep103")


# The PBX dies


async def test_calls_of_a_pbx_that_died_are_closed_and_no_click_is_kept_for_later(lab: Lab, daemon: Daemon) -> None:
    await lab.talk_in("79032220017", "101", did="4952150101")
    await daemon.event("call.answered", number="+79032220017")
    await lab.pbx.stop()
    await daemon.until(lambda: daemon.pbx_state == "down", "the link going down")
    await daemon.as_("rep107").ask("POST", "/calls", 409, json={"number": "79032220018"})
    await lab.restart_pbx()
    await daemon.until(lambda: daemon.pbx_state == "up", "the link coming up")
    [ended] = await daemon.ended(1)
    assert (ended["number"], ended["result"], ended["answered_by"]) == ("+79032220017", "answered", "101")
    await lab.talk_in("79032220019", "107", did="4952150107")
    await lab.hang_up("107")
    numbers = [call["number"] for call in await daemon.ended(2)]
    assert numbers == ["+79032220017", "+79032220019"]
