"""The records that real PBXs wrote give the calls that the events of the same scenarios give, whatever columns they
have; what records cannot tell stands here."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from tests.ami.recorded import FOLDER, as_told, by_number, extensions_in
from zeoncrm.ami.cdr.groups import groups_of
from zeoncrm.ami.cdr.rows import csv_row, row_of
from zeoncrm.ami.cdr.told import calls_of
from zeoncrm.pipeline.call_events import Source
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering

FILES = sorted(FOLDER.glob("*/*.csv"))

# The record of a caller who was transferred, or sent on by an IVR, is written over with where the call went.
NO_LINE = {
    *("ivr_choice", "ivr_choice_caller_gives_up", "blind_transfer_dtmf", "blind_transfer_caller_gives_up"),
    *("phone_blind_transfer", "blind_transfer_to_a_mobile"),
}
# A phone that rejects, is busy in a queue or cannot be reached is one that rang out.
OUTCOME_UNTOLD = {
    *("phone_rejects", "ring_group_nobody", "queue_members_busy_and_rejecting", "attended_transfer_refused"),
}
# A number that does not exist is one that nobody answered.
RESULT_UNTOLD = {"outbound_unknown_number"}


def names(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


@pytest.mark.parametrize("columns", [21, 20, 18, 16])
@pytest.mark.parametrize("file", FILES, ids=names)
def test_the_records_of_a_scenario_give_its_calls(file: Path, columns: int) -> None:
    loaded: dict[str, Any] = json.loads(file.with_suffix(".json").read_text())
    outside = {f"+{number}": person for person, number in loaded.get("outside", {}).items()}
    numbering = Numbering(loaded["region"], extensions_in(loaded["extensions"]), outside)

    told = sorted(calls_in(file, columns, numbering), key=lambda call: (call.number or "", call.did or ""))

    wanted = [told_of(call, file.stem) for call in sorted(loaded["calls"], key=by_line)]
    assert [as_told(call, fields) for call, fields in zip(told, wanted, strict=False)] == wanted
    assert len(told) == len(wanted)
    assert all(call.source is Source.BACKFILLED and call.linkedids for call in told)
    assert all(count == 1 for count in Counter(each for call in told for each in call.linkedids).values())


def by_line(call: dict[str, Any]) -> tuple[str, str]:
    return (by_number(call), call.get("did") or "")


def calls_in(file: Path, columns: int, numbering: Numbering) -> list[Call]:
    """As a PBX would have written it that keeps fewer columns: 20 has no user field, 18 no ids of the call, 16 none."""
    with file.open(encoding="utf-8", newline="") as lines:
        read = [fields[:17] + fields[18:] if columns == 20 else fields[:columns] for fields in csv.reader(lines)]
    groups = groups_of([csv_row(fields, UTC) for fields in read])
    return [call for group in groups for call in calls_of(group, "main", numbering)]


def told_of(call: dict[str, Any], name: str) -> dict[str, Any]:
    """What of a scenario's call its records can tell."""
    untold = {"did"} if name in NO_LINE else set()
    untold |= {"legs"} if name in OUTCOME_UNTOLD else set()
    untold |= {"result"} if name in RESULT_UNTOLD else set()
    return {field: value for field, value in call.items() if field not in untold}


@pytest.mark.parametrize("recorded", ["in-79031110000-1795399335.0.wav", ""])
def test_a_record_that_names_a_recording_gives_it_to_the_call_once(recorded: str) -> None:
    columns = {
        "calldate": "2026-03-02 12:00:00", "src": "79031110000", "dst": "4952150000", "dcontext": "from-trunk",
        "channel": "PJSIP/trunk-00000001", "dstchannel": "PJSIP/101-00000002", "lastapp": "Dial", "duration": 30,
        "billsec": 20, "disposition": "ANSWERED", "uniqueid": "1795399335.0", "linkedid": "1795399335.0",
        "recordingfile": recorded,
    }  # fmt: skip
    rows = [row_of(columns | {"sequence": number}, UTC) for number in (1, 2)]
    [call] = calls_of(rows, "main", Numbering("RU", frozenset({"101"}), {}))
    assert call.files == ((recorded,) if recorded else ())
