"""Callers who came to a rep who waits, found by a snapshot: by a new process, or after a gap of the link.

The recorded stream is heard up to the last caller's arrival and again from the first hang-up after it; in between
there is what a snapshot showed at the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ami.recorded import Recording, as_told, by_number, fed, recording, tracker_for
from tests.replayed import replayed
from zeoncrm.ami.messages import Message, Snapshot
from zeoncrm.ami.recording import read_stream
from zeoncrm.pipeline.call_events import CallEvent
from zeoncrm.pipeline.calls import Call, CallState, advance

# The stream, the moment in it, and the callers who were there then, the one who came last at the end.
ALONE = ("conference_where_the_rep_waits", "conference_joined", ["79031113020"])
AT_ONCE = (
    "conference_where_the_rep_waits_for_two_callers_at_once",
    "conference_joined_by_two",
    ["79031113023", "79031113024"],
)
AGENT = ("agent_on_the_line", "agent_talking", ["79031113500"])
AGENT_AGAIN = ("agent_on_the_line_for_two_callers", "agent_talking_again", ["79031113502"])
QUEUE_AGAIN = ("agent_of_a_queue_for_two_callers", "agent_of_a_queue_talking_again", ["79031113504"])
MOMENTS = [
    pytest.param(*ALONE, id="conference"),
    pytest.param(*AT_ONCE, id="conference of two callers"),
    pytest.param(*AGENT, id="agent"),
    pytest.param(*AGENT_AGAIN, id="agent again"),
    pytest.param(*QUEUE_AGAIN, id="agent of a queue again"),
]

pytestmark = [
    pytest.mark.parametrize("asterisk", ["asterisk22", "asterisk16"]),
    pytest.mark.parametrize("name, moment, there", MOMENTS),
]


def parts(each: Recording, moment: str, last: str) -> tuple[list[Message], list[Message], list[Message]]:
    """What is heard before the last caller comes, what the snapshot shows, and what is heard from the hang-up on."""
    frames = each.data.split(b"\r\n\r\n")
    came = f"CallerIDNum: {last}\r\n".encode()
    began = next(at for at, frame in enumerate(frames) if frame.startswith(b"Event: Newchannel") and came in frame)
    ended = next(at for at in range(began, len(frames)) if frames[at].startswith(b"Event: HangupRequest"))
    before, after = (b"\r\n\r\n".join([*some, b""]) for some in (frames[:began], frames[ended:]))
    shown = each.path.with_name(f"status_{moment}.ami")
    heard, found, rest = (list(read_stream(data)) for data in (before, shown.read_bytes(), after))
    found = put_after(heard, found)
    return heard, found, put_after(found, rest)


def put_after(before: list[Message], messages: list[Message]) -> list[Message]:
    """The messages later than those before: each stream is read by a clock of its own."""
    late = max(timedelta(0), before[-1].at - messages[0].at) + timedelta(seconds=1) if before else timedelta(0)
    return [replace(message, at=message.at + late) for message in messages]


def assert_told(each: Recording, calls: Iterable[Call], numbers: Iterable[str] | None = None) -> None:
    expected = sorted(each.expected["calls"], key=by_number)
    wanted = [call for call in expected if numbers is None or call["number"].lstrip("+") in numbers]
    told = sorted(calls, key=lambda call: call.number or "")
    assert [as_told(call, fields) for call, fields in zip(told, wanted, strict=False)] == wanted
    assert len(told) == len(wanted)


def own_ids(found: list[Message]) -> set[str]:
    """The ids of the callers' own channels."""
    channels = [status.channel for message in found if isinstance(message, Snapshot) for status in message.channels]
    return {channel.uniqueid for channel in channels if channel.name.startswith("PJSIP/trunk-")}


def test_a_new_process_finds_who_is_there(asterisk: str, name: str, moment: str, there: list[str]) -> None:
    each = recording(f"{asterisk}/{name}")
    _, found, rest = parts(each, moment, there[-1])

    calls = replayed(fed(tracker_for(each.numbering), [*found, *rest])).values()

    assert_told(each, calls, there)
    # By these, and not by the rep's, the call records tell of them.
    assert own_ids(found) <= {alias for call in calls for alias in call.linkedids}


def test_after_a_gap_of_the_link_all_are_told(asterisk: str, name: str, moment: str, there: list[str]) -> None:
    each = recording(f"{asterisk}/{name}")
    heard, found, rest = parts(each, moment, there[-1])

    calls = replayed(fed(tracker_for(each.numbering), [*heard, *found, *rest])).values()

    assert_told(each, calls)


def test_after_a_restart_all_are_told(asterisk: str, name: str, moment: str, there: list[str]) -> None:
    each = recording(f"{asterisk}/{name}")
    heard, found, rest = parts(each, moment, there[-1])
    known = replayed(fed(tracker_for(each.numbering), heard))
    tracker = tracker_for(each.numbering, first=10)
    tracker.resume(call for call in known.values() if call.state is not CallState.ENDED)

    told = fed(tracker, [*found, *rest])

    assert_told(each, [*gone_on(known, told).values(), *replayed(told).values()])


def gone_on(known: dict[str, Call], told: Iterable[CallEvent]) -> dict[str, Call]:
    """The stored calls and what was told of them after the restart."""
    for event in told:
        if event.call_id in known:
            known[event.call_id] = advance(known[event.call_id], event)
    return known
