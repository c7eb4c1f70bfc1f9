"""The trace of a call: what was said of it, what was made of it, and a recording that gives the same call again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ami.recorded import Recording, as_told, recording, recordings
from zeoncrm.ami import traced_call
from zeoncrm.ami.framing import Framer
from zeoncrm.ami.live_call import RECORD_GRACE
from zeoncrm.ami.masking import Mask
from zeoncrm.ami.messages import Message
from zeoncrm.ami.parsing import parse, parse_status
from zeoncrm.ami.recording import RecordedClock, calls_in, read_stream
from zeoncrm.ami.trace import Trace
from zeoncrm.ami.traced_call import frames_of, recording_of, trace_of
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.call_events import CallEnded, CallEvent, CallStarted, LegAnswered
from zeoncrm.pipeline.call_traces import CallTrace, Silence
from zeoncrm.pipeline.calls import Call, CallState, IllegalTransition, advance, start
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.numbering import Numbering

MASKED = b"79031000001"


class Traced:
    """A recording as a PBX tells it live, all of it kept."""

    def __init__(self, each: Recording, trace: Trace | None = None) -> None:
        self.numbering = each.numbering
        self.trace = trace or Trace()
        self.calls: dict[str, Call] = {}
        self._tracker = CallTracker("main", self.numbering, new_call_id)
        clock = RecordedClock()
        status: list[bytes] = []
        at = datetime.now(UTC)
        for frame in Framer().feed(each.data):
            at = clock.at(frame)
            self.trace.keep(frame, at)
            message = parse(frame, at)
            if frame.startswith(b"Event: StatusComplete"):
                message, status = parse_status(status, at), []
            elif frame.startswith(b"Event: Status\r\n"):
                status.append(frame)
            if message is not None:
                self._take(at, message, self._tracker.feed(message))
        self._take(at + RECORD_GRACE, None, self._tracker.expire(at + RECORD_GRACE))

    def _take(self, at: datetime, message: Message | None, events: list[CallEvent]) -> None:
        self.trace.note(at, message, events)
        for event in events:
            if isinstance(event, CallStarted):
                self.calls[event.call_id] = start(event)
                continue
            try:
                self.calls[event.call_id] = advance(self.calls[event.call_id], event)
            except IllegalTransition:
                continue

    @property
    def ended(self) -> list[Call]:
        return [call for call in self.calls.values() if call.state is CallState.ENDED]

    def of(self, call: Call) -> CallTrace:
        found = trace_of(self.trace.kept(), call, self.numbering)
        assert found is not None
        return found


def same(call: Call) -> tuple[object, ...]:
    """What must come of a recording again; a phone's leg may ring a moment earlier or later."""
    legs = {leg.extension: leg.outcome for leg in call.legs}
    return (
        call.direction,
        call.number,
        call.did,
        call.result,
        call.answered_by,
        call.last_extension,
        call.reached,
        legs,
    )


def as_masked(call: Call, mask: Mask) -> Call:
    """The call with its numbers replaced."""
    return replace(call, number=call.number and mask.number(call.number), did=call.did and mask.number(call.did))


RECORDINGS = recordings()


@pytest.mark.parametrize("each", RECORDINGS, ids=lambda each: each.name)
def test_the_recording_of_a_traced_call_gives_the_same_call(each: Recording) -> None:
    traced = Traced(each)
    for call in traced.ended:
        data = recording_of(frames_of(traced.trace.kept(), call))
        assert same(call) in map(same, calls_in(read_stream(data), traced.numbering))


@pytest.mark.parametrize("each", RECORDINGS, ids=lambda each: each.name)
def test_a_masked_recording_gives_the_same_call_with_other_numbers(each: Recording) -> None:
    traced = Traced(each)
    for call in traced.ended:
        mask = Mask(traced.numbering)
        data = recording_of(mask.frames(frames_of(traced.trace.kept(), call)))
        assert same(as_masked(call, mask)) in map(same, calls_in(read_stream(data), mask.numbering()))
        for number in (call.number, call.number_raw):
            if number is not None and len(number) >= 10 and len(set(number)) > 1:
                assert number[-7:].encode() not in data


