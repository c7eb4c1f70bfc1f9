"""MikoPBX's own records of calls: its `cdr_general` gives the calls that Asterisk's records would."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from zeoncrm.ami.cdr.groups import groups_of
from zeoncrm.ami.cdr.sql_table import SqlTable
from zeoncrm.ami.cdr.told import calls_of
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.store.cdr_table import CdrTable

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MOSCOW = timezone(timedelta(hours=3))
NUMBERING = Numbering("RU", frozenset({"101", "102"}))
TRUNK, LINE = "PJSIP/SIP-TRUNK-1-00000012", "mikopbx-1772452790.12"
CALLER = f"{TRUNK} 79031112233"

# As MikoPBX makes it: texts, its own names, an id for each row, and what rings instead of what is done.
MIKOPBX = """CREATE TABLE cdr_general (id integer PRIMARY KEY, start text, endtime text, answer text, src_chan text,
 src_num text, dst_chan text, dst_num text, "UNIQUEID" text, linkedid text, did text, disposition text,
 recordingfile text, from_account text, to_account text, dialstatus text, appname text, transfer integer, is_app text,
 duration integer, billsec integer, work_completed text)"""


class Miko:
    """Its database."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(MIKOPBX)

    def note(self, at: int, length: int, answered: int | None, src: str, dst: str, **more: Any) -> None:
        """A row: seconds after noon, how long, answered after how many seconds; each side as `channel number`."""
        start = NOON.astimezone(MOSCOW) + timedelta(seconds=at)

        def text(seconds: int | None) -> str:
            return "" if seconds is None else f"{start + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}.123"

        row: dict[str, Any] = dict(zip(("src_chan", "src_num"), src.split(" "), strict=True))
        row |= zip(("dst_chan", "dst_num"), dst.split(" "), strict=True)
        row |= {"start": text(0), "endtime": text(length), "answer": text(answered)}
        row |= {"linkedid": LINE, "UNIQUEID": f"{LINE}_aB3xYz", "did": "4952150000", "work_completed": "1"}
        row |= {"duration": length, "billsec": 0 if answered is None else length - answered}
        row |= {"disposition": "NOANSWER" if answered is None else "ANSWERED"} | more
        names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        with closing(sqlite3.connect(self._file)) as connection, connection:
            connection.execute(f"INSERT INTO cdr_general ({names}) VALUES ({places})", row)

    async def call(self) -> Call:
        """The one call that its records tell of."""
        table = SqlTable(CdrTable(f"sqlite://{self._file}?table=cdr_general"), MOSCOW)
        reading = await table.read(await table.begin(NOON - timedelta(minutes=1)))
        assert reading.bad == 0
        (group,) = groups_of(read.row for read in reading.records)
        (call,) = calls_of(group, "main", NUMBERING)
        return call


@pytest.fixture
def miko(tmp_path: Path) -> Miko:
    return Miko(tmp_path / "cdr.db")


async def test_a_call_through_its_queue_is_whose_phone_was_taken(miko: Miko) -> None:
    miko.note(0, 70, 12, CALLER, "Queue:2200100 2200100", is_app="1")
    miko.note(1, 5, None, CALLER, "PJSIP/102-00000013 102")
    miko.note(7, 63, 5, CALLER, "PJSIP/101-00000014 101", recordingfile="/storage/x.mp3")
    call = await miko.call()
    facts = (call.direction, call.number, call.result, call.answered_by, call.queue, call.did)
    assert facts == ("inbound", "+79031112233", "answered", "101", "2200100", "4952150000")
    assert [(leg.extension, leg.outcome) for leg in call.legs] == [("102", "no_answer"), ("101", "answered")]
    assert (call.answered_at, call.ended_at) == (NOON + timedelta(seconds=12), NOON + timedelta(seconds=70))
    assert (call.linkedids, call.files) == (frozenset({LINE}), ("/storage/x.mp3",))


@pytest.mark.parametrize(
    "peer, answered, reached",
    [
        ("Queue:2200100 2200100", None, "queue"),
        ("App:2200200 2200200", 1, "ivr"),
        ("VOICEMAIL voicemail", 1, "voicemail"),
        (" 4952150000", None, "ringing"),
    ],
)
async def test_a_caller_who_hangs_up_there_is_missed_once(
    miko: Miko, peer: str, answered: int | None, reached: str
) -> None:
    miko.note(0, 20, answered, CALLER, peer)
    call = await miko.call()
    assert (call.result, call.reached, call.number) == ("missed", reached, "+79031112233")


@pytest.mark.parametrize(
    "disposition, result",
    [("ANSWERED", "answered"), ("BUSY", "busy"), ("CANCEL", "no_answer"), ("CHANUNAVAIL", "failed")],
)
async def test_a_call_out_has_its_result(miko: Miko, disposition: str, result: str) -> None:
    answered = 4 if result == "answered" else None
    miko.note(0, 30, answered, "PJSIP/101-00000011 101", f"{TRUNK} 89031112233", did="", disposition=disposition)
    call = await miko.call()
    assert (call.direction, call.number, call.result) == ("outbound", "+79031112233", result)
    assert [leg.extension for leg in call.legs] == ["101"]


async def test_a_transfer_keeps_who_answered_first_and_who_talked_last(miko: Miko) -> None:
    miko.note(0, 40, 5, CALLER, "PJSIP/101-00000013 101")
    miko.note(40, 30, 4, CALLER, "PJSIP/102-00000014 102", UNIQUEID=f"{LINE}xyzABC", transfer=1)
    call = await miko.call()
    assert (call.answered_by, call.last_extension, call.result) == ("101", "102", "answered")


@pytest.mark.parametrize("written", ["2026-03-02 15:00:00", "2026-03-02 15:00:00.", "2026-03-02 15:00:00.5"])
async def test_its_times_have_any_number_of_decimals(miko: Miko, written: str) -> None:
    miko.note(0, 20, None, CALLER, "PJSIP/101-00000013 101", start=written)
    assert (await miko.call()).started_at == NOON
