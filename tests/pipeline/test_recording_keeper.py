"""When a call can be listened to, by whom, and for how long."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.pipeline.firm import IVAN, PBX, Firm, until
from tests.sounds import wave
from zeoncrm.pipeline import events
from zeoncrm.pipeline.backfill import CallsTold
from zeoncrm.pipeline.call_access import may_listen
from zeoncrm.pipeline.call_events import CallEvent, CallMerged, CallRecorded, CallResult, Direction, Source
from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.calls import Call, CallState
from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.journal import get_call
from zeoncrm.pipeline.recording_files import Archive
from zeoncrm.pipeline.recording_keeper import RecordingKeeper
from zeoncrm.pipeline.recordings import Access, listeners, note_recording, open_recording
from zeoncrm.store import recordings as store
from zeoncrm.store.recordings import RecordingRow


class Tape:
    """The PBX's folder and the keeper that looks into it."""

    def __init__(self, firm: Firm, root: Path) -> None:
        self.firm, self.root = firm, root
        self.archives = {PBX: Archive(root)}
        self.keeper = self.another_keeper()

    def another_keeper(self, days: int = 0, *, delete: bool = False) -> RecordingKeeper:
        self.archives = {PBX: Archive(self.root, days, delete)}
        keeper = RecordingKeeper(self.firm.database, self.archives, lambda: self.firm.directory, lambda: self.firm.now)
        self.firm.bus.subscribe(keeper.follow)
        return keeper

    def write(self, name: str, sound: bytes = wave(3)) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(sound)

    async def recorded(self, extension: str = "101", file: str = "/var/spool/asterisk/monitor/in.wav") -> CallEvent:
        """A whole call that was recorded, or is said to be."""
        firm = self.firm
        call = firm.inbound()
        await firm.record(call, firm.rang(call, "102"), firm.answered(call, extension), self.named(call, file))
        await firm.record(firm.ended(call))
        return call

    def named(self, call: CallEvent, file: str) -> CallRecorded:
        return CallRecorded(call_id=call.call_id, at=self.firm.tick(), file=file)

    async def look(self, times: int = 2) -> None:
        for _ in range(times):
            self.firm.tick(2)
            await self.keeper.look()

    def take_away(self) -> None:
        self.root.rename(self.root.with_name("away"))

    def bring_back(self) -> None:
        self.root.with_name("away").rename(self.root)

    async def wait(self, wanted: timedelta) -> None:
        """Let time pass as the keeper's `run` does, with looks at the folder and into it."""
        self.firm.tick(wanted.total_seconds())
        await self.keeper.look_at_folders()
        await self.look()

    async def expected(self) -> int:
        """Of how many recordings a file may still come."""
        async with self.firm.database.read() as connection:
            return len(await store.expected(connection, [PBX]))

    async def of(self, call: CallEvent) -> tuple[RecordingRow, ...]:
        return view_of(await self.firm.call(call)).recordings


@pytest.fixture
def tape(firm: Firm, tmp_path: Path) -> Tape:
    root = tmp_path / "monitor"
    root.mkdir()
    return Tape(firm, root)


async def test_a_recording_is_listed_once_its_call_is_over_and_its_file_whole(firm: Firm, tape: Tape) -> None:
    call = firm.inbound()
    await firm.record(call, firm.answered(call, "101"), tape.named(call, "/x/in.wav"))
    tape.write("in.wav", wave(3, finished=False))
    await tape.look()
    assert await tape.of(call) == ()
    await firm.record(firm.ended(call))
    await tape.look()
    assert await tape.of(call) == ()
    tape.write("in.wav")
    await tape.look()
    [recording] = await tape.of(call)
    assert (recording.name, recording.path, recording.seconds) == ("in.wav", "in.wav", 3)
    assert [event.call_id for event in firm.heard(events.RecordingReady)] == [call.call_id]


