"""Master.csv under the hands of logrotate, full disks and odd encodings: nothing read twice, nothing lost, no stop."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from zeoncrm.ami.cdr.csv_file import CsvFile
from zeoncrm.ami.cdr.rows import BadRow, csv_row, row_of
from zeoncrm.ami.cdr.sources import CdrError, Mark
from zeoncrm.ami.cdr.told import calls_of
from zeoncrm.pipeline.numbering import Numbering

NUMBERING = Numbering("RU", frozenset({"101"}))
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def line(number: int, name: str = "Ivan", *, at: str = "2026-03-02 12:00:00", rest: str = "") -> str:
    return (
        f'"","7903111{number:04}","4952150000","from-trunk","""{name}"" <7903111{number:04}>",'
        f'"PJSIP/trunk-{number:08x}","PJSIP/101-{number:08x}","Dial","PJSIP/101,20","{at}","{at}","{at}",0,0,'
        f'"ANSWERED","DOCUMENTATION"{rest}\n'
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Master.csv"


async def read_all(source: CsvFile, mark: Mark) -> tuple[list[str], Mark, int]:
    """The callers of all records from the mark on, where the next reading begins, and how many were not understood."""
    callers, bad, more = [], 0, True
    while more:
        reading = await source.read(mark)
        callers += [read.row.src[-4:] for read in reading.records]
        mark, bad, more = reading.mark, bad + reading.bad, reading.more
    return callers, mark, bad


def append(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(lines))


