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

from tests.ami.recorded import FOLDER, as_told, by_number, extensions_in, recording
from zeoncrm.ami.cdr.groups import groups_of
from zeoncrm.ami.cdr.rows import csv_row, row_of
from zeoncrm.ami.cdr.told import calls_of
from zeoncrm.ami.recording import calls_in as calls_heard
from zeoncrm.ami.recording import read_stream
from zeoncrm.pipeline.call_events import Source
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.matching import is_unnamed
from zeoncrm.pipeline.numbering import Numbering

# Whether a phone rejected, was forwarded, was busy in a queue or rang out, and who gave up in the end, is not told.
OUTCOME_UNTOLD = {
    *("phone_rejects", "ring_group_nobody", "attended_transfer_refused", "attended_transfer_that_nobody_takes"),
    *("attended_transfer_third_leaves_again", "blonde_transfer_that_nobody_takes_comes_back"),
    *("colleague_sent_to_the_outside", "screened_and_refused"),
    *("consultation_is_given_up", "freepbx_rejected_to_voicemail", "one_of_two_phones_forwards_and_the_other_answers"),
    *("phone_forwards_to_a_colleague", "phone_forwards_to_a_mobile", "queue_members_busy_and_rejecting"),
    *("queue_local_members_busy_and_rejecting", "queue_member_forwards_to_a_mobile", "queue_penalty_after_a_rejection"),
    *("queue_tries_its_member_in_vain", "two_devices_both_reject", "two_accounts_one_rejects_and_the_caller_gives_up"),
}
# A number that does not exist is one that nobody answered; and so is one that was not called before the rep hung up.
RESULT_UNTOLD = {
    *("outbound_unknown_number", "freepbx_outbound_unknown_number", "carrier_announces_that_there_is_no_such_number"),
    *("click_to_call_unknown_number", "click_to_call_local_unknown_number", "freepbx_click_to_call_unknown_number"),
    "click_to_call_rep_hangs_up_at_once",
}
# Which line of ours was called is written over when the dialplan sends the caller on: then none is told. Where an IVR
# leads to what is itself a line, that one is.
OTHER_LINE = {"ivr_then_queue"}
SECOND_NUMBER_UNTOLD = {"two_numbers_called_and_connected"}
# Who picked up another's call stands there like one who was called.
RINGS_UNTOLD = {"group_pickup"}
UNTOLD = {
    # Who took the phone and was gone before the talk has answered, says the record.
    *("queue_member_leaves_before_the_talk", "queue_local_member_leaves_before_the_talk"),
    *("queue_caller_leaves_before_the_talk", "queue_member_leaves_and_the_caller_too"),
    *("hunt_group_member_leaves_before_the_talk", "ring_group_member_leaves_before_the_talk"),
    # In a conference the record of an outside party is the same whether they called or were called.
    *("number_invited_to_a_conference", "number_invited_to_a_conference_with_a_caller"),
    *("screened_and_hung_up", "screened_too_long_for_the_caller"),
    # Nor what number a caller had before the dialplan gave them ours, nor that the PBX called for its own part.
    *("rep_dials_through_from_the_own_mobile", "rep_on_the_own_mobile_is_sent_to_the_outside"),
    *("called_back_by_the_pbx_for_a_queue", "called_by_the_pbx_for_an_announcement"),
    # Nor which of several numbers that were called at once by one trunk is the one that answered.
    "one_of_two_numbers_answers",
    # Nor which of two colleagues asked a number.
    "colleagues_ask_two_numbers",
    # A phone that is away has no channel, and so no record.
    *("click_to_call_rep_away", "click_to_call_local_rep_away", "freepbx_click_to_call_rep_away"),
}


