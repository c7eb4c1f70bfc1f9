"""What records mean, case by case, as PBXs write them that the lab does not have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zeoncrm.ami.cdr.groups import groups_of
from zeoncrm.ami.cdr.rows import CdrRow, row_of
from zeoncrm.ami.cdr.told import calls_of
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.numbering import Numbering

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TRUNK, IVAN = "PJSIP/carrier-00000001", "79031112233"
NUMBERING = Numbering("RU", frozenset({"101", "102", "103", "2001"}), {"+79990003344": "103"})


def row(channel: str, peer: str, start: int, end: int, disposition: str = "ANSWERED", **more: Any) -> CdrRow:
    """A record from so many seconds after noon to so many."""
    values: dict[str, Any] = {
        "src": IVAN,
        "dst": "4952150000",
        "app": "Dial" if peer else "Hangup",
        "data": f"{peer.rpartition('-')[0]},20" if peer else "",
        "linkedid": "1772452800.1",
        "sequence": start,
        **more,
    }
    seconds = (NOON + timedelta(seconds=each) for each in (start, end))
    began, ended = seconds
    answered = disposition == "ANSWERED"
    return CdrRow(began, ended, channel, began if answered else None, peer, disposition=disposition, **values)


def told(*rows: CdrRow, numbering: Numbering = NUMBERING) -> list[Call]:
    return [call for group in groups_of(rows) for call in calls_of(group, "main", numbering)]


def outcomes(call: Call) -> dict[str, str]:
    return {leg.extension: str(leg.outcome) for leg in call.legs}


@pytest.mark.parametrize(
    "app, data, reached",
    [
        ("VoiceMail", "101@default", "voicemail"),
        ("Queue", "600,t,,", "queue"),
        ("Park", "", "parking"),
        ("Playback", "closed", "ivr"),
        ("BackGround", "welcome", "ivr"),
        ("WaitExten", "5", "ivr"),
        ("MusicOnHold", "", "ivr"),
        ("Read", "", "ivr"),
    ],
)
def test_what_the_pbx_answers_itself_is_no_answer(app: str, data: str, reached: str) -> None:
    (call,) = told(row(TRUNK, "", 0, 30, app=app, data=data))
    assert (call.result, call.reached, call.answered_by, call.answered_at) == ("missed", reached, None, None)


def test_hanging_up_after_a_queue_is_not_where_the_caller_was() -> None:
    (call,) = told(
        row(TRUNK, "PJSIP/101-1", 5, 30, "NO ANSWER", app="Queue", data="600,t,,"),
        row(TRUNK, "", 30, 31, app="Macro", data="hangupcall"),
    )
    assert (call.reached, call.queue, outcomes(call)) == ("queue", "600", {"101": "no_answer"})


def test_of_several_queues_the_last_before_the_answer_counts() -> None:
    """Nobody took the call in the first, somebody did in the second and sent it to a third."""
    (call,) = told(
        row(TRUNK, "PJSIP/101-1", 5, 20, "NO ANSWER", app="Queue", data="600,t,,"),
        row(TRUNK, "PJSIP/102-1", 25, 40, app="Queue", data="700,t,,"),
        row(TRUNK, "PJSIP/103-1", 40, 60, app="Queue", data="800,t,,"),
    )
    assert (call.answered_by, call.last_extension, call.queue) == ("102", "103", "700")


def test_a_queue_to_which_a_direct_call_was_handed_on_is_told() -> None:
    (call,) = told(
        row(TRUNK, "PJSIP/101-1", 5, 20),
        row(TRUNK, "PJSIP/102-1", 25, 40, app="Queue", data="700,t,,"),
    )
    assert (call.answered_by, call.last_extension, call.queue) == ("101", "102", "700")


def test_a_queue_member_that_is_called_again_and_again_has_one_leg() -> None:
    (call,) = told(
        row(TRUNK, "PJSIP/101-1", 5, 20, "NO ANSWER", app="Queue", data="600,t,,"),
        row(TRUNK, "PJSIP/101-2", 25, 40, "BUSY", app="Queue", data="600,t,,"),
        row(TRUNK, "PJSIP/101-3", 45, 60, app="Queue", data="600,t,,"),
    )
    (leg,) = call.legs
    assert (leg.outcome, leg.rang_at, leg.left_at, leg.rings) == (
        *("answered", NOON + timedelta(seconds=5), NOON + timedelta(seconds=60), 3),
    )


def test_phones_of_an_extension_that_ring_at_once_are_one_ring() -> None:
    both = {"app": "Dial", "data": "PJSIP/101&SIP/101,20"}
    (call,) = told(
        row(TRUNK, "PJSIP/101-1", 5, 5, "BUSY", **both),
        row(TRUNK, "SIP/101-2", 5, 20, "NO ANSWER", **both),
        row(TRUNK, "PJSIP/101-3", 12, 20, "NO ANSWER", **both),
        row(TRUNK, "PJSIP/101-4", 20, 30, **both),
    )
    assert [(leg.extension, leg.rings) for leg in call.legs] == [("101", 2)]


def test_freepbx_follow_me_is_followed_through_all_its_helpers() -> None:
    """The queue calls a Local channel, that calls follow-me's, and that calls phone and mobile."""
    (call,) = told(
        row("Local/FMPR-101@from-internal-02;2", "PJSIP/101-1", 6, 20, "NO ANSWER", sequence=1),
        row("Local/FMGL-79161112233#@from-internal-03;2", "PJSIP/carrier-00000002", 6, 60, sequence=2,
            dst="79161112233", data="PJSIP/79161112233@carrier,300,T"),
        row("Local/101@from-queue-01;2", "Local/FMPR-101@from-internal-02;1", 5, 20, "NO ANSWER", sequence=3),
        row("Local/101@from-queue-01;2", "Local/FMGL-79161112233#@from-internal-03;1", 5, 60, sequence=4),
        row(TRUNK, "Local/101@from-queue-01;1", 4, 60, app="Queue", data="600,t,,", sequence=5),
    )  # fmt: skip
    assert (call.result, call.answered_by, call.answered_outside) == ("answered", None, "+79161112233")
    assert outcomes(call) == {"101": "answered_elsewhere"}


