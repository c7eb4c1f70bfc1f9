from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

from tests.patience import PATIENCE
from tests.web.client import Ear
from tests.web.world import World
from zeoncrm.config import WebConfig
from zeoncrm.doctor.findings import Finding
from zeoncrm.doctor.web import examine_web
from zeoncrm.pipeline import call_events as pbx
from zeoncrm.pipeline.contacts import change_contact
from zeoncrm.pipeline.deals import add_deal_note, change_deal
from zeoncrm.pipeline.events import PbxChanged
from zeoncrm.pipeline.people import Role, change_person
from zeoncrm.web.live import HUB, LOGGED_OUT, RIGHTS_CHANGED
from zeoncrm.web.live_messages import MESSAGES
from zeoncrm.web.server import create_app, serving

CALLS = ("call.rang", "call.answered", "call.changed", "call.ended")


async def hear(world: World, login: str, query: str = "") -> Ear:
    """Somebody's browser listens, and has been greeted."""
    ear = await (await world.browser(login)).listen(query)
    assert (await ear.next())["type"] == "hello"
    return ear


def mark(world: World, reason: str = "mark") -> None:
    """Something that everybody hears: whoever hears it has heard all that came before."""
    event = PbxChanged(people=frozenset(), pbx="main", state="up", since=world.clock(), reason=reason)
    world.bus.publish([event])


async def test_a_ringing_call_is_told_with_the_api_s_call(world: World) -> None:
    ear = await hear(world, "anna")
    call = await world.ring("101", name="Ivan")
    rang = await ear.next()
    assert list(rang) == ["id", "type", "call"]
    assert rang["type"] == "call.rang"
    assert rang["call"] == (await (await world.api("anna")).get(f"/api/v1/calls/{call}")).json


async def test_the_life_of_a_call_is_told_in_order(world: World) -> None:
    ear = await hear(world, "anna")
    call = await world.ring("101", "102")
    await world.answer(call, "101")
    await world.tell(
        pbx.LegEnded(call_id=call, at=world.clock(), extension="102", outcome=pbx.LegOutcome.ANSWERED_ELSEWHERE)
    )
    await world.end(call)
    messages = await ear.heard("call.ended")
    ids = [message["id"] for message in messages]
    assert ids == sorted(set(ids))
    types = [message["type"] for message in messages if message["type"].startswith("call.")]
    assert [each for index, each in enumerate(types) if types[index - 1 : index] != [each]] == list(CALLS)
    assert "deal.created" in [message["type"] for message in messages]


async def test_a_colleague_hears_of_the_call_until_it_is_taken_but_of_no_deal(world: World) -> None:
    anna, boris = await hear(world, "anna"), await hear(world, "boris")
    call = await world.ring("101", "102")
    await world.answer(call, "101")
    mark(world)
    heard = await boris.heard("pbx.changed")
    answered = next(message for message in heard if message["type"] == "call.answered")
    assert answered["call"]["answered_by"] == "101"
    assert (answered["call"]["deal_id"], answered["call"]["contact_id"]) == (None, None)
    assert not [message for message in heard if message["type"].startswith(("deal.", "contact."))]
    mine = next(message for message in await anna.heard("pbx.changed") if message["type"] == "call.answered")
    assert mine["call"]["deal_id"] is not None


async def test_a_rep_hears_nothing_of_what_is_a_colleagues(world: World) -> None:
    ear, chief = await hear(world, "anna"), await hear(world, "sveta")
    boris = world.person("boris")
    contact = await world.contact("boris")
    deal = await world.deal("boris", contact_id=contact.id)
    await change_deal(world.database, boris, deal.id, {"stage_id": 2}, None, world.clock())
    await change_deal(world.database, boris, deal.id, {"title": "Doors"}, None, world.clock())
    await add_deal_note(world.database, boris, deal.id, "confidential", world.clock())
    call = await world.ring("102")
    await world.answer(call, "102")
    await world.end(call)
    mark(world)
    assert [message["type"] for message in await ear.heard("pbx.changed")] == ["pbx.changed"]
    types = {message["type"] for message in await chief.heard("pbx.changed")}
    assert types >= {"contact.changed", "deal.created", "deal.moved", "deal.changed", "note.written", "call.ended"}