def test_masking_keeps_extensions_and_what_links_channels() -> None:
    each = recording("asterisk22/cyrillic_name")
    traced = Traced(each)
    (call,) = traced.ended
    frames = frames_of(traced.trace.kept(), call)
    masked = recording_of(Mask(each.numbering).frames(frames))
    assert call.caller_name is not None
    assert call.caller_name.encode() not in masked
    assert MASKED in masked
    for word in (b"PJSIP/101-", b"CallerIDNum: 101\r\n", *(f"id: {each}".encode() for each in call.linkedids)):
        assert masked.count(word) == recording_of(frames).count(word) > 0


@pytest.mark.parametrize(
    "number, elsewhere",
    [
        ("223344", "Exten: 223344"),
        ("61234567", "Data: /var/spool/in-61234567-101-20261127.wav"),
        ("79031112233", "DialString: 9w79031112233@trunk"),
        ("8-903-111-22-33", "Data: SIP/8-903-111-22-33@trunk"),
        ("+7 (903) 111-22-33", "Data: +7 (903) 111-22-33"),
    ],
)
def test_a_number_is_masked_in_whatever_form_it_is_written(number: str, elsewhere: str) -> None:
    numbering = Numbering("RU", frozenset({"101", "30001"}))
    lines = ("CallerIDNum: 30001", f"ConnectedLineNum: {number}", "Channel: PJSIP/30001-00000389", elsewhere)
    [masked] = Mask(numbering).frames([traced_call.Traced(1, datetime.now(UTC), "\r\n".join(lines).encode())])
    kept, connected, channel, other = masked.frame.decode().split("\r\n")
    assert (kept, channel) == ("CallerIDNum: 30001", "Channel: PJSIP/30001-00000389")
    assert number not in connected + other
    shown = connected.removeprefix("ConnectedLineNum: ")
    assert (len(shown), shown in other) == (len(number), True)


OF_EACH_KIND = (
    *("direct_answered", "queue_local_members", "attended_transfer_dtmf", "directed_pickup", "outbound_answered"),
    *("two_customers_called_in_turn", "freepbx_outbound"),
)


@pytest.mark.parametrize("user", ["ivan.petrov", "Иван", "ivan1985", "ivan_p-79031112233"])
@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_whoever_calls_by_a_word_is_masked_and_the_call_stays_the_same(name: str, user: str, tmp_path: Path) -> None:
    each = recording(f"asterisk22/{name}")
    path = tmp_path / f"{name}.ami"
    numbers = {number for call in Traced(each).ended for number in (call.number_raw,) if number}
    data = each.data
    for number in numbers:
        data = data.replace(number.encode(), user.encode())
    path.write_bytes(data)
    path.with_suffix(".json").write_bytes(each.path.with_suffix(".json").read_bytes())
    traced = Traced(Recording(path))
    assert user.encode() in data
    for call in traced.ended:
        mask = Mask(traced.numbering)
        masked = recording_of(mask.frames(frames_of(traced.trace.kept(), call)))
        assert user.encode() not in masked
        assert same(as_masked(call, mask)) in map(same, calls_in(read_stream(masked), mask.numbering()))


