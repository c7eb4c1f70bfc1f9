"""Which file is meant by what a PBX says, and which is never touched."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.nobody import folder_for_all, not_root
from tests.sounds import wave
from zeoncrm.pipeline.recording_files import days_around, inside, look_for, search, uniqueids_in, unreadable

AT = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "monitor"
    folder.mkdir()
    return folder


def put(root: Path, path: str, sound: bytes = wave(2)) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(sound)
    return file


@pytest.mark.parametrize(
    "named",
    [
        "/var/spool/asterisk/monitor/2026/03/02/in-7903.wav",
        "/mnt/elsewhere/2026/03/02/in-7903.wav",
        "2026/03/02/in-7903.wav",
        "in-7903.wav",
        "in-7903",
    ],
)
def test_a_file_is_found_however_the_pbx_sees_its_folder(root: Path, named: str) -> None:
    put(root, "2026/03/02/in-7903.wav")
    found = look_for(root, named, AT)
    assert found is not None
    assert (found.path, found.whole, found.seconds) == ("2026/03/02/in-7903.wav", True, 2)


def test_the_folder_of_the_day_where_the_pbx_is_may_be_tomorrows(root: Path) -> None:
    put(root, "2026/03/03/in.wav")
    found = look_for(root, "in.wav", AT)
    assert found is not None
    assert found.path == "2026/03/03/in.wav"


def test_a_file_that_was_packed_since_is_found_under_its_new_ending(root: Path) -> None:
    put(root, "in.mp3", b"\xff\xfb" * 99)
    found = look_for(root, "/var/spool/asterisk/monitor/in.wav", AT)
    assert found is not None
    assert (found.path, found.whole, found.seconds) == ("in.mp3", None, None)


def test_a_file_that_is_written_is_not_whole(root: Path) -> None:
    put(root, "in.wav", wave(2, finished=False))
    found = look_for(root, "in.wav", AT)
    assert found is not None
    assert found.whole is False


@pytest.mark.parametrize(
    "damaged", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEfmt ", b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\xff" + b"x" * 60]
)
def test_a_damaged_header_is_no_whole_file_and_no_error(root: Path, damaged: bytes) -> None:
    put(root, "in.wav", damaged)
    found = look_for(root, "in.wav", AT)
    assert found is not None
    assert (found.whole, found.seconds) == (False, None)


@pytest.mark.parametrize(
    "path",
    ["../secret.wav", "/etc/passwd", "a/../../secret.wav", "a\0b.wav", "", ".", "note.txt", "linked.wav",
     "folder/secret.wav", "circle.wav", "x" * 5000 + ".wav", "disguised.wav"],
)  # fmt: skip
def test_nothing_outside_of_the_folder_is_touched_and_nothing_but_audio(root: Path, path: str) -> None:
    put(root.parent, "secret.wav")
    put(root, "note.txt")
    (root / "linked.wav").symlink_to(root.parent / "secret.wav")
    (root / "folder").symlink_to(root.parent)
    (root / "circle.wav").symlink_to(root / "circle.wav")
    (root / "disguised.wav").symlink_to(root / "note.txt")
    assert inside(root, path) is None
    found = look_for(root, path, AT)
    assert found is None or inside(root, found.path) is not None


def test_what_a_pbx_names_outside_of_the_folder_is_not_found_by_going_up(root: Path) -> None:
    put(root.parent, "secret.wav")
    assert look_for(root, "../secret.wav", AT) is None
    assert look_for(root, str(root.parent / "secret.wav"), AT) is None


def test_a_link_that_stays_within_the_folder_is_followed(root: Path) -> None:
    put(root, "real.wav")
    (root / "linked.wav").symlink_to(root / "real.wav")
    assert inside(root, "linked.wav") == root / "real.wav"


def test_files_are_found_by_the_ids_in_their_names_in_the_folder_and_in_those_of_the_day(root: Path) -> None:
    put(root, "in-7903-20260302-1772490600.12.wav")
    put(root, "2026/03/02/out-7904-1772490600.13.mp3", b"x")
    put(root, "20260302/q-1772490600.14-x.txt")
    put(root, "deep/er/1772490600.15.wav")
    ids = {"1772490600.1": "one", "1772490600.12": "two", "1772490600.13": "three", "1772490600.14": "four",
           "1772490600.15": "five"}  # fmt: skip
    found = search(root, ids, days_around(AT))
    assert found == {"two": "in-7903-20260302-1772490600.12.wav", "three": "2026/03/02/out-7904-1772490600.13.mp3"}
    assert uniqueids_in("pbx1-1772490600.12") == ["1772490600.12"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert search(tmp_path / "none", {"1772490600.12": "x"}, days_around(AT)) == {}
    assert look_for(tmp_path / "none", "in.wav", AT) is None


def test_a_file_whose_name_is_no_text_is_passed_over(root: Path) -> None:
    (root / os.fsdecode(b"in-\xff-1772452800.7.wav")).write_bytes(wave(1))
    assert search(root, {"1772452800.7": "call"}, []) == {}


def test_recordings_that_can_be_read_are_no_trouble_and_neither_is_a_folder_without_any(root: Path) -> None:
    assert unreadable(root, AT.date()) is None
    put(root, "2026/03/02/in.wav")
    (root / "2026/03/02/out.wav").symlink_to("/nowhere")
    assert unreadable(root, AT.date()) is None


def test_a_folder_that_is_not_there_is_named(root: Path) -> None:
    assert unreadable(root / "away", AT.date()) == f"{root}/away: No such file or directory"


@pytest.mark.parametrize("closed", ["", "2026", "2026/03/02", "2026/03/02/in.wav"])
def test_what_may_not_be_read_is_named(closed: str) -> None:
    with folder_for_all() as root:
        put(root, "2026/03/02/in.wav")
        (root / closed).chmod(0)
        with not_root():
            told = unreadable(root, AT.date())
        (root / closed).chmod(0o700)
    assert told is not None
    assert told.startswith(str(root / closed))
    assert told.endswith(": Permission denied")


def test_a_folder_of_root_s_own_beside_the_recordings_is_no_trouble() -> None:
    with folder_for_all() as root:
        put(root, "2026/03/02/in.wav")
        (root / "lost+found").mkdir(mode=0o700)
        with not_root():
            assert unreadable(root, AT.date()) is None