async def test_a_moved_deal_is_told_with_where_it_came_from(world: World) -> None:
    deal = await world.deal("anna")
    ear = await hear(world, "anna")
    await change_deal(world.database, world.person("sveta"), deal.id, {"stage_id": 3}, None, world.clock())
    moved = await ear.until("deal.moved")
    assert (moved["deal"]["stage_id"], moved["from_stage_id"]) == (3, deal.stage_id)
    assert moved["deal"] == (await (await world.api("anna")).get(f"/api/v1/deals/{deal.id}")).json


async def test_a_deal_that_is_given_away_is_gone_and_nothing_of_it_is_told(world: World) -> None:
    deal = await world.deal("anna", title="Windows")
    anna, boris = await hear(world, "anna"), await hear(world, "boris")
    changes = {"owner_id": world.person("boris").id, "title": "Hush"}
    await change_deal(world.database, world.person("sveta"), deal.id, changes, None, world.clock())
    gone = await anna.next()
    assert gone == {"id": gone["id"], "type": "deal.gone", "deal_id": deal.id}
    assert (await boris.next())["deal"]["title"] == "Hush"


async def test_a_call_in_progress_follows_its_deal_to_the_new_owner(world: World) -> None:
    contact = await world.contact("anna")
    deal = await world.deal("anna", contact_id=contact.id)
    call = await world.ring("103")
    await world.answer(call, "103")
    changes = {"owner_id": world.person("boris").id}
    await change_deal(world.database, world.person("sveta"), deal.id, changes, None, world.clock())
    anna, boris = await hear(world, "anna"), await hear(world, "boris")
    await world.end(call)
    mark(world)
    assert [message["type"] for message in await anna.heard("pbx.changed")] == ["pbx.changed"]
    assert (await boris.next())["call"]["deal_id"] == deal.id


async def test_a_contact_that_is_given_away_is_gone(world: World) -> None:
    contact = await world.contact("anna")
    ear = await hear(world, "anna")
    await change_contact(
        world.database,
        world.person("sveta"),
        contact.id,
        {"owner_id": world.person("boris").id},
        None,
        region="RU",
        at=world.clock(),
    )
    gone = await ear.next()
    assert gone == {"id": gone["id"], "type": "contact.gone", "contact_id": contact.id}


async def test_a_fresh_tab_is_greeted_with_the_running_calls_that_concern_it(world: World) -> None:
    mine = await world.ring("101")
    await world.ring("102")
    over = await world.ring("101")
    await world.end(over, pbx.CallResult.MISSED)
    hello = await (await (await world.browser("anna")).listen()).next()
    assert (hello["type"], hello["id"], hello["resumed"]) == ("hello", world.bus.last_id, False)
    assert [call["id"] for call in hello["calls"]] == [mine]
    assert hello["pbx"]["main"]["state"] == "up"
    assert len((await (await (await world.browser("sveta")).listen()).next())["calls"]) == 2


async def test_a_client_that_comes_back_hears_what_it_missed_and_no_more(world: World) -> None:
    browser = await world.browser("anna")
    last = (await (await browser.listen()).next())["id"]
    call = await world.ring("101")
    await world.ring("102")
    ear = await browser.listen(f"?after={last}")
    hello = await ear.next()
    assert (hello["type"], hello["id"], hello["resumed"]) == ("hello", last, True)
    mark(world)
    heard = await ear.heard("pbx.changed")
    assert {message["call"]["id"] for message in heard[:-1]} == {call}
    assert heard[0]["id"] > last


@pytest.mark.parametrize("after", ["1", "9223372036854775807"])
async def test_a_client_that_was_away_for_too_long_is_told_to_read_again(world: World, after: str) -> None:
    mark(world)
    ear = await hear(world, "anna", f"?after={after}")
    assert await ear.next() == {"id": world.bus.last_id, "type": "resync"}