def test_words_of_the_pbx_are_not_taken_for_somebody() -> None:
    numbering = Numbering("RU", frozenset({"101", "reception"}), devices={"PJSIP/desk-anna": "101"})
    frames = [
        "Event: Newchannel\r\nChannel: PJSIP/lobby-00000001\r\nContext: from-internal\r\nCallerIDNum: lobby",
        "Event: DialBegin\r\nDestChannel: PJSIP/desk-anna-00000002\r\nDestCallerIDNum: desk-anna\r\nQueue: sales",
        "Event: NewCallerid\r\nCallerIDNum: anonymous\r\nConnectedLineNum: s\r\nDestConnectedLineNum: reception",
        "Event: NewCallerid\r\nCallerIDNum: internal\r\nConnectedLineNum: Sales\r\nDestCallerIDNum: Dial",
        "Event: DialBegin\r\nDestChannel: PJSIP/101-00000003\r\nDialString: 101/sip:soft101@127.0.0.2:42410",
        "Event: DialBegin\r\nDestChannel: Local/start@out-00000004;1\r\nDialString: start@out",
        "Event: Hangup\r\nApplication: Dial\r\nConnectedLineNum: <unknown>\r\nCallerIDNum: PJSIP",
    ]
    kept = [traced_call.Traced(1, datetime.now(UTC), frame.encode()) for frame in frames]
    assert Mask(numbering).frames(kept) == kept


def test_whoever_is_called_by_a_word_is_the_same_wherever_they_stand() -> None:
    frames = [
        'CallerIDNum: ivan.petrov\r\nCallerIDName: Ivan.Petrov\r\nCallerID: "ivan.petrov" <ivan.petrov>',
        "Channel: Local/ivan.petrov@from-internal-00000001;2\r\nConnectedLineNum: sip:anna77@example.com",
        "DestChannel: PJSIP/trunk-00000002\r\nDialString: oleg@trunk\r\nLastData: PJSIP/oleg@trunk,20,tT",
        "DialString: trunk/sip:ivan.petrov@example.com\r\nExten: anna77\r\nData: in-ivan.petrov-2026.wav,ivan.petrova",
    ]
    kept = [traced_call.Traced(1, datetime.now(UTC), frame.encode()) for frame in frames]
    assert [each.frame.decode() for each in Mask(Numbering("RU")).frames(kept)] == [
        'CallerIDNum: userb\r\nCallerIDName: userb\r\nCallerID: "userb" <userb>',
        "Channel: Local/userb@from-internal-00000001;2\r\nConnectedLineNum: sip:user2@example.com",
        "DestChannel: PJSIP/trunk-00000002\r\nDialString: userd@trunk\r\nLastData: PJSIP/userd@trunk,20,tT",
        "DialString: trunk/sip:userb@example.com\r\nExten: user2\r\nData: in-userb-2026.wav,ivan.petrova",
    ]


def test_an_account_code_is_masked_like_a_name() -> None:
    numbering = Numbering("RU", frozenset({"101"}))
    [masked] = Mask(numbering).frames(
        [traced_call.Traced(1, datetime.now(UTC), b"AccountCode: ivanov\r\nDestAccountCode: 101")]
    )
    assert masked.frame == b"AccountCode: Name 1\r\nDestAccountCode: 101"


def test_each_event_is_shown_with_what_was_made_of_it() -> None:
    traced = Traced(recording("asterisk22/direct_answered"))
    (call,) = traced.ended
    trace = traced.of(call)
    assert trace.complete
    first = trace.lines[0]
    assert (first.event, [type(event) for event in first.made]) == ("Newchannel", [CallStarted])
    assert first.channels[0].startswith("PJSIP/trunk-")
    assert ("CallerIDNum", call.number_raw) in first.facts
    answered = [line for line in trace.lines if any(isinstance(event, LegAnswered) for event in line.made)]
    assert [line.event for line in answered] == ["BridgeEnter"]
    assert all((line.silence is None) == bool(line.made) for line in trace.lines)
    assert sum(len(line.made) for line in trace.lines) == sum(
        len([event for event in made.events if event.call_id == call.id]) for made in traced.trace.kept().made
    )
    assert {line.silence for line in trace.lines} >= {Silence.NO_CHANGE, Silence.NOT_USED}
    assert trace.options == "--extensions 101 --region RU"


def test_events_of_local_halves_are_named_as_such() -> None:
    traced = Traced(recording("asterisk22/queue_local_members"))
    (call,) = traced.ended
    assert Silence.HELPER in {line.silence for line in traced.of(call).lines}


