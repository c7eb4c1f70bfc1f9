"""The daemon as a process against an AMI server: a call becomes a deal, whatever happens to the daemon meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.ami.scripted_server import Behaviour, Channel, ScriptedServer, refusal
from tests.daemon.conftest import Prepare
from tests.daemon.process import DaemonProcess, command

RECORDINGS = Path(__file__).parents[1] / "recordings" / "asterisk22"


def recorded(name: str) -> list[bytes]:
    """The events of a recorded call, each with its closing blank line."""
    frames = (RECORDINGS / f"{name}.ami").read_bytes().split(b"\r\n\r\n")
    return [frame + b"\r\n\r\n" for frame in frames if frame.startswith(b"Event: ") and b"FullyBooted" not in frame]


def cut(name: str, before: bytes) -> tuple[bytes, bytes]:
    """A recorded call in two: what came before the first event of this type, and the rest."""
    frames = recorded(name)
    at = next(index for index, frame in enumerate(frames) if frame.startswith(b"Event: " + before))
    return b"".join(frames[:at]), b"".join(frames[at:])


@dataclass(frozen=True)
class Talking(Channel):
    """A line of `Status` for a channel in the conversation."""

    caller: str = ""
    exten: str = ""

    def entry(self, action_id: str) -> bytes:
        plain = super().entry(action_id).replace(b"CallerIDNum: 101", b"CallerIDNum: " + self.caller.encode())
        plain = plain.replace(b"Exten: s", b"Exten: " + self.exten.encode())
        return plain.replace(b"BridgeID: ", b"BridgeID: e7f966ba-618d-4fc3-a90c-bcf183266afa")


GOING_ON = (
    Talking("PJSIP/trunk-00000000", "1795293629.0", "1795293629.0", caller="79031110000", exten="4952150000"),
    Talking("PJSIP/101-00000001", "1795293629.1", "1795293629.0", caller="101", exten=""),
)


async def test_an_answered_call_stands_in_unsorted_with_whoever_picked_up(prepare: Prepare) -> None:
    async with ScriptedServer() as pbx:
        environ, token = await prepare(pbx.port)
        async with DaemonProcess(environ, token) as daemon:
            session = await pbx.session()
            await session.action("Status")
            await session.send(b"".join(recorded("direct_answered")))
            calls = await daemon.until(
                "/api/v1/calls", lambda found: found["items"][:1] and found["items"][0]["result"]
            )
            deal = await daemon.get(f"/api/v1/deals/{calls['items'][0]['deal_id']}")
            pipelines = await daemon.get("/api/v1/pipelines")
            contact = await daemon.get("/api/v1/contacts?phone=8 903 111-00-00")

    call = calls["items"][0]
    assert (call["result"], call["answered_by"], call["owner"]) == ("answered", "101", "anna")
    assert (deal["owner"], deal["contact_id"]) == ("anna", call["contact_id"])
    stages = (pipelines.get("items") or pipelines)[0]["stages"]
    assert [stage["kind"] for stage in stages if stage["id"] == deal["stage_id"]] == ["unsorted"]
    assert [each["id"] for each in contact["items"]] == [call["contact_id"]]


@pytest.mark.parametrize("still_there", [False, True], ids=["it ended meanwhile", "it goes on"])
async def test_a_daemon_killed_mid_call_shows_the_call_once_with_its_owner(prepare: Prepare, still_there: bool) -> None:
    talking, rest = cut("direct_answered", b"BridgeLeave")
    later = Behaviour(channels=GOING_ON if still_there else ())
    async with ScriptedServer(Behaviour(), later) as pbx:
        environ, token = await prepare(pbx.port)
        async with DaemonProcess(environ, token) as daemon:
            session = await pbx.session()
            await session.action("Status")
            await session.send(talking)
            await daemon.until("/api/v1/calls?state=talking", lambda found: len(found["items"]) == 1)
            await daemon.kill()
        async with DaemonProcess(environ, token) as daemon:
            session = await pbx.session()
            await session.action("Status")
            if still_there:
                await daemon.until("/readyz", lambda ready: ready["pbx"]["main"]["state"] == "up")
                assert [call["state"] for call in (await daemon.get("/api/v1/calls"))["items"]] == ["talking"]
                await session.send(rest)
            calls = await daemon.until("/api/v1/calls", lambda found: found["items"][0]["state"] == "ended")
            deals = await daemon.get("/api/v1/deals")

    assert len(calls["items"]) == 1
    call = calls["items"][0]
    assert (call["result"], call["answered_by"], call["owner"]) == ("answered", "101", "anna")
    assert [deal["owner"] for deal in deals["items"]] == ["anna"]


async def test_a_call_that_began_while_the_daemon_was_off_is_picked_up(prepare: Prepare) -> None:
    _, rest = cut("direct_answered", b"BridgeLeave")
    async with ScriptedServer(Behaviour(channels=GOING_ON)) as pbx:
        environ, token = await prepare(pbx.port)
        async with DaemonProcess(environ, token) as daemon:
            session = await pbx.session()
            await daemon.until("/api/v1/calls?state=talking", lambda found: len(found["items"]) == 1)
            await session.send(rest)
            calls = await daemon.until("/api/v1/calls", lambda found: found["items"][0]["state"] == "ended")

    call = calls["items"][0]
    assert (call["source"], call["result"], call["owner"]) == ("recovered", "answered", "anna")


async def test_calls_of_a_pbx_that_has_another_name_now_are_ended(prepare: Prepare) -> None:
    talking, _ = cut("direct_answered", b"BridgeLeave")
    async with ScriptedServer() as pbx:
        environ, token = await prepare(pbx.port)
        async with DaemonProcess(environ, token) as daemon:
            session = await pbx.session()
            await session.action("Status")
            await session.send(talking)
            await daemon.until("/api/v1/calls?state=talking", lambda found: len(found["items"]) == 1)
            await daemon.kill()
        async with DaemonProcess(environ | {"ZEONCRM_PBX__NAME": "hq"}, token) as daemon:
            calls = await daemon.until("/api/v1/calls", lambda found: found["items"][0]["state"] == "ended")
            told = await daemon.logged("calls of a PBX that is not in the configuration are ended")

    assert [(call["pbx"], call["result"], call["owner"]) for call in calls["items"]] == [("main", "answered", "anna")]
    assert (told["pbx"], told["calls"]) == ("main", 1)


async def test_the_pbx_may_be_away_and_readiness_says_so(prepare: Prepare) -> None:
    async with ScriptedServer() as pbx:
        environ, token = await prepare(pbx.port)
    async with DaemonProcess(environ, token) as daemon:
        ready = await daemon.until("/readyz", lambda found: found["pbx"]["main"]["state"] == "down")

    assert ready["database"] == "ok"
    assert "refused" in ready["pbx"]["main"]["reason"].lower()


async def test_a_person_added_while_the_daemon_runs_owns_what_they_answer(prepare: Prepare) -> None:
    async with ScriptedServer() as pbx:
        environ, token = await prepare(pbx.port)
        async with DaemonProcess(environ, token) as daemon:
            session = await pbx.session()
            await session.action("Status")
            await command(environ, "user", "add", "vera", "--name", "Vera", "--role", "rep", "--extension", "104")
            vera = (await command(environ, "token", "create", "vera")).strip()
            await daemon.until("/api/v1/me", lambda found: found["extensions"], vera)
            await session.send(b"".join(recorded("direct_answered")).replace(b"101", b"104"))
            calls = await daemon.until("/api/v1/calls?state=ended", lambda found: found["items"])

    assert (calls["items"][0]["answered_by"], calls["items"][0]["owner"]) == ("104", "vera")


async def test_an_account_without_the_right_to_originate_is_told_with_the_remedy(prepare: Prepare) -> None:
    async with ScriptedServer(Behaviour(unanswered=frozenset({"Originate"}))) as pbx:
        environ, token = await prepare(pbx.port)
        async with DaemonProcess(environ, token) as daemon, aiohttp.ClientSession(daemon.address) as http:
            session = await pbx.session()
            await daemon.until("/readyz", lambda found: found["pbx"]["main"]["state"] == "up")
            asking = asyncio.create_task(
                http.post(
                    "/api/v1/calls", json={"number": "+79990001122"}, headers={"Authorization": f"Bearer {token}"}
                )
            )
            await session.send(refusal(await session.action("Originate"), "Permission denied"))
            answer = await (await asking).json()
            logged = await daemon.logged("pbx refused")

    assert answer["detail"] == "the telephone system refused this; the log says why"
    assert (logged["pbx"], logged["remedy"]) == ("main", "the account needs write = call,originate")


async def test_a_message_without_an_end_is_dropped_counted_and_disturbs_no_call(prepare: Prepare) -> None:
    endless = b"Event: Newchannel\r\nChannel: " + b"x" * (1 << 20) + b"\r\n\r\n"
    async with ScriptedServer() as pbx:
        environ, token = await prepare(pbx.port)
        async with DaemonProcess(environ, token) as daemon:
            session = await pbx.session()
            await session.action("Status")
            await session.send(endless + b"".join(recorded("direct_answered")))
            calls = await daemon.until("/api/v1/calls?state=ended", lambda found: found["items"])
            counted = await daemon.text("/metrics")

    assert [call["result"] for call in calls["items"]] == ["answered"]
    assert 'zeoncrm_ami_dropped_total{pbx="main"} 1.0' in counted
    assert 'zeoncrm_ami_unparsable_total{pbx="main"} 0.0' in counted