@pytest.mark.parametrize("after", ["-1", "x", "9223372036854775808", "1.5"])
async def test_a_place_that_can_not_be_is_refused(world: World, after: str) -> None:
    browser = await world.browser("anna")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.listen(f"?after={after}")
    assert refused.value.status == 422


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
async def test_another_sites_page_can_not_listen(world: World, headers: dict[str, str]) -> None:
    browser = await world.browser("anna")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.listen(headers=headers)
    assert refused.value.status == 403


async def test_a_program_listens_with_its_token_and_a_stranger_not_at_all(world: World) -> None:
    ear = await (await world.api("anna")).listen()
    assert (await ear.next())["type"] == "hello"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await (await world.api()).listen()
    assert refused.value.status == 401


async def test_what_is_no_websocket_is_told_so(world: World) -> None:
    assert (await (await world.api("anna")).get("/api/v1/live")).status == 400


async def test_logging_out_closes_every_tab_of_the_session_and_no_other(world: World) -> None:
    browser = await world.browser("anna")
    tabs = [await browser.listen(), await browser.listen()]
    other = await hear(world, "anna")
    await browser.post("/logout")
    assert [await tab.close_code() for tab in tabs] == [LOGGED_OUT, LOGGED_OUT]
    mark(world)
    assert (await other.next())["type"] == "pbx.changed"


@pytest.mark.parametrize("role, active, code", [(Role.SUPERVISOR, True, RIGHTS_CHANGED), (Role.REP, False, LOGGED_OUT)])
async def test_changed_rights_close_the_socket(world: World, role: Role, active: bool, code: int) -> None:
    by_session, by_token = await hear(world, "anna"), await (await world.api("anna")).listen()
    anna = world.person("anna")
    await change_person(
        world.database, anna.id, name="Anna", role=role, active=active, extensions=["101"], outside=[], region="RU"
    )
    assert await by_session.close_code() == code
    assert await by_token.close_code() == code


async def test_a_client_that_does_not_read_is_closed_and_keeps_nobody_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zeoncrm.web.live.MOST_WAITING", 50)
    monkeypatch.setattr("zeoncrm.web.live.CLOSE_SECONDS", 0.1)
    good = await hear(world, "boris")
    hub = world.app[HUB]
    with await _deaf_client(world, await world.token("anna")) as deaf:
        async with asyncio.timeout(PATIENCE):
            while len(hub.clients) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
            sent = 0
            while len(hub.clients) == 2:
                mark(world, f"{sent}" + "x" * 50_000)
                sent += 1
                reason = (await good.next())["pbx"]["reason"]
                assert reason.startswith(f"{sent - 1}x")
        assert [client.viewer.login for client in hub.clients] == ["boris"]
        assert deaf.fileno() >= 0


async def _deaf_client(world: World, token: str) -> socket.socket:
    """A WebSocket client that says hello and never reads again."""
    port = int(world.address.rpartition(":")[2])
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, ("127.0.0.1", port))
    request = (
        f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await loop.sock_sendall(deaf, request.encode())
    return deaf


async def test_a_stop_closes_the_sockets_at_once(world: World) -> None:
    async with serving(create_app(world.services), "127.0.0.1", 0) as address:
        program = await world.api("anna")
        program.address = address
        ear = await program.listen()
        closing = asyncio.create_task(ear.close_code())
        await asyncio.sleep(0)
    assert await closing == aiohttp.WSCloseCode.GOING_AWAY


async def test_every_message_type_is_described(world: World) -> None:
    document = (await (await world.api()).get("/api/v1/openapi.json")).json
    words = document["paths"]["/api/v1/live"]["get"]["description"]
    for type_ in (*(type_ for type_, _ in MESSAGES.values()), "deal.gone", "contact.gone", "hello", "resync"):
        assert type_ in words


async def test_doctor_sees_that_a_live_socket_could_be_opened_at_the_public_address(world: World) -> None:
    found: list[Finding] = []
    port = int(world.address.rpartition(":")[2])
    await examine_web(WebConfig(port=port, public_url=world.address), found.append)
    assert [each.text for each in found if each.id is None][-1] == f"{world.address} leads here, live socket too"
    browser = await world.browser()
    elsewhere = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Origin": "http://x"}
    for headers in (elsewhere, {}):
        answer = await browser.get("/api/v1/live", headers=headers)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
