"""Recordings over HTTP: ranges, names, rights."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.sounds import wave
from tests.web.world import PBX, World
from zeoncrm.pipeline.call_events import CallRecorded
from zeoncrm.pipeline.recording_files import Archive
from zeoncrm.pipeline.recording_keeper import RecordingKeeper

SOUND = wave(2)


async def recorded(world: World, root: Path, name: str = "in-1.wav", extension: str = "101") -> str:
    """A call of this extension with a recording that is ready; its id."""
    world.services.archives[PBX] = Archive(root)  # type: ignore[index]
    (root / name).write_bytes(SOUND)
    call = await world.ring("101", "102")
    await world.answer(call, extension)
    await world.recorder.record(CallRecorded(call_id=call, at=world.clock(), file=f"/spool/{name}"))
    await world.end(call)
    keeper = RecordingKeeper(world.database, world.services.archives, lambda: world.directory, world.clock)
    for _ in range(2):
        world.clock.tick(seconds=2)
        await keeper.look()
    return call


async def test_a_call_tells_the_address_of_its_recording_which_plays(world: World, tmp_path: Path) -> None:
    call = await recorded(world, tmp_path)
    program = await world.api("anna")
    told = (await program.get(f"/api/v1/calls/{call}")).json
    assert told["recordings"] == [{"url": told["recording"], "name": "in-1.wav", "seconds": 2}]
    async with program.http.get(program.address + told["recording"]) as answer:
        assert (answer.status, await answer.read()) == (200, SOUND)
        assert answer.headers["Content-Type"] == "audio/wav"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["Content-Disposition"].startswith("inline")


async def test_a_player_gets_the_range_that_it_seeks(world: World, tmp_path: Path) -> None:
    call = await recorded(world, tmp_path)
    program = await world.api("anna")
    address = program.address + (await program.get(f"/api/v1/calls/{call}")).json["recording"]
    async with program.http.get(address, headers={"Range": "bytes=100-199"}) as answer:
        assert (answer.status, await answer.read()) == (206, SOUND[100:200])
        assert answer.headers["Content-Range"] == f"bytes 100-199/{len(SOUND)}"
    async with program.http.get(address, headers={"Range": f"bytes={len(SOUND)}-"}) as answer:
        assert answer.status == 416


async def test_a_copy_has_a_name_that_is_safe(world: World, tmp_path: Path) -> None:
    call = await recorded(world, tmp_path, 'Ива"н;\\ in.wav')
    program = await world.api("anna")
    address = program.address + (await program.get(f"/api/v1/calls/{call}")).json["recording"]
    async with program.http.get(f"{address}?download=1") as answer:
        disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename=\"________in.wav\"; filename*=UTF-8''%D0%98")


@pytest.mark.parametrize("login, may", [("anna", True), ("boris", False), ("sveta", True), ("ada", True)])
async def test_only_who_talked_and_supervisors_hear_it(world: World, tmp_path: Path, login: str, may: bool) -> None:
    call = await recorded(world, tmp_path)
    address = (await (await world.api("sveta")).get(f"/api/v1/calls/{call}")).json["recording"]
    program = await world.api(login)
    told = (await program.get(f"/api/v1/calls/{call}")).json
    assert (told["recording"] is not None, len(told["recordings"])) == (may, int(may))
    assert (await program.http.get(program.address + address)).status == (200 if may else 404)


@pytest.mark.parametrize("spoiled", ["gone", "linked", "packed", "of no folder"])
async def test_a_file_that_is_not_what_it_was_is_not_sent(world: World, tmp_path: Path, spoiled: str) -> None:
    root, outside = tmp_path / "monitor", tmp_path / "outside.wav"
    root.mkdir()
    outside.write_bytes(b"secret")
    call = await recorded(world, root)
    program = await world.api("sveta")
    address = program.address + (await program.get(f"/api/v1/calls/{call}")).json["recording"]
    match spoiled:
        case "gone":
            (root / "in-1.wav").unlink()
        case "linked":
            (root / "in-1.wav").unlink()
            (root / "in-1.wav").symlink_to(outside)
        case "packed":
            (root / "in-1.wav.gz").symlink_to(outside)
        case _:
            del world.services.archives[PBX]  # type: ignore[attr-defined]
    async with program.http.get(address) as answer:
        assert answer.status == 404
        assert (await answer.json())["detail"] == "no such recording"


async def test_the_browser_is_told_when_a_call_can_be_listened_to(world: World, tmp_path: Path) -> None:
    ear = await (await world.api("anna")).listen()
    call = await recorded(world, tmp_path)
    assert (await ear.until("recording.ready"))["call_id"] == call


async def test_an_old_recording_is_not_served(world: World, tmp_path: Path) -> None:
    call = await recorded(world, tmp_path)
    program = await world.api("sveta")
    address = program.address + (await program.get(f"/api/v1/calls/{call}")).json["recording"]
    archives = {PBX: Archive(tmp_path, days=7)}
    await RecordingKeeper(
        world.database, archives, lambda: world.directory, lambda: world.clock() + timedelta(days=8)
    ).age()
    assert (await program.http.get(address)).status == 404
    assert (await program.get(f"/api/v1/calls/{call}")).json["recording"] is None


async def test_the_journal_and_the_deal_have_a_player_for_those_who_may_hear(world: World, tmp_path: Path) -> None:
    call = await recorded(world, tmp_path)
    supervisor, rep, other = [await world.browser(login) for login in ("sveta", "anna", "boris")]
    deal = (await (await world.api("sveta")).get(f"/api/v1/calls/{call}")).json["deal_id"]
    for path in ("/calls", f"/deals/{deal}"):
        assert "/player" in (await supervisor.get(path)).text
        assert "/player" in (await rep.get(path)).text
    assert "/player" not in (await other.get("/calls")).text


async def test_a_player_tells_a_supervisor_alone_who_listened(world: World, tmp_path: Path) -> None:
    await recorded(world, tmp_path)
    supervisor, rep, other = [await world.browser(login) for login in ("sveta", "anna", "boris")]
    assert "Nobody has listened yet." in (await supervisor.get("/recordings/1/player")).text
    assert (await rep.http.get(f"{rep.address}/api/v1/recordings/1")).status == 200
    told = (await supervisor.get("/recordings/1/player")).text
    assert '<audio controls autoplay preload="metadata" src="/api/v1/recordings/1">' in told
    assert "Anna Ivanova listened" in told
    assert "listened" not in (await rep.get("/recordings/1/player")).text
    assert (await other.get("/recordings/1/player")).status == 404