def test_a_mobile_that_is_somebodys_own_makes_them_the_answerer() -> None:
    (call,) = told(row(TRUNK, "PJSIP/carrier-00000002", 0, 60, data="PJSIP/79990003344@carrier,300,T"))
    assert (call.answered_by, call.answered_outside) == ("103", None)


def test_the_line_that_was_called_is_in_a_column_of_its_own_on_freepbx() -> None:
    (call,) = told(row(TRUNK, "PJSIP/2001-1", 0, 60, dst="2001", line="4952150007"))
    assert (call.did, call.answered_by) == ("4952150007", "2001")


def test_a_trunk_whose_name_looks_like_nobodys_extension_is_outside() -> None:
    (call,) = told(row("SIP/104-0001", "SIP/101-0002", 0, 60))
    assert (call.direction, call.number, call.answered_by) == ("inbound", "+79031112233", "101")


def test_with_named_trunks_a_phone_that_is_nobodys_is_not_outside() -> None:
    numbering = Numbering("RU", frozenset({"101"}), {}, ("PJSIP/carrier*",))
    assert told(row("PJSIP/199-1", "PJSIP/101-1", 0, 60), numbering=numbering) == []


def test_a_number_that_is_tried_over_a_second_trunk_is_one_call() -> None:
    (call,) = told(
        row("PJSIP/101-1", "PJSIP/carrier-2", 0, 2, "FAILED", dst=IVAN, data=f"PJSIP/{IVAN}@carrier"),
        row("PJSIP/101-1", "PJSIP/other-3", 2, 40, dst=IVAN, data=f"PJSIP/{IVAN}@other"),
    )
    assert (call.direction, call.result, call.number, call.answered_by) == ("outbound", "answered", f"+{IVAN}", "101")


@pytest.mark.parametrize(
    "disposition, result",
    [("BUSY", "busy"), ("FAILED", "failed"), ("CONGESTION", "failed"), ("NO ANSWER", "no_answer")],
)
def test_an_outbound_call_that_nobody_answers_says_why(disposition: str, result: str) -> None:
    data = f"PJSIP/{IVAN}@carrier,60"
    (call,) = told(row("PJSIP/101-1", "PJSIP/carrier-2", 0, 20, disposition, dst=IVAN, data=data))
    assert (call.result, call.answered_by, [leg.extension for leg in call.legs]) == (result, None, ["101"])


def test_a_consultation_that_did_not_become_a_transfer_is_no_talk_with_the_caller() -> None:
    (call,) = told(
        row(TRUNK, "PJSIP/101-1", 0, 60),
        row("PJSIP/101-1", "Local/103@from-internal-1;1", 20, 30, app="AppDial", data="(Outgoing Line)"),
        row("Local/103@from-internal-1;2", "PJSIP/103-2", 20, 30),
    )
    assert (call.answered_by, call.last_extension) == ("101", "101")
    assert outcomes(call)["101"] == "answered"
    assert outcomes(call)["103"] != "answered"


