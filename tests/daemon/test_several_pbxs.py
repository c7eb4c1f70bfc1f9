"""Two PBXs at once: the same ids and extensions mean different calls and people, and one may be away."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from tests.ami.scripted_server import ScriptedServer
from tests.daemon.conftest import Prepare
from tests.daemon.process import SECRET, DaemonProcess
from tests.daemon.test_main_job import cut, recorded
from zeoncrm.pipeline.people import Role

PEOPLE = (
    ("anna", Role.REP, "101@north"),
    ("carl", Role.REP, "101@south"),
    ("sveta", Role.SUPERVISOR, "103"),
)
ACCOUNT = f'username = "zeoncrm"\nsecret = "{SECRET}"'


async def test_one_pbx_that_goes_away_disturbs_no_call_of_the_other(prepare: Prepare, tmp_path: Path) -> None:
    talking, _ = cut("direct_answered", b"BridgeLeave")
    async with AsyncExitStack() as stack, ScriptedServer() as south:
        north = await stack.enter_async_context(ScriptedServer())
        environ, token = await prepare(None, PEOPLE)
        pbxs = (
            f'[[pbx]]\nname = "{name}"\nport = {pbx.port}\n{ACCOUNT}\n'
            for name, pbx in (("north", north), ("south", south))
        )
        (tmp_path / "zeoncrm.toml").write_text("".join(pbxs))
        environ["ZEONCRM_CONFIG"] = str(tmp_path / "zeoncrm.toml")
        async with DaemonProcess(environ, token) as daemon:
            session = await north.session()
            await session.action("Status")
            await session.send(talking)
            await daemon.until("/api/v1/calls?state=talking", lambda found: len(found["items"]) == 1)
            await stack.aclose()
            await daemon.until("/readyz", lambda ready: ready["pbx"]["north"]["state"] == "down")

            other = await south.session()
            await other.action("Status")
            await other.send(b"".join(recorded("direct_answered")))
            calls = await daemon.until("/api/v1/calls", lambda found: found["items"][0]["state"] == "ended")
            ready = await daemon.get("/readyz")
            assert ready["pbx"]["south"]["state"] == "up"
            assert [(call["pbx"], call["owner"], call["state"]) for call in calls["items"]] == [
                ("south", "carl", "ended"),
                ("north", "anna", "talking"),
            ]

            await stack.enter_async_context(ScriptedServer(port=north.port))
            await daemon.until(
                "/api/v1/calls?state=ended",
                lambda found: (
                    {(call["pbx"], call["result"], call["owner"]) for call in found["items"]}
                    == {("south", "answered", "carl"), ("north", "answered", "anna")}
                ),
            )
