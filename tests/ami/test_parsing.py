"""AMI events become typed messages; what is damaged becomes none, or counts as malformed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ami.recorded import FOLDER, recording
from zeoncrm.ami import messages as m
from zeoncrm.ami.framing import Framer
from zeoncrm.ami.parsing import PARSERS, holding_bridges, parse, parse_status

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def frame(event: str, *headers: str) -> bytes:
    return "\r\n".join([f"Event: {event}", *headers]).encode()


def newchannel(*headers: str) -> bytes:
    return frame(
        "Newchannel", "Channel: PJSIP/101-00000001", "Uniqueid: 1.1", "Linkedid: 1.0", "ChannelState: 4", *headers
    )


def seen(data: bytes) -> m.Facts:
    message = parse(data, AT)
    assert isinstance(message, m.ChannelSeen)
    return message.channel


def test_a_new_channel_is_read_with_all_that_is_known_of_it() -> None:
    data = newchannel("CallerIDNum: 79031112233", "CallerIDName: Иван Петров", "Exten: 4952150000")

    assert parse(data, AT) == m.ChannelSeen(
        AT, m.Facts("1.1", "PJSIP/101-00000001", "1.0", 4, "79031112233", "Иван Петров", "4952150000"), created=True
    )


@pytest.mark.parametrize(
    "written, meant",
    [
        (r"O\'Brien", "O'Brien"),
        (r"Kdo\?", "Kdo?"),
        (r"\"Ivan\"", '"Ivan"'),
        (r"C:\\new", r"C:\new"),
        (r"tab\tbed", "tabbed"),
        ("<unknown>", None),
        ("", None),
    ],
)
def test_a_name_is_unescaped_exactly_once(written: str, meant: str | None) -> None:
    assert seen(newchannel(f"CallerIDName: {written}")).caller_name == meant


def test_a_name_is_bounded_and_loses_control_and_direction_characters() -> None:
    name = "<b>" + "я" * 10_000 + "</b>"

    assert seen(newchannel(f"CallerIDName: {name}")).caller_name == ("<b>" + "я" * 197)
    assert seen(newchannel("CallerIDName: A\x07n\x1bn\u202ea\u2066")).caller_name == "Anna"
    assert seen(newchannel("CallerIDName: محمد")).caller_name == "محمد"
    assert seen(newchannel("CallerIDName: \u202e\x00")).caller_name is None


def test_of_a_repeated_header_the_first_value_counts() -> None:
    assert seen(newchannel("CallerIDNum: 1", "CallerIDNum: 2", "Event: Hangup")).number == "1"


def test_what_is_no_utf_8_costs_only_its_own_letters() -> None:
    facts = seen(newchannel("Exten: 100") + b"\r\nCallerIDName: J\xfcrgen X")

    assert facts.exten == "100"
    assert facts.caller_name == "J\ufffdrgen X"


def test_a_name_of_which_nothing_can_be_read_is_none() -> None:
    assert seen(newchannel("Exten: 100") + b"\r\nCallerIDName: \xc8\xe2\xe0\xed \xcf").caller_name is None


def test_the_event_may_stand_behind_other_headers_and_lines_may_end_with_a_bare_line_feed() -> None:
    data = b"ActionID: 7\nEvent: Hangup\nChannel: PJSIP/101-1\nUniqueid: 1.1\nCause: 17\nTechCause: 486"

    assert parse(data, AT) == m.ChannelGone(AT, m.Facts("1.1", "PJSIP/101-1", "1.1"), 17, 486)


@pytest.mark.parametrize("data", [b"", b"Response: Success", frame("RTCPSent"), frame("VarSet"), frame("Status")])
def test_what_no_call_is_made_of_is_dropped(data: bytes) -> None:
    assert parse(data, AT) is None


@pytest.mark.parametrize(
    "data",
    [
        frame("Newchannel"),
        frame("Newchannel", "Channel: PJSIP/1-1"),
        frame("Newchannel", "Channel", "Uniqueid"),
        frame("Hangup", "Uniqueid: " + "1" * 1000, "Channel: PJSIP/1-1"),
        frame("DialEnd", "DestChannel: PJSIP/1-1", "DestUniqueid: 1.1"),
        frame("BridgeEnter", "Channel: PJSIP/1-1", "Uniqueid: 1.1"),
    ],
)
def test_an_event_that_lacks_what_it_needs_is_counted_as_malformed(data: bytes) -> None:
    assert isinstance(parse(data, AT), m.Malformed)


@given(st.binary(max_size=500), st.sampled_from(sorted(PARSERS)))
def test_garbage_never_raises(garbage: bytes, event: bytes) -> None:
    parse(garbage, AT)
    parse(b"Event: " + event + b"\r\n" + garbage, AT)
    parse(b"Event: " + event + b"\r\nChannel: x\r\nUniqueid: y\r\n" + garbage, AT)
    parse_status([garbage, b"Event: Status\r\n" + garbage], AT)


def test_every_wanted_event_of_the_recordings_is_understood() -> None:
    for path in FOLDER.glob("*/*.ami"):
        for data in Framer().feed(path.read_bytes()):
            assert not isinstance(parse(data, AT), m.Malformed), data


def test_a_snapshot_is_read_from_the_entries_of_status() -> None:
    frames = Framer().feed((FOLDER / "asterisk22" / "status_ringing.ami").read_bytes())

    snapshot = parse_status(frames, AT)

    assert snapshot.at == AT
    caller, phone = sorted(snapshot.channels, key=lambda status: status.channel.uniqueid)
    assert caller.channel.number == "79031110010"
    assert (caller.application, caller.data, caller.dnid) == ("Dial", "PJSIP/101,20,tT", "4952150000")
    assert (phone.channel.state, phone.application, phone.bridge) == (5, "AppDial", None)


def test_channels_that_talk_share_their_bridge_in_the_snapshot() -> None:
    frames = Framer().feed((FOLDER / "asterisk16" / "status_talking.ami").read_bytes())

    bridges = [status.bridge for status in parse_status(frames, AT).channels]

    assert len(bridges) == 2
    assert bridges[0] is not None
    assert bridges[0] == bridges[1]


def test_a_recorded_stream_without_noise_says_the_same_as_one_with_it() -> None:
    few, all_classes = recording("asterisk22/no_answer"), recording("asterisk22-all-classes/no_answer")

    assert sorted(map(kind, few.messages())) == sorted(map(kind, all_classes.messages()))


def kind(message: m.Message) -> str:
    return type(message).__name__


def test_facts_are_the_same_whether_their_headers_stand_in_asterisks_order_or_not() -> None:
    for path in FOLDER.glob("asterisk22/*.ami"):
        for data in Framer().feed(path.read_bytes()):
            event, *headers = data.split(b"\r\n")
            in_another_order = b"\r\n".join([event, *reversed(headers)])
            assert parse(data, AT) == parse(in_another_order, AT)


def test_the_list_of_bridges_tells_in_which_nobody_hears_another() -> None:
    item = "Event: BridgeListItem\r\nBridgeUniqueid: {}\r\nBridgeType: base\r\nBridgeTechnology: {}\r\n\r\n"
    bridges = (("lot", "holding_bridge"), ("talk", "simple_bridge"), ("", "holding_bridge"))
    listed = [item.format(*each).encode() for each in bridges]
    entry = "Event: Status\r\nChannel: PJSIP/1-1\r\nUniqueid: 1.1\r\nBridgeID: {}\r\nApplication: Dial\r\n\r\n"
    entries = [entry.format(name).encode() for name in ("lot", "talk", "")]

    shown = parse_status(entries, AT, holding=holding_bridges([*listed, b""])).channels

    assert [(status.bridge, status.holding) for status in shown] == [("lot", True), ("talk", False), (None, False)]