def test_two_callers_whom_a_transfer_joined_are_two_calls() -> None:
    first, second = told(
        row(TRUNK, "PJSIP/101-1", 0, 60, uniqueid="1772452800.1"),
        row("PJSIP/carrier-9", "PJSIP/102-2", 10, 60, src="79035550000", uniqueid="1772452810.5"),
        row(TRUNK, "PJSIP/carrier-9", 40, 60, uniqueid="1772452800.1"),
    )
    assert (first.number, first.answered_by, second.number, second.answered_by) == (
        *("+79031112233", "101", "+79035550000", "102"),
    )
    assert not first.linkedids & second.linkedids


def test_a_call_among_colleagues_is_none() -> None:
    assert told(row("PJSIP/101-1", "PJSIP/102-2", 0, 60, src="101", dst="102")) == []


def test_a_channel_name_that_comes_again_after_a_restart_is_another_call() -> None:
    one = row(TRUNK, "PJSIP/101-1", 0, 60, linkedid="")
    other = row(TRUNK, "PJSIP/101-1", 600, 660, linkedid="", src="79035550000")
    assert [call.number for call in told(one, other)] == ["+79031112233", "+79035550000"]


def test_names_that_come_again_within_seconds_of_a_restart_are_told_apart_by_their_ids() -> None:
    first, second = (f"PJSIP/carrier-0000000{n}" for n in (1, 2))
    before = [
        row(first, "PJSIP/101-00000001", 0, 60, linkedid="1772452800.0", uniqueid="1772452800.0"),
        row(second, "PJSIP/102-00000003", 1, 60, linkedid="1772452801.2", uniqueid="1772452801.2", src="79035550000"),
    ]
    after = [
        row(first, "PJSIP/102-00000001", 63, 80, linkedid="1772452863.0", uniqueid="1772452863.0", src="79036660000"),
        row(second, "PJSIP/101-00000003", 65, 80, linkedid="1772452865.2", uniqueid="1772452865.2", src="79037770000"),
    ]
    calls = told(*before, *after)
    assert [call.number for call in calls] == [f"+{number}" for number in (IVAN, 79035550000, 79036660000, 79037770000)]
    assert [outcomes(call) for call in calls] == [{extension: "answered"} for extension in ("101", "102", "102", "101")]


def local(number: int, half: int = 2, extension: str = "101") -> str:
    return f"Local/{extension}@from-internal-0000000{number};{half}"


OLDER, YOUNGER, NEXT = "PJSIP/101-00000001", "PJSIP/carrier-00000002", "PJSIP/carrier-00000003"


def met(channel: str, peer: str, start: int, end: int, app: str = "ConfBridge", **more: Any) -> CdrRow:
    """A record of one who came by themselves to where others are. `more` with its `linkedid`."""
    return row(channel, peer, start, end, app=app, data="room", uniqueid=more["linkedid"], **more)


# As Asterisk 22 and 16 write it: a record of two begins when the older came, or when whom it met before had left.
WAITED = (
    met(OLDER, YOUNGER, 0, 50, src="101", dst="303", linkedid="1772452800.1"),
    met(YOUNGER, "", 30, 30, linkedid="1772452830.2"),
    met(OLDER, NEXT, 50, 90, src="101", dst="303", linkedid="1772452800.1"),
    met(NEXT, "", 70, 70, src="79035550011", linkedid="1772452870.3"),
)


def test_callers_who_come_to_a_rep_who_waits_begin_and_are_answered_when_they_come() -> None:
    calls = told(*WAITED)
    assert [(call.direction, call.number, call.answered_by, call.did) for call in calls] == [
        ("inbound", "+79031112233", "101", "4952150000"),
        ("inbound", "+79035550011", "101", "4952150000"),
    ]
    seconds = [(call.started_at, call.answered_at, call.legs[0].answered_at, call.ended_at) for call in calls]
    assert [[(each - NOON).total_seconds() for each in times if each] for times in seconds] == [
        *([30, 30, 30, 50], [70, 70, 70, 90]),
    ]
    assert [[leg.rings for leg in call.legs] for call in calls] == [[0], [0]]