async def test_what_was_there_before_the_first_time_is_not_read(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    mark = await source.begin(NOON)
    append(path, line(2), line(3))
    callers, mark, _ = await read_all(source, mark)
    assert callers == ["0002", "0003"]
    assert (await read_all(source, mark))[0] == []


async def test_each_record_can_be_read_again_from_its_own_mark(path: Path) -> None:
    append(path, line(1), line(2, "Иван"), line(3))
    source = CsvFile(path, UTC)
    reading = await source.read({"offset": 0, "print": ""})
    marks = [read.mark for read in reading.records]
    assert [(await read_all(source, mark))[0] for mark in marks if mark is not None] == [
        ["0001", "0002", "0003"],
        ["0002", "0003"],
        ["0003"],
    ]


async def test_a_file_that_comes_later_is_read_from_its_beginning(path: Path) -> None:
    source = CsvFile(path, UTC)
    mark = await source.begin(NOON)
    assert (await read_all(source, mark))[0] == []
    append(path, line(1))
    assert (await read_all(source, mark))[0] == ["0001"]


async def test_a_line_is_read_when_it_is_whole(path: Path) -> None:
    whole = line(2)
    append(path, line(1), whole[:40])
    source = CsvFile(path, UTC)
    callers, mark, bad = await read_all(source, {"offset": 0, "print": ""})
    assert (callers, bad) == (["0001"], 0)
    append(path, whole[40:])
    assert (await read_all(source, mark))[0] == ["0002"]


async def test_a_line_that_was_cut_for_good_costs_itself_only(path: Path) -> None:
    append(path, line(1), line(2)[:40] + "\n", line(3)[:60], line(4), line(5))
    callers, _, bad = await read_all(CsvFile(path, UTC), {"offset": 0, "print": ""})
    assert (callers, bad) == (["0001", "0005"], 2)


@pytest.mark.parametrize("renamed", ["Master.csv.1", "Master.csv-20260302"])
async def test_a_file_that_is_rotated_is_read_to_its_end_and_the_new_one_after_it(path: Path, renamed: str) -> None:
    append(path, line(1), line(2))
    source = CsvFile(path, UTC)
    _, mark, _ = await read_all(source, {"offset": 0, "print": ""})
    append(path, line(3))
    path.rename(path.with_name(renamed))
    append(path, line(4))
    callers, mark, _ = await read_all(source, mark)
    assert callers == ["0003", "0004"]
    append(path, line(5))
    assert (await read_all(source, mark))[0] == ["0005"]


async def test_a_file_that_is_rotated_twice_while_nobody_looked_is_read_through(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    _, mark, _ = await read_all(source, {"offset": 0, "print": ""})
    append(path, line(2))
    for age, (older, newer) in enumerate((("Master.csv.2", line(3)), ("Master.csv.1", line(4)))):
        path.rename(path.with_name(older))
        os.utime(path.with_name(older), (1000 + age, 1000 + age))
        append(path, newer)
    assert (await read_all(source, mark))[0] == ["0002", "0003", "0004"]


async def test_a_file_that_is_copied_and_cut_is_read_to_its_end_and_again_from_its_beginning(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    _, mark, _ = await read_all(source, {"offset": 0, "print": ""})
    append(path, line(2))
    path.with_name("Master.csv.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
    append(path, line(3))
    assert (await read_all(source, mark))[0] == ["0002", "0003"]


async def test_a_file_that_is_rotated_away_is_begun_anew(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    _, mark, _ = await read_all(source, {"offset": 0, "print": ""})
    path.unlink()
    append(path, line(2))
    assert (await read_all(source, mark))[0] == ["0002"]


def compressed(path: Path, ending: str = ".gz") -> Path:
    """As logrotate leaves it: the time of the last change is that of the content."""
    whole = path.with_name(path.name + ending)
    if ending == ".gz":
        subprocess.run(["gzip", path], check=True)  # keeps the time
        return whole
    opener: Any = {".bz2": bz2.open, ".xz": lzma.open}[ending]
    with opener(whole, "wb") as file:
        file.write(path.read_bytes())
    shutil.copystat(path, whole)
    path.unlink()
    return whole


def rotated(path: Path, name: str, second: int) -> Path:
    """Renamed; its last change was in this second."""
    older = path.rename(path.with_name(name))
    os.utime(older, (second, second))
    return older


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("name", ["Master.csv.1", "Master.csv-20260302"])
async def test_a_file_that_was_rotated_and_compressed_is_read_to_its_end_and_the_new_one_after_it(
    path: Path, name: str, ending: str
) -> None:
    append(path, line(1), line(2, "Иван"))
    source = CsvFile(path, UTC)
    _, mark, _ = await read_all(source, {"offset": 0, "print": ""})
    append(path, line(3))
    compressed(rotated(path, name, 1000), ending)
    assert (await read_all(source, mark))[0] == ["0003"]
    append(path, line(4))
    assert (await read_all(CsvFile(path, UTC), mark))[0] == ["0003", "0004"]
    callers, mark, bad = await read_all(source, mark)
    assert (callers, bad) == (["0003", "0004"], 0)
    append(path, line(5))
    assert (await read_all(source, mark))[0] == ["0005"]


async def test_files_rotated_many_times_while_nobody_looked_are_read_in_order_whatever_they_are_called(
    path: Path,
) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC, most_bytes=600)
    _, mark, _ = await read_all(source, {"offset": 0, "print": ""})
    append(path, line(2))
    compressed(rotated(path, "Master.csv.4", 1000))
    for number in range(3, 9):
        append(path, line(number))
    compressed(rotated(path, "Master.csv.3", 2000))
    path.touch()
    compressed(rotated(path, "Master.csv.2", 3000))  # nobody called that day
    append(path, line(9))
    rotated(path, "Master.csv.1", 4000)  # delaycompress
    append(path, line(10))
    assert (await read_all(source, mark))[0] == [f"{number:04}" for number in range(2, 11)]


async def test_what_was_read_to_its_end_before_it_was_compressed_is_not_read_again(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    mark = await source.begin(NOON)
    older = rotated(path, "Master.csv.1", 1000)
    assert (await read_all(source, mark))[0] == []
    compressed(older)
    callers, mark, _ = await read_all(source, mark)
    assert callers == []
    append(path, line(2))
    assert (await read_all(source, mark))[0] == ["0002"]


async def test_the_first_record_of_a_new_file_is_read_again_from_its_own_mark_when_that_was_rotated_too(
    path: Path,
) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    mark = await source.begin(NOON)
    compressed(rotated(path, "Master.csv.2", 1000))
    append(path, line(2), line(3))
    (first, _) = (await source.read(mark)).records
    rotated(path, "Master.csv.1", 2000)
    append(path, line(4))
    assert first.mark is not None
    assert (await read_all(source, first.mark))[0] == ["0002", "0003", "0004"]


async def test_while_a_file_is_compressed_the_plain_one_counts(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    mark = await source.begin(NOON)
    append(path, line(2))
    older = rotated(path, "Master.csv.1", 1000)
    older.with_name("Master.csv.1.gz").write_bytes(gzip.compress(older.read_bytes())[:30])
    append(path, line(3))
    callers, _, bad = await read_all(source, mark)
    assert (callers, bad) == (["0002", "0003"], 0)


async def test_a_compressed_file_that_is_cut_is_read_as_far_as_it_goes_and_told(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    mark = await source.begin(NOON)
    append(path, *(line(number) for number in range(2, 400)))
    older = compressed(rotated(path, "Master.csv.1", 1000))
    older.write_bytes(older.read_bytes()[:3000])
    append(path, line(9999))
    callers, mark, bad = await read_all(source, mark)
    assert callers[:2] == ["0002", "0003"]
    assert (callers[-1], bad) == ("9999", 1)
    assert (await read_all(source, mark))[0] == []


@pytest.mark.parametrize(
    "name, content",
    [
        ("Master.csv.1.gz", b""),
        ("Master.csv.1.gz", b"no gzip at all"),
        ("Master.csv.1.gz", gzip.compress(b"x" * 5000)[:12]),
        ("Master.csv.1.bz2", b"no bzip2"),
        ("Master.csv.1.xz", b"no xz"),
        ("Master.csv.1.zst", b"(\xb5/\xfd"),
    ],
    ids=["empty", "no-gzip", "cut", "no-bzip2", "no-xz", "zst"],
)
async def test_a_rotated_file_that_cannot_be_read_is_named_and_keeps_nothing_out(
    path: Path, name: str, content: bytes
) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    mark = await source.begin(NOON)
    compressed(rotated(path, "Master.csv.2", 1000))
    path.with_name(name).write_bytes(content)
    append(path, line(2))
    reading = await source.read(mark)
    assert [read.row.src[-4:] for read in reading.records] == ["0002"]
    assert (reading.bad, name in reading.why) == ((1, True) if content else (0, False))


async def test_when_the_file_that_was_read_is_gone_all_that_may_be_new_is_read(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    mark = {**await source.begin(NOON), "until": NOON.isoformat()}
    path.unlink()
    for age, name in ((-7200, "Master.csv.3"), (60, "Master.csv.2"), (120, "Master.csv.1")):
        append(path, line(500 + age // 60))
        compressed(rotated(path, name, int(NOON.timestamp()) + age))
    append(path, line(503))
    assert (await read_all(source, mark))[0] == ["0501", "0502", "0503"]


async def test_a_file_that_came_and_was_rotated_before_anybody_looked_is_read(path: Path) -> None:
    source = CsvFile(path, UTC)
    mark = {**await source.begin(NOON), "until": NOON.isoformat()}
    append(path, line(1))
    compressed(rotated(path, "Master.csv.1", int(NOON.timestamp()) + 60))
    assert (await read_all(source, mark))[0] == ["0001"]


async def test_the_last_line_of_a_rotated_file_needs_no_end(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    mark = await source.begin(NOON)
    append(path, line(2), line(3).rstrip("\n"))
    rotated(path, "Master.csv.1", 1000)
    append(path, line(4))
    callers, _, bad = await read_all(source, mark)
    assert (callers, bad) == (["0002", "0003", "0004"], 0)


async def test_much_is_read_bit_by_bit(path: Path) -> None:
    append(path, *(line(number) for number in range(50)))
    source = CsvFile(path, UTC, most_bytes=1000)
    reading = await source.read({"offset": 0, "print": ""})
    assert reading.more
    assert 0 < len(reading.records) < 10
    callers, _, _ = await read_all(source, {"offset": 0, "print": ""})
    assert callers == [f"{number:04}" for number in range(50)]


async def test_a_name_in_another_encoding_is_left_out_and_said(path: Path) -> None:
    path.write_bytes(line(1, "Иван").encode("cp1251") + line(2, "Иван").encode())
    reading = await CsvFile(path, UTC).read({"offset": 0, "print": ""})
    calls = [call for read in reading.records for call in calls_of([read.row], "main", NUMBERING)]
    assert [(call.number, call.caller_name) for call in calls] == [("+79031110001", None), ("+79031110002", "Иван")]
    assert (reading.bad, reading.why) == (1, "a name that is not in UTF-8, and can't be read")


@pytest.mark.parametrize("content", [b"\xff\xfe" + line(1).encode("utf-16-le"), b"\x00" * 5000 + b"\n", b"{}\n<x/>\n"])
async def test_what_is_no_csv_gives_nothing_and_is_counted(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    reading = await CsvFile(path, UTC).read({"offset": 0, "print": ""})
    assert not reading.records
    assert reading.bad


async def test_a_line_without_an_end_is_passed_over(path: Path) -> None:
    path.write_bytes(b"x" * 5000 + b"\n" + line(1).encode())
    callers, _, bad = await read_all(CsvFile(path, UTC, most_bytes=1000), {"offset": 0, "print": ""})
    assert callers == ["0001"]
    assert bad


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CdrError, match=r"cdr-csv/Master.csv: No such file"):
        await CsvFile(tmp_path / "cdr-csv" / "Master.csv", UTC).read({"offset": 0, "print": ""})


async def test_a_file_that_cannot_be_read_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(CdrError, match=r"Master.csv: Is a directory"):
        await CsvFile(path, UTC).read({"offset": 0, "print": ""})


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
async def test_a_pipe_or_a_device_is_refused_without_being_opened(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with pytest.raises(CdrError, match=r"Master.csv: a pipe or a device, where a file should be"):
        await CsvFile(path, UTC).begin(datetime.now(UTC))
    with pytest.raises(CdrError, match=r"Master.csv: a pipe or a device, where a file should be"):
        await CsvFile(path, UTC).read({})


@pytest.mark.parametrize(
    "rest, ids",
    [
        ("", ("", "")),
        (',"1795399208.0"', ("1795399208.0", "")),
        (',"a user field"', ("", "")),
        (',"1795399208.0","a user field"', ("1795399208.0", "")),
        (',"","1795399200.7",3', ("", "1795399200.7")),
        (',"pbx-1795399208.0","","pbx-1795399200.7",3', ("pbx-1795399208.0", "pbx-1795399200.7")),
        (',"1795399208.0","a user field","","1795399200.7",3', ("1795399208.0", "1795399200.7")),
    ],
)
async def test_whatever_columns_cdr_conf_asks_for_are_told_apart(path: Path, rest: str, ids: tuple[str, str]) -> None:
    append(path, line(1, rest=rest))
    reading = await CsvFile(path, UTC).read({"offset": 0, "print": ""})
    (read,) = reading.records
    assert (read.row.uniqueid, read.row.linkedid) == ids


def test_times_are_of_the_zone_that_was_given() -> None:
    fields = ["", "1", "2", "", "", "SIP/a-1", "", "", "", "2026-03-02 15:00:00", "", "2026-03-02 15:00:07", "7", "0"]
    row = csv_row([*fields, "NO ANSWER", ""], timezone(timedelta(hours=3)))
    assert (row.start, row.end, row.answer) == (NOON, NOON + timedelta(seconds=7), None)


@pytest.mark.parametrize(
    "change", [{9: ""}, {9: "noon"}, {11: "2026-03-09 15:00:00"}, {11: "2026-03-01 15:00:00"}, {5: ""}]
)
def test_a_record_that_makes_no_sense_is_refused(change: dict[int, str]) -> None:
    fields = ["", "1", "2", "", "", "SIP/a-1", "", "", "", "2026-03-02 15:00:00", "", "2026-03-02 15:00:07", "7", "0"]
    fields += ["NO ANSWER", ""]
    with pytest.raises(BadRow):
        csv_row([change.get(at, value) for at, value in enumerate(fields)], UTC)


async def test_a_file_that_was_just_rotated_is_read_to_its_end_before_there_is_a_new_one(path: Path) -> None:
    append(path, line(1))
    source = CsvFile(path, UTC)
    _, mark, _ = await read_all(source, {"offset": 0, "print": ""})
    append(path, line(2))
    path.rename(path.with_name("Master.csv.1"))
    callers, mark, _ = await read_all(source, mark)
    assert callers == ["0002"]
    append(path, line(3))
    assert (await read_all(source, mark))[0] == ["0003"]


def test_a_call_over_the_hour_that_comes_twice_is_not_shorter_than_nothing() -> None:
    columns = {"start": "2026-10-25 02:55:00", "answer": "2026-10-25 02:00:05", "end": "2026-10-25 02:05:00"}
    row = row_of({**columns, "channel": "PJSIP/trunk-1"}, ZoneInfo("Europe/Berlin"))
    assert (row.start, row.end) == (
        datetime(2026, 10, 25, 0, 55, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 5, tzinfo=UTC),
    )
    assert row.answer == datetime(2026, 10, 25, 1, 0, 5, tzinfo=UTC)


# Clocks in Berlin go from 02:59:59 (+02:00) back to 02:00:00 (+01:00) at this second, in UTC 01:00.
PUT_BACK = 1792890000
BERLIN = ZoneInfo("Europe/Berlin")


def utc(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 10, 25, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    "ids, start",
    [
        ({"uniqueid": f"{PUT_BACK - 1800}.12"}, utc(0, 30)),
        ({"uniqueid": f"{PUT_BACK + 1800}.12"}, utc(1, 30)),
        ({"uniqueid": f"pbx-2-{PUT_BACK + 1800}.12"}, utc(1, 30)),
        # The channel is an old one, or the id was given to it: at most the call's own id tells.
        ({"uniqueid": f"{PUT_BACK - 7200}.12"}, utc(0, 30)),
        ({"uniqueid": "zeoncrm-01JD", "linkedid": f"{PUT_BACK + 1790}.3"}, utc(1, 30)),
        ({"uniqueid": "zeoncrm-01JD", "linkedid": "zeoncrm-01JD"}, utc(0, 30)),
        ({}, utc(0, 30)),
    ],
)
def test_which_hour_of_the_two_a_record_is_of_is_known_by_its_ids(ids: dict[str, str], start: datetime) -> None:
    columns = {"start": "2026-10-25 02:30:00", "answer": "2026-10-25 02:30:05", "end": "2026-10-25 02:31:00"}
    row = row_of({**columns, **ids, "channel": "PJSIP/trunk-1"}, BERLIN)
    assert (row.start, row.answer, row.end) == (start, start + timedelta(seconds=5), start + timedelta(minutes=1))
    assert not row.is_before_its_channel


def test_a_call_of_more_than_an_hour_over_the_hour_that_comes_twice_is_as_long_as_it_was() -> None:
    columns = {"start": "2026-10-25 02:05:00", "answer": "2026-10-25 02:10:00", "end": "2026-10-25 02:15:00"}
    lengths = {"duration": "4200", "billsec": "300"}
    row = row_of({**columns, **lengths, "channel": "PJSIP/trunk-1"}, BERLIN)
    assert (row.start, row.answer, row.end) == (utc(0, 5), utc(1, 10), utc(1, 15))


async def test_a_file_in_utf_16_is_told_as_one_in_another_encoding(path: Path) -> None:
    path.write_bytes((line(1) + line(2)).encode("utf-16"))
    reading = await CsvFile(path, UTC).read({"offset": 0, "print": ""})
    assert (reading.records, reading.bad) == ([], 2)
    assert "another encoding" in str(reading.why)