# These were played within one second, in which only the records' own count gives an order, a column that few PBXs keep.
IN_ONE_SECOND = {
    *("freepbx_blind_transfer_to_a_queue", "freepbx_follow_me_confirmed", "freepbx_pickup", "queue_left_for_voicemail"),
    *("freepbx_rejected_to_voicemail", "phone_forwards_to_a_mobile_that_is_busy", "phone_rings_and_is_unavailable"),
    *("transferred_back_by_phone", "two_callers_connected", "transferred_on", "parked_taken_and_parked_again"),
    "attended_transfer_of_an_attended_transfer",
}
# Nor are channels on IAX2 counted by their names.
IN_ONE_SECOND_BY_IAX2 = {
    *("asterisk22-iax2/blind_transfer_to_the_outside", "asterisk22-iax2/phone_attended_transfer_to_the_outside"),
}
# Without ids nothing tells that two channels were bridged that had not called one another.
BRIDGED = {"waiting_caller_bridged"}
# chan_sip has the records say busy also of who declined or cannot be reached.
CALLED_BUSY = {
    *("asterisk16-chan-sip/outbound_carrier_gives_up", "asterisk16-chan-sip/phone_rings_and_is_unavailable"),
}


def names(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def is_of_one_run(file: Path) -> bool:
    """Whether the records are of the calls of the stream beside them; some were kept when it was played again."""
    with file.open(encoding="utf-8", newline="") as lines:
        *_, uniqueid, _, _, _, _ = next(csv.reader(lines))
    return uniqueid.encode() in file.with_suffix(".ami").read_bytes()


FILES = sorted(each for each in FOLDER.glob("*/*.csv") if each.stem not in UNTOLD and names(each) not in CALLED_BUSY)


@pytest.mark.parametrize("columns", [21, 20, 18, 16])
@pytest.mark.parametrize("file", FILES, ids=names)
def test_the_records_of_a_scenario_give_its_calls(file: Path, columns: int) -> None:
    if columns < 20 and (file.stem in IN_ONE_SECOND | BRIDGED or names(file) in IN_ONE_SECOND_BY_IAX2):
        return
    loaded: dict[str, Any] = json.loads(file.with_suffix(".json").read_text())
    outside = {f"+{number}": person for person, number in loaded.get("outside", {}).items()}
    numbering = Numbering(loaded["region"], extensions_in(loaded["extensions"]), outside)

    told = sorted(calls_in(file, columns, numbering), key=lambda call: (call.number or "", call.did or ""))

    wanted = sorted(loaded["calls"], key=by_line)
    assert len(told) == len(wanted)
    for call, fields in zip(told, wanted, strict=True):
        tellable = told_of(fields, file.stem, call)
        assert as_told(call, tellable) == tellable
    assert all(call.source is Source.BACKFILLED and call.linkedids for call in told)
    assert all(count == 1 for count in Counter(each for call in told for each in call.linkedids).values())


@pytest.mark.parametrize("file", [*filter(is_of_one_run, FILES)], ids=names)
def test_what_was_heard_and_what_the_records_say_have_an_alias_in_common(file: Path) -> None:
    heard = recording(names(file))
    told = calls_in(file, 21, heard.numbering)

    known = {alias for call in calls_heard(read_stream(heard.data), heard.numbering) for alias in call.linkedids}

    assert [call.number for call in told if not (call.linkedids & known or is_unnamed(call))] == []


def by_line(call: dict[str, Any]) -> tuple[str, str]:
    return (by_number(call), call.get("did") or "")


def calls_in(file: Path, columns: int, numbering: Numbering) -> list[Call]:
    """As a PBX would have written it that keeps fewer columns: 20 has no user field, 18 no ids of the call, 16 none."""
    with file.open(encoding="utf-8", newline="") as lines:
        read = [fields[:17] + fields[18:] if columns == 20 else fields[:columns] for fields in csv.reader(lines)]
    groups = groups_of([csv_row(fields, UTC) for fields in read])
    return [call for group in groups for call in calls_of(group, "main", numbering)]


def told_of(call: dict[str, Any], name: str, told: Call) -> dict[str, Any]:
    """What of a scenario's call its records can tell. A line that is not told is none, never another."""
    untold = {"did"} if told.did is None or name in OTHER_LINE else set()
    untold |= {"answered_outside"} if name in SECOND_NUMBER_UNTOLD else set()
    untold |= {"legs"} if name in OUTCOME_UNTOLD else set()
    untold |= {"result"} if name in RESULT_UNTOLD else set()
    untold |= {"rings"} if name in RINGS_UNTOLD else set()
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