def test_the_ids_of_a_rep_who_waits_are_shared_by_those_who_come() -> None:
    calls = [*told(*WAITED), *told(*WAITED[:2])]
    assert [(set(call.linkedids), set(call.shared_ids)) for call in calls] == [
        ({"1772452830.2"}, {"1772452800.1"}),
        ({"1772452870.3"}, {"1772452800.1"}),
        ({"1772452830.2"}, {"1772452800.1"}),
    ]


def test_a_caller_who_waits_is_answered_when_the_rep_comes() -> None:
    waiting = met(TRUNK, OLDER, 0, 50, linkedid="1772452800.1")
    (call,) = told(waiting, met(OLDER, "", 30, 30, src="101", dst="303", linkedid="1772452830.2"))
    assert (call.answered_by, call.wait_seconds, call.talk_seconds) == ("101", 30, 20)


def test_a_caller_whose_own_record_was_read_before_is_told_of_no_second_time() -> None:
    (call,) = told(*(row for row in WAITED if row.channel != YOUNGER))
    assert call.number == "+79035550011"


def test_who_was_called_and_is_sent_to_a_rep_who_waits_was_called() -> None:
    called = row("PJSIP/102-00000002", NEXT, 10, 20, src="102", data="PJSIP/79035550011@carrier")
    (call,) = told(
        met(OLDER, NEXT, 0, 40, src="101", dst="303", linkedid="1772452800.0"),
        called,
        met(NEXT, "", 20, 40, src="79035550011", dst="303", linkedid="1772452800.1"),
    )
    assert (call.direction, call.number, call.result) == ("outbound", "+79035550011", "answered")
    assert (call.answered_by, call.last_extension, call.started_at) == ("102", "101", called.start)


def test_a_caller_whose_own_record_was_lost_with_the_pbx_is_known_by_those_of_local_channels() -> None:
    ids = {"linkedid": "1772452800.10"}
    calls = told(
        row(local(1), "PJSIP/101-00000002", 0, 2, uniqueid="1772452800.12", **ids),
        row(local(2, extension="102"), "PJSIP/102-00000003", 0, 2, "NO ANSWER", uniqueid="1772452800.14", **ids),
    )
    (call,) = calls
    assert (call.direction, call.number, call.result, call.answered_by) == ("inbound", f"+{IVAN}", "answered", "101")
    assert outcomes(call) == {"101": "answered", "102": "cancelled"}
    assert call.linkedids == {"1772452800.10", "1772452800.12", "1772452800.14"}


def test_such_a_caller_is_not_taken_for_a_call_to_the_mobile_of_a_follow_me() -> None:
    ids = {"linkedid": "1772452800.10"}
    (call,) = told(
        row(local(1), "PJSIP/101-00000002", 0, 2, "NO ANSWER", uniqueid="1772452800.12", **ids),
        row(local(2), local(3, 1), 0, 2, "NO ANSWER", uniqueid="1772452800.14", **ids),
        row(local(3), "PJSIP/carrier-00000005", 0, 2, "NO ANSWER", uniqueid="1772452800.16", src="4952150000", **ids),
    )
    assert (call.direction, call.number, call.result, call.reached) == ("inbound", f"+{IVAN}", "missed", "ringing")


@pytest.mark.parametrize(
    "linkedid, src", [("zeoncrm-01JD", IVAN), ("1772452800.10", "102"), ("1772452800.10", "79990003344")]
)
def test_local_channels_of_a_click_or_of_one_of_ours_make_no_caller(linkedid: str, src: str) -> None:
    calls = told(row(local(1), "PJSIP/101-00000002", 0, 2, uniqueid="1772452800.12", linkedid=linkedid, src=src))
    assert [call for call in calls if call.direction == "inbound"] == []


def test_the_event_that_ami_sends_is_a_record_too() -> None:
    record = row_of(
        {
            "Source": IVAN, "Destination": "4952150000", "CallerID": f'"Ivan" <{IVAN}>', "Channel": TRUNK,
            "DestinationChannel": "PJSIP/101-1", "LastApplication": "Dial", "LastData": "PJSIP/101",
            "StartTime": "2026-03-02 12:00:00", "AnswerTime": "", "EndTime": "2026-03-02 12:00:30",
            "Duration": "30", "BillableSeconds": "0", "Disposition": "NO ANSWER", "UniqueID": "1772452800.1",
        },
        UTC,
    )  # fmt: skip
    (call,) = told(record)
    assert (call.result, call.caller_name, call.linkedids) == ("missed", "Ivan", frozenset({"1772452800.1"}))
