"""A recorded call made fresh."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from zeoncrm.ami.headers import read_headers
from zeoncrm.demo.pacing import HUMAN, Beat, pauses
from zeoncrm.demo.recorded import FOLDER, Serials, cast, fresh, identities, read_recording

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
NAMES = {"201": "Ann", "202": "Bob", "203": "Kim"}
RECORDINGS = sorted(FOLDER.glob("*.ami"))

everything = pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)


@everything
def test_nothing_of_the_recorded_identities_is_left(path: Path) -> None:
    recording = read_recording(path)
    replacements = identities(recording, Serials(Random(1)), NOW)
    replacements |= cast(dict(zip(("101", "102", "103"), NAMES, strict=True)), NAMES)
    replacements |= {recording.number: b"79990001122"}
    stream = b"".join(fresh(recording, replacements))
    for token in recording.tokens:
        if token.isdigit() and len(token) == 3:
            assert b"PJSIP/" + token not in stream
            assert b"Num: " + token + b"\r" not in stream
        elif not token.startswith(b"lab"):
            assert token not in stream


@everything
def test_what_phones_do_is_told_by_the_calls_alone(path: Path) -> None:
    assert not {headers["Event"] for headers in read_recording(path).headers} & {"DeviceStateChange", "FullyBooted"}


@everything
def test_a_token_without_a_replacement_stays_as_it_was_recorded(path: Path) -> None:
    stream = b"".join(fresh(read_recording(path), {b"{name}": b"<unknown>"}))
    recorded = path.read_bytes()
    for frame in stream.split(b"\r\n\r\n"):
        assert frame in recorded


def test_two_calls_of_one_recording_share_no_identity() -> None:
    recording, serials = read_recording(FOLDER / "ring_group.ami"), Serials(Random(1))
    one, other = (identities(recording, serials, NOW) for _ in range(2))
    for token in (*recording.uniqueids, *recording.serials, *recording.bridges):
        assert one[token] != other[token]


def test_people_may_change_places() -> None:
    recording = read_recording(FOLDER / "ring_group.ami")
    people = cast({"101": "102", "102": "103", "103": "101"}, {"101": "Ann", "102": "Bob", "103": "Kim"})
    made = [read_headers(frame) for frame in fresh(recording, people)]
    for before, after in zip(recording.headers, made, strict=True):
        if before.get("CallerIDNum") == "101":
            assert (after["CallerIDNum"], after["CallerIDName"]) == ("102", "Bob")


def test_call_records_are_of_today() -> None:
    recording = read_recording(FOLDER / "direct_answered.ami")
    stream = fresh(recording, identities(recording, Serials(Random(1)), NOW))
    record = next(headers for headers in map(read_headers, stream) if headers["Event"] == "Cdr")
    assert (record["StartTime"], record["EndTime"]) == ("2030-01-02 03:04:05", "2030-01-02 03:04:11")


@pytest.mark.parametrize(
    "name, rhythm",
    [
        ("direct_answered", "RINGING TALKING"),
        ("caller_gives_up", "GIVING_UP"),
        ("ring_group", "RINGING TALKING"),
        ("queue_ringall", "CHOOSING RINGING TALKING"),
        ("ivr_choice", "CHOOSING RINGING TALKING"),
        ("group_pickup", "RINGING TALKING"),
        ("blind_transfer_dtmf", "RINGING TALKING CHOOSING RINGING TALKING"),
        ("outbound_answered", "RINGING TALKING"),
        ("outbound_unanswered", "GIVING_UP"),
        ("originate_click_to_call", "RINGING RINGING TALKING"),
    ],
)
def test_people_take_their_time_where_people_act(name: str, rhythm: str) -> None:
    found = read_recording(FOLDER / f"{name}.ami").rhythm
    assert " ".join(beat.name for beat in found if beat) == rhythm


def test_a_pause_lies_within_the_tempo_of_its_beat() -> None:
    rhythm = (None, *Beat)
    for _ in range(100):
        [nothing, *waits] = pauses(rhythm, HUMAN, Random(3))
        assert nothing == 0
        for beat, seconds in zip(Beat, waits, strict=True):
            low, high = HUMAN[beat]
            assert low <= seconds <= high