async def test_a_file_that_grows_is_waited_for_whatever_its_kind(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded(file="in.mp3")
    for size in (10, 20, 30):
        tape.write("in.mp3", b"x" * size)
        await tape.look(1)
    assert await tape.of(call) == ()
    await tape.look(1)
    assert [row.name for row in await tape.of(call)] == ["in.mp3"]


async def test_a_file_whose_header_is_never_completed_is_listed_in_the_end(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded()
    tape.write("in.wav", wave(3, finished=False))
    await tape.look()
    assert await tape.of(call) == ()
    firm.tick(3600)
    await tape.look()
    assert [row.seconds for row in await tape.of(call)] == [None]


async def test_a_call_in_which_nothing_was_said_has_no_recording(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded()
    tape.write("in.wav", wave(0))
    await tape.look()
    firm.tick(3600)
    await tape.look()
    assert await tape.of(call) == ()


async def test_a_file_that_is_named_long_after_the_call_is_listed_soon_after(firm: Firm, tape: Tape) -> None:
    call = await firm.answered_call()
    firm.tick(3600)
    await tape.look()
    async with firm.database.write() as tx:
        await note_recording(tx, call.values["id"], "in.wav", call.values["started_at"])
    tape.write("in.wav")
    firm.tick(300)
    await tape.look()
    view = await get_call(firm.database, firm.person("sveta"), call.values["id"])
    assert [row.name for row in view.recordings] == ["in.wav"]


async def test_the_same_file_named_twice_is_one_recording(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded()
    async with firm.database.write() as tx:
        await note_recording(tx, call.call_id, "in.wav", firm.now)
    tape.write("in.wav")
    await tape.look()
    assert len(await tape.of(call)) == 1


async def test_a_call_that_turns_out_to_be_part_of_another_takes_its_recording_along(firm: Firm, tape: Tape) -> None:
    one, two = firm.inbound(), firm.inbound()
    await firm.record(one, two, tape.named(two, "early.wav"), tape.named(one, "own.wav"))
    merged = CallMerged(call_id=two.call_id, at=firm.tick(), into=one.call_id)
    await firm.record(merged, tape.named(two, "late.wav"), firm.answered(one, "101"))
    await firm.record(firm.ended(one))
    for name in ("early.wav", "own.wav", "late.wav"):
        tape.write(name)
    await tape.look()
    assert sorted(row.name for row in await tape.of(one)) == ["early.wav", "late.wav", "own.wav"]


async def test_a_call_of_which_no_file_is_named_is_found_by_its_id_in_a_files_name(firm: Firm, tape: Tape) -> None:
    call = firm.inbound(linkedid="pbx-1772490600.12")
    await firm.record(call, firm.answered(call, "101"))
    await firm.record(firm.ended(call))
    tape.write("in-79031112233-1772490600.12.wav")
    firm.tick(60)
    await tape.look()
    assert [row.name for row in await tape.of(call)] == ["in-79031112233-1772490600.12.wav"]


async def test_a_restart_searches_for_what_was_recorded_meanwhile(firm: Firm, tape: Tape) -> None:
    call = firm.inbound(linkedid="1772490600.12")
    await firm.record(call, firm.answered(call, "101"))
    await firm.record(firm.ended(call))
    tape.write("1772490600.12.wav")
    tape.keeper = tape.another_keeper()
    await tape.keeper.catch_up()
    await tape.look()
    assert len(await tape.of(call)) == 1


async def test_who_talked_or_owns_the_call_listens_and_whose_phone_only_rang_does_not(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded("101")
    tape.write("in.wav")
    await tape.look()
    views = {
        login: await get_call(firm.database, firm.person(login), call.call_id) for login in ("anna", "boris", "sveta")
    }
    assert {login: may_listen(view, firm.person(login)) for login, view in views.items()} == {
        "anna": True,
        "boris": False,
        "sveta": True,
    }
    [recording] = await tape.of(call)
    arguments = (firm.database, tape.archives)
    audio = await open_recording(*arguments, firm.person("anna"), recording.id, Access.PLAYED, firm.now)
    assert audio.file == tape.root / "in.wav"
    with pytest.raises(NotFound):
        await open_recording(*arguments, firm.person("boris"), recording.id, Access.PLAYED, firm.now)


async def test_who_listened_is_kept_once_a_listening_and_told_to_a_supervisor(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded("101")
    tape.write("in.wav")
    await tape.look()
    [recording] = await tape.of(call)
    anna, sveta = firm.person("anna"), firm.person("sveta")
    for kind, minutes in ((Access.PLAYED, 0), (Access.PLAYED, 1), (Access.DOWNLOADED, 1), (Access.PLAYED, 60)):
        at = firm.tick(60 * minutes)
        await open_recording(firm.database, tape.archives, anna, recording.id, kind, at)
    told = [(row.name, row.kind) for row in await listeners(firm.database, sveta, recording.id)]
    assert told == [("Anna Ivanova", "played"), ("Anna Ivanova", "downloaded"), ("Anna Ivanova", "played")]
    assert await listeners(firm.database, anna, recording.id) == []


async def test_what_is_too_old_is_no_longer_listed_and_is_again_when_the_days_are_raised(
    firm: Firm, tape: Tape
) -> None:
    call = await tape.recorded()
    tape.write("in.wav")
    await tape.look()
    [recording] = await tape.of(call)
    firm.tick(timedelta(days=8).total_seconds())
    await tape.another_keeper(days=7).age()
    assert await tape.of(call) == ()
    with pytest.raises(NotFound):
        await open_recording(firm.database, tape.archives, firm.person("anna"), recording.id, Access.PLAYED, firm.now)
    assert (tape.root / "in.wav").exists()
    await tape.another_keeper(days=30).age()
    assert len(await tape.of(call)) == 1


async def test_old_files_are_deleted_only_where_that_is_configured(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded()
    tape.write("in.wav")
    tape.write("other.wav")
    await tape.look()
    firm.tick(timedelta(days=8).total_seconds())
    await tape.another_keeper(days=7, delete=True).age()
    assert sorted(file.name for file in tape.root.iterdir()) == ["other.wav"]
    await tape.another_keeper().age()
    assert await tape.of(call) == ()


async def test_old_files_in_a_folder_that_is_away_are_deleted_when_it_is_back(firm: Firm, tape: Tape) -> None:
    await tape.recorded()
    tape.write("in.wav")
    tape.write("other.wav")
    await tape.look()
    tape.take_away()
    firm.tick(timedelta(days=8).total_seconds())
    keeper = tape.another_keeper(days=7, delete=True)
    await keeper.age()
    tape.bring_back()
    firm.tick(3600)
    await keeper.age()
    assert [file.name for file in tape.root.iterdir()] == ["other.wav"]


async def test_a_file_that_never_comes_is_given_up_after_two_days(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded()
    await tape.look()
    firm.tick(timedelta(days=3).total_seconds())
    await tape.look()
    tape.write("in.wav")
    await tape.look()
    assert await tape.of(call) == ()


async def test_what_was_recorded_is_not_given_up_while_its_folder_is_away(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded()
    tape.write("in.wav")
    tape.take_away()
    await tape.wait(timedelta(minutes=10))
    await tape.wait(timedelta(days=5))
    assert await tape.of(call) == ()
    tape.bring_back()
    await tape.wait(timedelta(minutes=10))
    assert len(await tape.of(call)) == 1


async def test_a_folder_that_is_empty_though_calls_were_recorded_is_away(firm: Firm, tape: Tape) -> None:
    await tape.wait(timedelta(minutes=10))
    assert tape.keeper.folders[PBX].problem is None
    call = await tape.recorded()
    tape.write("in.wav")
    tape.take_away()
    tape.root.mkdir()  # as a mount point is while nothing is mounted there
    await tape.wait(timedelta(minutes=10))
    assert tape.keeper.folders[PBX].problem is None
    await tape.wait(timedelta(days=5))
    assert tape.keeper.folders[PBX].problem == f"{tape.root}: empty, though calls were recorded"
    tape.root.rmdir()
    tape.bring_back()
    await tape.wait(timedelta(minutes=10))
    assert tape.keeper.folders[PBX].problem is None
    assert len(await tape.of(call)) == 1


async def test_what_was_given_up_is_looked_for_once_more_when_the_folder_comes_back(firm: Firm, tape: Tape) -> None:
    tape.write("of_another_call.wav")
    late, lost = await tape.recorded(file="late.wav"), await tape.recorded(file="lost.wav")
    await tape.wait(timedelta(days=3))
    assert await tape.expected() == 0
    tape.write("late.wav")
    tape.take_away()
    await tape.wait(timedelta(minutes=10))
    tape.bring_back()
    await tape.wait(timedelta(minutes=10))
    assert (len(await tape.of(late)), await tape.of(lost)) == (1, ())
    assert await tape.expected() == 0


async def test_what_was_given_up_is_looked_for_once_more_at_the_start_for_a_month(firm: Firm, tape: Tape) -> None:
    tape.write("of_another_call.wav")
    old = await tape.recorded(file="old.wav")
    await tape.wait(timedelta(days=28))
    late = await tape.recorded(file="late.wav")
    await tape.wait(timedelta(days=3))
    for name in ("old.wav", "late.wav"):
        tape.write(name)
    tape.keeper = tape.another_keeper()
    await tape.keeper.catch_up()
    await tape.look()
    assert (await tape.of(old), len(await tape.of(late))) == ((), 1)


async def test_what_is_found_when_it_is_too_old_to_be_listened_to_is_not_offered(firm: Firm, tape: Tape) -> None:
    tape.write("of_another_call.wav")
    call = await tape.recorded()
    await tape.wait(timedelta(days=3))
    tape.write("in.wav")
    firm.tick(timedelta(days=17).total_seconds())
    tape.keeper = tape.another_keeper(days=7, delete=True)
    await tape.keeper.catch_up()
    await tape.look()
    assert (await tape.of(call), firm.heard(events.RecordingReady)) == ((), [])
    await tape.keeper.age()
    assert [file.name for file in tape.root.iterdir()] == ["of_another_call.wav"]


async def test_a_folder_out_of_which_the_pbx_has_deleted_what_is_old_is_not_away(firm: Firm, tape: Tape) -> None:
    await tape.recorded()
    tape.write("in.wav")
    await tape.look()
    (tape.root / "in.wav").unlink()
    await tape.wait(timedelta(days=1))
    assert tape.keeper.folders[PBX].problem is not None
    await tape.wait(timedelta(days=31))
    assert tape.keeper.folders[PBX].problem is None


async def test_a_folder_that_was_away_over_a_restart_is_searched_all_the_same(firm: Firm, tape: Tape) -> None:
    tape.write("of_another_call.wav")
    tape.take_away()
    await tape.wait(timedelta(minutes=10))
    call = firm.inbound(linkedid="1772490600.12")
    await firm.record(call, firm.answered(call, "101"))
    await firm.record(firm.ended(call))
    await tape.wait(timedelta(days=2))
    tape.keeper = tape.another_keeper()
    await tape.keeper.catch_up()
    await tape.wait(timedelta(days=1))
    tape.bring_back()
    tape.write("in-1772490600.12.wav")
    await tape.wait(timedelta(minutes=10))
    await tape.look()
    assert len(await tape.of(call)) == 1


async def test_a_call_of_which_no_file_is_named_is_searched_for_when_the_folder_comes_back(
    firm: Firm, tape: Tape
) -> None:
    tape.take_away()
    await tape.wait(timedelta(minutes=10))
    call = firm.inbound(linkedid="1772490600.12")
    await firm.record(call, firm.answered(call, "101"))
    await firm.record(firm.ended(call))
    for _ in range(3):
        await tape.wait(timedelta(days=1))
    tape.bring_back()
    tape.write("1772490600.12.wav")
    await tape.wait(timedelta(minutes=10))
    assert len(await tape.of(call)) == 1


async def test_a_file_that_was_packed_after_it_was_listed_is_still_played(firm: Firm, tape: Tape) -> None:
    call = await tape.recorded()
    tape.write("in.wav")
    await tape.look()
    (tape.root / "in.wav").rename(tape.root / "in.mp3")
    [recording] = await tape.of(call)
    audio = await open_recording(
        firm.database, tape.archives, firm.person("anna"), recording.id, Access.PLAYED, firm.now
    )
    assert audio.file.name == "in.mp3"


async def test_a_recording_that_only_the_call_record_names_is_listed(firm: Firm, tape: Tape) -> None:
    call = Call(
        id="", pbx=PBX, direction=Direction.INBOUND, started_at=firm.now, number=IVAN, state=CallState.ENDED,
        result=CallResult.ANSWERED, answered_by="101", answered_at=firm.tick(), ended_at=firm.tick(),
        source=Source.BACKFILLED, linkedids=frozenset({"1772490600.12"}), files=("in.wav",),
    )  # fmt: skip
    for _ in range(2):
        told = CallsTold(call_id="", at=firm.tick(), pbx=PBX, calls=(call,), mark={})
        filling = asyncio.create_task(firm.recorder.fill_in(told))
        await until(lambda: firm.recorder.waiting > 0)
        await firm.recorder.drain()
        await filling
    tape.write("2026/03/02/in.wav")
    await tape.look()
    [kept] = await firm.calls()
    assert [row.path for row in kept.recordings] == ["2026/03/02/in.wav"]


async def test_a_folder_that_goes_away_and_comes_back_is_said_once_each(firm: Firm, tape: Tape) -> None:
    tape.take_away()
    with capture_logs() as logs:
        for _ in range(3):
            firm.tick(600)
            await tape.keeper.look_at_folders()
        gone = tape.keeper.folders[PBX]
        tape.bring_back()
        firm.tick(10)
        await tape.keeper.look_at_folders()
        assert tape.keeper.folders[PBX].problem == gone.problem
        firm.tick(600)
        await tape.keeper.look_at_folders()
    assert gone.problem == f"{tape.root}: No such file or directory"
    assert gone.since is not None
    assert (tape.keeper.folders[PBX].problem, tape.keeper.folders[PBX].since) == (None, None)
    assert [each["event"] for each in logs] == ["recordings can't be read", "recordings can be read again"]