def test_two_callers_in_one_queue_have_a_trace_each() -> None:
    each = recording("asterisk22/two_callers_at_once")
    traced = Traced(each)
    for call in traced.ended:
        others = {other.number for other in traced.ended} - {call.number}
        raw = "".join(line.raw for line in traced.of(call).lines)
        assert (call.number or "")[1:] in raw
        assert not [number for number in others if number and f"CallerIDNum: {number[1:]}" in raw]


def test_the_end_that_only_time_told_has_its_line() -> None:
    traced = Traced(recording("asterisk22/direct_answered"))
    (call,) = traced.ended
    at = datetime(2026, 3, 2, tzinfo=UTC)
    event = CallEnded(call_id=call.id, at=at, result=call.result)  # type: ignore[arg-type]
    traced.trace.note(at, None, [event])
    last = traced.of(call).lines[-1]
    assert (last.event, last.made) == (None, (event,))


# The ring


def channel_of(number: int) -> bytes:
    name = f"PJSIP/trunk-{number:08x}"
    return f"Event: Newchannel\r\nChannel: {name}\r\nUniqueid: 1.{number}\r\nLinkedid: 1.{number}".encode()


def began(number: int) -> CallStarted:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return CallStarted(call_id=f"call-{number}", at=at, pbx="main", direction="inbound", linkedid=f"1.{number}")  # type: ignore[arg-type]


def filled(trace: Trace, count: int) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    for number in range(count):
        moment = at + timedelta(seconds=number)
        trace.keep(channel_of(number), moment)
        trace.note(moment, parse(channel_of(number), moment), [began(number)])


def test_the_ring_is_bounded_by_bytes() -> None:
    trace = Trace(most_bytes=10_000)
    filled(trace, 1000)
    assert trace.size <= 10_000
    kept = trace.kept()
    assert kept.frames[-1][1] == channel_of(999)
    assert kept.first + len(kept.frames) == 1000
    assert len(kept.made) <= len(kept.frames)


def test_the_ring_is_bounded_by_calls() -> None:
    trace = Trace(most_calls=10)
    filled(trace, 1000)
    assert len(trace.kept().frames) <= 11


def test_a_frame_that_is_larger_than_the_ring_leaves_it_empty() -> None:
    trace = Trace(most_bytes=1000)
    trace.keep(b"Event: Newchannel" + b"x" * 2000, datetime(2026, 3, 2, tzinfo=UTC))
    assert (trace.size, trace.kept().frames) == (0, ())


@pytest.mark.parametrize("frame", [b"Event: VarSet\r\nValue: secret", b"Event: RTCPSent", b"Response: Success"])
def test_what_may_hold_a_secret_or_only_fills_is_not_kept(frame: bytes) -> None:
    trace = Trace()
    trace.keep(frame, datetime(2026, 3, 2, tzinfo=UTC))
    assert not trace.kept().frames


def test_a_call_of_which_nothing_is_kept_has_no_trace() -> None:
    traced = Traced(recording("asterisk22/direct_answered"))
    (call,) = traced.ended
    assert trace_of(Trace().kept(), call, traced.numbering) is None
    assert trace_of(traced.trace.kept(), replace(call, linkedids=frozenset({"9.9"})), traced.numbering) is None


def test_a_trace_that_is_very_long_says_how_much_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traced_call, "MOST_LINES", 10)
    traced = Traced(recording("asterisk22/direct_answered"))
    (call,) = traced.ended
    trace = traced.of(call)
    assert len(trace.lines) == 10
    assert trace.left_out == len(frames_of(traced.trace.kept(), call)) - 10


def test_the_trace_of_a_call_whose_beginning_was_dropped_says_so() -> None:
    each = recording("asterisk22/direct_answered")
    whole = Traced(each)
    (call,) = whole.ended
    small = Traced(each, Trace(most_bytes=whole.trace.size // 2))
    found = trace_of(small.trace.kept(), call, whole.numbering)
    assert found is not None
    assert not found.complete
    assert as_told(call, {"result": None}) == {"result": call.result}
