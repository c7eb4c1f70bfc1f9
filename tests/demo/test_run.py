"""The whole demo: the daemon that a real PBX gets, with the simulated one."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.patience import PATIENCE
from zeoncrm.demo.run import ABSENCE, Arrivals, Demo, running, welcome
from zeoncrm.demo.sample_calls import PBX
from zeoncrm.demo.sample_texts import PASSWORD, PEOPLE
from zeoncrm.pipeline.accounts import create_token
from zeoncrm.pipeline.people import viewer_of

HURRIED = 0.01


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo makes its temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


class Browser:
    """Somebody's live socket and API."""

    def __init__(self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._http = http
        self._socket = socket

    async def until(self, kind: str, **values: Any) -> Any:
        """The first message of a kind about a call with these values."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self._socket.receive_json()
                call = message.get("call", {})
                if message["type"] == kind and all(call.get(name) == value for name, value in values.items()):
                    return call

    async def post(self, path: str, body: Any) -> Any:
        async with self._http.post(path, json=body) as response:
            assert response.ok, await response.text()
            return await response.json()


async def token(demo: Demo, login: str) -> str:
    row = next(row for row in demo.daemon.directory.rows if row.login == login)
    return await create_token(demo.daemon.database, viewer_of(row), datetime.now(UTC))


async def test_the_phone_of_who_opens_a_page_rings(own_folder: Path) -> None:
    async with running(0, pace=HURRIED) as demo:
        headers = {"Authorization": f"Bearer {await token(demo, 'anna')}"}
        async with (
            aiohttp.ClientSession(demo.daemon.address, headers=headers) as http,
            http.ws_connect("/api/v1/live") as socket,
        ):
            browser = Browser(http, socket)
            # Of a caller who is hers she hears before any phone rings; her own must be among those that do.
            rang = await browser.until("call.rang", direction="inbound")
            while "101" not in {leg["extension"] for leg in rang["legs"]}:
                rang = await browser.until("call.rang", direction="inbound")
            await browser.until("call.ended", id=rang["id"])
    assert list(own_folder.iterdir()) == []


async def test_a_click_to_call_is_made() -> None:
    async with running(0, pace=HURRIED) as demo:
        headers = {"Authorization": f"Bearer {await token(demo, 'boris')}"}
        async with (
            aiohttp.ClientSession(demo.daemon.address, headers=headers) as http,
            http.ws_connect("/api/v1/live") as socket,
        ):
            browser = Browser(http, socket)
            while not demo.daemon.pbxs[PBX].is_up:
                await browser.until("pbx.changed")
            asked = await browser.post("/api/v1/calls", {"number": "+7 903 111-00-07"})
            ended = await browser.until("call.ended", id=asked["id"])
            assert (ended["result"], ended["answered_by"]) == ("answered", "102")


async def test_a_taken_port_is_said_and_nothing_is_left(own_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="address already in use"):
        async with running(taken.getsockname()[1]):
            pass
    assert list(own_folder.iterdir()) == []


def test_the_welcome_says_where_and_who() -> None:
    text = welcome("http://127.0.0.1:8080")
    assert "http://127.0.0.1:8080" in text
    assert PASSWORD in text
    assert all(person.login in text for person in PEOPLE)


def test_somebody_arrives_once_until_they_were_away_for_a_while() -> None:
    arrivals = Arrivals()
    assert arrivals.look({1}, 100) == [1]
    assert arrivals.look({1, 2}, 101) == [2]
    assert arrivals.look((), 130) == []
    assert arrivals.look({1}, 101 + ABSENCE) == []
    assert arrivals.look({1}, 102 + 2 * ABSENCE) == [1]
