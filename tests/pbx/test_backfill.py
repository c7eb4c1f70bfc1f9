"""Calls of which the daemon heard nothing, or not all: it has them from the PBX's own records."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.patience import PATIENCE
from tests.pbx.daemon import Daemon
from tests.pbx.faulty_link import FaultyLink
from tests.pbx.lab import Lab

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", ["22"], indirect=True),
    pytest.mark.leaks_allowed("a daemon that was started again has another live socket than before the test"),
]


async def _filled(daemon: Daemon, number: str, **facts: Any) -> Any:
    """The one call of this number, once it is as the records have it. The live socket may have joined too late."""
    calls: list[Any] = []
    # What is very new is read again after some seconds.
    for _ in range(int(4 * PATIENCE / 0.1)):
        calls = await _with_number(daemon, number)
        if calls and facts.items() <= calls[0].items():
            assert len(calls) == 1
            return calls[0]
        await asyncio.sleep(0.1)
    raise AssertionError(f"no call of {number} with {facts}, but {calls}; {daemon.last_words()}")


async def _with_number(daemon: Daemon, number: str) -> list[Any]:
    found = await daemon.supervisor.get("/calls", number=f"+{number}")
    return list(found["items"])


async def test_calls_that_came_and_went_while_the_daemon_was_dead_are_filled_in_once(lab: Lab, daemon: Daemon) -> None:
    async with daemon.away():
        await lab.talk_in("79033330001", "101", did="4952150101")
        await lab.press("101", "#1103")
        await lab.answer("103")
        await lab.talk("103", "79033330001")
        await lab.hang_up("103")
        await lab.call_in("79033330002", did="4952150001")
        await lab.rings("102")
        await lab.hang_up("79033330002")
        await lab.dial_from("104", "79033330003")
        await lab.answer("79033330003")
        await lab.talk("104", "79033330003")
        await lab.hang_up("104")
        await lab.dial_from("105", "106")
        await lab.rings("106")
        await lab.hang_up("105")
        await lab.quiet()
        await lab.call_records()
    answered = await _filled(daemon, "79033330001")
    missed = await _filled(daemon, "79033330002")
    called = await _filled(daemon, "79033330003")
    facts = ("number", "direction", "result", "answered_by", "last_extension", "source", "owner")
    assert [answered[name] for name in facts] == [
        *("+79033330001", "inbound", "answered", "101", "103", "backfilled", "rep101"),
    ]
    assert [missed[name] for name in facts] == [
        *("+79033330002", "inbound", "missed", None, None, "backfilled", None),
    ]
    assert (missed["reached"], missed["queue"]) == ("queue", "sales")
    assert [called[name] for name in facts] == [
        *("+79033330003", "outbound", "answered", "104", "104", "backfilled", "rep104"),
    ]
    assert (await daemon.supervisor.get(f"/deals/{answered['deal_id']}"))["owner"] == "rep101"
    assert not any(event["type"] == "call.rang" for event in daemon.events)
    async with daemon.away():
        pass
    await _one_more_call(lab, daemon)
    for number in ("79033330001", "79033330002", "79033330003"):
        assert len(await _with_number(daemon, number)) == 1


async def test_records_that_were_rotated_and_compressed_while_the_daemon_was_dead_are_read_on(
    lab: Lab, daemon: Daemon
) -> None:
    async with daemon.away():
        for number, age in (("79033330011", 2), ("79033330012", 1)):
            await lab.talk_in(number, "101", did="4952150101")
            await lab.hang_up("101")
            await lab.quiet()
            await lab.call_records()
            older = lab.pbx.cdr.rename(lab.pbx.cdr.with_name(f"{lab.pbx.cdr.name}.{age}"))
            gzip = await asyncio.create_subprocess_exec("gzip", "--force", older)
            assert await gzip.wait() == 0
        await lab.talk_in("79033330013", "102", did="4952150102")
        await lab.hang_up("102")
        await lab.quiet()
        await lab.call_records()
    for number, extension in (("79033330011", "101"), ("79033330012", "101"), ("79033330013", "102")):
        call = await _filled(daemon, number)
        assert (call["source"], call["answered_by"]) == ("backfilled", extension)


async def _one_more_call(lab: Lab, daemon: Daemon) -> None:
    """One that is filled in: by then all before it has been looked at."""
    async with daemon.away():
        await lab.talk_in("79033330009", "108", did="4952150108")
        await lab.hang_up("108")
        await lab.quiet()
        await lab.call_records()
    await _filled(daemon, "79033330009", source="backfilled")


async def test_a_call_that_rang_when_the_daemon_died_has_its_answer_and_owner(lab: Lab, daemon: Daemon) -> None:
    await lab.call_in("79033330004", did="4952150102")
    rang = await daemon.event("call.rang", number="+79033330004")
    async with daemon.away():
        await lab.answer("102")
        await lab.talk("102", "79033330004")
        await lab.hang_up("79033330004")
        await lab.quiet()
        await lab.call_records()
    call = await _filled(daemon, "79033330004", result="answered")
    assert (call["id"], call["state"], call["answered_by"], call["owner"]) == (rang["id"], "ended", "102", "rep102")
    assert [leg["outcome"] for leg in call["legs"]] == ["answered"]
    assert (await daemon.supervisor.get(f"/deals/{call['deal_id']}"))["owner"] == "rep102"


async def test_who_answered_first_is_known_of_a_call_that_was_found_in_progress(lab: Lab, daemon: Daemon) -> None:
    await _found_in_progress(lab, daemon, "79033330005")


async def test_that_is_known_too_where_ami_alone_tells_of_records(
    lab: Lab, running_lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with Daemon(tmp_path_factory.mktemp("events"), running_lab, cdr="ami") as daemon:
        await _found_in_progress(lab, daemon, "79033330014")


async def _found_in_progress(lab: Lab, daemon: Daemon, number: str) -> None:
    async with daemon.away():
        await lab.talk_in(number, "101", did="4952150101")
        await lab.refer("101", "103")
        await lab.answer("103")
        await lab.talk("103", number)
    await lab.hang_up(number)
    [ended] = await daemon.ended(1)
    assert (ended["source"], ended["answered_by"]) == ("recovered", "103")
    call = await _filled(daemon, number, answered_by="101")
    assert (call["state"], call["last_extension"], call["owner"], call["source"]) == (
        *("ended", "103", "rep101", "recovered"),
    )


@pytest.mark.parametrize("code, did", [("303", "4952150030"), ("311", "4952150040")], ids=["conference", "agent"])
async def test_who_came_to_a_rep_who_waits_is_filled_in_beside_who_was_heard(
    lab: Lab, daemon: Daemon, code: str, did: str
) -> None:
    heard, unheard, other = (f"7903333{place}{code}" for place in (1, 2, 3))
    await lab.dial_from("101", code)
    await _free(lab, code)
    await _comes_and_goes(lab, heard, did)
    await daemon.event("call.ended", number=f"+{heard}")
    async with daemon.away():
        await _free(lab, code)
        await _comes_and_goes(lab, unheard, did)
        await lab.talk_in(other, "108", did="4952150108")
        await lab.hang_up("108")
        await lab.gone("108")
        await lab.call_records()
    await _filled(daemon, other)
    # Whether they were missed is not known as long as the rep is there.
    assert await _with_number(daemon, unheard) == []
    async with daemon.away():  # else they would be looked at minutes later
        await lab.hang_up("101")
        await lab.quiet()
        await lab.call_records()
    call = await _filled(daemon, unheard)
    facts = ("direction", "result", "answered_by", "owner", "source", "did")
    assert [call[name] for name in facts] == ["inbound", "answered", "101", "rep101", "backfilled", did]
    [call] = await _with_number(daemon, heard)
    assert [call[name] for name in facts] == ["inbound", "answered", "101", "rep101", "live", did]


async def _free(lab: Lab, code: str) -> None:
    """The rep waits for the next caller: in the conference, or as an agent."""
    await (lab.bridged("101") if code == "303" else lab.agent_is_free("101"))


async def _comes_and_goes(lab: Lab, number: str, did: str) -> None:
    await lab.call_in(number, did=did)
    await lab.talk("101", number)
    await lab.hang_up(number)
    await lab.gone(number)


async def test_a_pulled_cable_costs_no_call_and_no_answer(
    lab: Lab, distant_daemon: Daemon, faulty_link: FaultyLink
) -> None:
    daemon = distant_daemon
    daemon.forget()
    await lab.call_in("79033330006", did="4952150101")
    rang = await daemon.event("call.rang", number="+79033330006")
    faulty_link.lose()
    await lab.answer("101")
    await lab.talk("101", "79033330006")
    await lab.hang_up("79033330006")
    await lab.talk_in("79033330007", "102", did="4952150102")
    await lab.hang_up("102")
    await lab.quiet()
    await daemon.until(lambda: daemon.pbx_state == "down", "the cable being noticed")
    faulty_link.heal()
    call = await _filled(daemon, "79033330006", result="answered")
    assert (call["id"], call["state"], call["answered_by"], call["owner"]) == (rang["id"], "ended", "101", "rep101")
    other = await _filled(daemon, "79033330007")
    assert (other["source"], other["result"], other["owner"]) == ("backfilled", "answered", "rep102")
    assert (await daemon.supervisor.get("/calls", state="talking"))["items"] == []
    assert (await daemon.supervisor.get("/calls", state="ringing"))["items"] == []
