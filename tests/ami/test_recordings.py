"""Each recorded stream gives the calls that stand beside it, however it is cut."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.ami.recorded import FOLDER, Recording, as_told, by_number, fed, recording, recordings, tracker_for
from zeoncrm.ami.framing import Framer
from zeoncrm.ami.messages import ChannelSeen
from zeoncrm.ami.parsing import PARSERS
from zeoncrm.ami.parties import device_of
from zeoncrm.ami.recording import calls_in, read_stream
from zeoncrm.pipeline.call_events import Direction, LegRang
from zeoncrm.pipeline.calls import Call, advance

RECORDINGS = recordings()
OF_THE_DAEMON = [each for each in RECORDINGS if "all-classes" not in each.name]


def names(each: Recording) -> str:
    return each.name


@pytest.mark.parametrize("each", RECORDINGS, ids=names)
def test_a_recorded_stream_gives_its_calls(each: Recording) -> None:
    assert_calls(each, calls_in(read_stream(each.path), each.numbering))


@pytest.mark.parametrize("each", RECORDINGS, ids=names)
def test_chunk_sizes_do_not_matter(each: Recording) -> None:
    data = each.data
    whole = Framer().feed(data)
    sizes = random.Random(each.name)

    assert frames_of(randomly_cut(data, sizes)) == whole
    if each in OF_THE_DAEMON:  # the others have the same events among more
        assert frames_of(data[at : at + 1] for at in range(len(data))) == whole


@pytest.mark.parametrize("name", sorted(path.stem for path in (FOLDER / "asterisk22-all-classes").glob("*.json")))
def test_the_rights_of_the_account_do_not_matter(name: str) -> None:
    few, all_classes = recording(f"asterisk22/{name}"), recording(f"asterisk22-all-classes/{name}")

    assert few.expected["calls"] == all_classes.expected["calls"]
    assert_calls(few, calls_in(read_stream(all_classes.data), few.numbering))


@pytest.mark.parametrize("each", RECORDINGS, ids=names)
def test_naming_the_trunks_changes_nothing(each: Recording) -> None:
    numbering = replace(each.numbering, trunks=("PJSIP/trunk*", "SIP/trunk*", "IAX2/trunk*"))

    assert_calls(each, calls_in(read_stream(each.path), numbering))


def test_a_stream_that_stops_in_the_middle_of_a_call_gives_only_what_ended() -> None:
    each = recording("asterisk22/direct_answered")
    data = each.data
    before_the_end = data[: data.index(b"Event: HangupRequest")]

    assert calls_in(read_stream(before_the_end), each.numbering) == []


def test_garbage_in_a_stream_is_passed_over() -> None:
    each = recording("asterisk22/direct_answered")
    garbage = b"\xff\x00\r\n\r\nEvent: Newchannel\r\n\r\nEvent\r\n\r\nEvent: Hangup\r\nChannel\r\n\r\n: \r\n\r\n"

    data = each.data.replace(b"Event: Newchannel", garbage + b"Event: Newchannel")

    assert_calls(each, calls_in(read_stream(data), each.numbering))


STRANGE = b"Event: SomethingNew\r\nUniqueid: 1.1\r\nChannel: PJSIP/101-00000001\r\nLinkedid: 1.1"


@pytest.mark.parametrize("each", OF_THE_DAEMON, ids=names)
def test_unknown_events_and_headers_and_another_order_of_headers_change_nothing(each: Recording) -> None:
    frames = each.data.split(b"\r\n\r\n")

    strange = b"\r\n\r\n".join(part for frame in frames for part in (strangely_written(frame), STRANGE))

    assert_calls(each, calls_in(read_stream(strange), each.numbering))


# What these tell follows from the others too.
SPARE = ("AttendedTransfer", "BlindTransfer", "BridgeDestroy", "BridgeLeave", "NewCallerid", "UnParkedCall")


@pytest.mark.parametrize("kind", SPARE)
def test_calls_are_right_though_all_events_of_a_kind_are_missing(kind: str) -> None:
    line = f"Event: {kind}\r\n".encode()
    told_of = [each for each in RECORDINGS if each.path.parent.name == "asterisk22" and line in each.data]
    assert told_of

    for each in told_of:
        left = b"\r\n\r\n".join(frame for frame in each.data.split(b"\r\n\r\n") if not frame.startswith(line))
        assert_calls(each, calls_in(read_stream(left), each.numbering))


# Without these it is not known that somebody is there, whom the PBX calls, who talks, or who did not take their phone.
VITAL = {b"BridgeEnter", b"DialBegin", b"Hangup", b"Newchannel", b"OriginateResponse"}


@pytest.mark.parametrize("kind", sorted(PARSERS.keys() - VITAL - {b"Reload"}))
def test_no_call_is_made_up_or_left_open_though_all_events_of_a_kind_are_missing(kind: bytes) -> None:
    line = b"Event: " + kind + b"\r\n"
    newest = (each for each in OF_THE_DAEMON if each.path.parent.name in {"asterisk22", "asterisk16-chan-sip"})
    for each in newest:
        if line not in each.data:
            continue
        left = b"\r\n\r\n".join(frame for frame in each.data.split(b"\r\n\r\n") if not frame.startswith(line))
        told = sorted((str(call.direction), call.number or "") for call in calls_in(read_stream(left), each.numbering))
        assert told == sorted((call["direction"], call["number"] or "") for call in each.expected["calls"]), each.name


# Between which there is no telling what happened: whoever hung up before the talk did not answer.
DECISIVE = ("BridgeLeave", "HangupRequest", "Pickup")


@pytest.mark.parametrize("each", OF_THE_DAEMON, ids=names)
def test_neighbouring_events_of_different_channels_may_change_places(each: Recording) -> None:
    frames = [frame for frame in each.data.split(b"\r\n\r\n") if frame.startswith(b"Event: ")]
    order, at = list(frames), 0
    while at + 1 < len(frames):
        if independent(frames[at], frames[at + 1]):
            order[at : at + 2] = frames[at + 1], frames[at]
            at += 1
        at += 1

    assert_calls(each, calls_in(read_stream(b"\r\n\r\n".join([*order, b""])), each.numbering))


def independent(one: bytes, other: bytes) -> bool:
    kinds = {frame.partition(b"\r\n")[0].removeprefix(b"Event: ").decode() for frame in (one, other)}
    channels = [set(re.findall(rb"Uniqueid: ([^\r]*)", frame, re.IGNORECASE)) for frame in (one, other)]
    return kinds.isdisjoint(DECISIVE) and channels[0].isdisjoint(channels[1])


def strangely_written(frame: bytes) -> bytes:
    first, *headers = frame.split(b"\r\n")
    if not first.startswith(b"Event: ") or first.startswith(b"Event: Status"):
        return frame
    return b"\r\n".join([first, b"NewHeader: 1", *reversed(headers), b"Uniqueid2: 1.1", b"no header at all"])


@pytest.mark.parametrize("asterisk", ["asterisk22", "asterisk16"])
def test_a_transfer_that_comes_back_rings_for_the_one_who_made_it(asterisk: str) -> None:
    each = recording(f"{asterisk}/blonde_transfer_that_nobody_takes_comes_back")
    events = fed(tracker_for(each.numbering), each.messages())

    assert [event.extension for event in events if isinstance(event, LegRang)] == ["101", "103", "101"]


def test_the_times_of_a_stream_are_those_of_its_channels() -> None:
    each = recording("asterisk22/direct_answered")

    (call,) = calls_in(read_stream(each.path), each.numbering)

    assert call.ended_at is not None
    assert call.started_at.year == 2026
    assert call.started_at < call.ended_at
    assert calls_in(read_stream(each.data), each.numbering) == [call]


def assert_calls(each: Recording, calls: list[Call]) -> None:
    expected = sorted(each.expected["calls"], key=by_number)
    told = sorted(calls, key=lambda call: call.number or "")
    assert [as_told(call, fields) for call, fields in zip(told, expected, strict=False)] == expected
    assert len(told) == len(expected)


def frames_of(chunks: Iterator[bytes]) -> list[bytes]:
    framer = Framer()
    return [frame for chunk in chunks for frame in framer.feed(chunk)]


def randomly_cut(data: bytes, sizes: random.Random) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = sizes.randint(1, 3000)
        yield data[at : at + size]
        at += size


# Of a device that is away there is no channel.
CLICKS = [each for each in RECORDINGS if "click_to_call" in each.name and b"Event: Newchannel" in each.data]


@pytest.mark.parametrize("each", CLICKS, ids=names)
def test_a_recorded_click_that_was_ours_starts_no_second_call(each: Recording) -> None:
    (expected,) = each.expected["calls"]
    messages = each.messages()
    first = next(message for message in messages if isinstance(message, ChannelSeen))
    _, device = device_of(first.channel.name)
    extension = device.partition("@")[0]
    click = Call(id="ours", pbx="main", direction=Direction.OUTBOUND, started_at=first.at, number=expected["number"])
    tracker = tracker_for(each.numbering)
    channel_id = first.channel.uniqueid
    tracker.expect(click.id, channel_id=channel_id, extension=extension, number=expected["number"], at=first.at)

    for event in fed(tracker, messages):
        assert event.call_id == click.id
        click = advance(click, event)

    assert as_told(click, expected) == expected
    assert {leg.extension for leg in click.legs} <= {extension}
    assert [leg.rings for leg in click.legs] == [int(leg.rang_at is not None) for leg in click.legs]
