"""Whatever becomes of the messages on their way, calls stay whole: one start, one end, nothing left open."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ami.recorded import Recording, fed, recordings, tracker_for
from tests.replayed import replayed
from zeoncrm.ami.messages import BridgeEntered, ChannelGone, ChannelStatus, Facts, Message, Snapshot
from zeoncrm.ami.tracker import EXPECTED_WITHIN, FORGOTTEN_AFTER
from zeoncrm.pipeline.call_events import CallEvent, CallMerged, CallStarted
from zeoncrm.pipeline.calls import Call, CallState, advance, start

# One of each scenario is enough: the other folders differ in what is dropped before it comes here.
# A click to a phone that is away makes no channel.
RECORDINGS = [
    each for each in recordings() if each.path.parent.name == "asterisk22" and b"Event: Newchannel" in each.data
]
MESSAGES = {each.name: each.messages() for each in RECORDINGS}


def started(events: list[CallEvent]) -> int:
    """How many calls began, among them those that proved to be part of another."""
    return sum(isinstance(event, CallStarted) for event in events)


STARTED = {each.name: started(fed(tracker_for(each.numbering), MESSAGES[each.name])) for each in RECORDINGS}


@st.composite
def damaged_streams(draw: st.DrawFn) -> tuple[Recording, list[Message]]:
    """A recording's messages with some lost, some repeated, and their order disturbed near or far."""
    each = draw(st.sampled_from(RECORDINGS))
    messages = MESSAGES[each.name]
    indexes = list(range(len(messages)))
    lost = draw(st.sets(st.sampled_from(indexes), max_size=len(indexes)))
    repeated = draw(st.lists(st.sampled_from(indexes), max_size=20))
    reach = draw(st.sampled_from([0, 2, 10, len(indexes)]))
    random = draw(st.randoms(use_true_random=False))
    chosen = [index for index in indexes if index not in lost] + repeated
    chosen.sort(key=lambda index: index + random.uniform(0, reach))
    return each, [messages[index] for index in chosen]


@settings(max_examples=300, deadline=None)
@given(damaged_streams())
def test_no_damage_leaves_a_call_open_or_ends_it_twice(stream: tuple[Recording, list[Message]]) -> None:
    each, messages = stream
    tracker = tracker_for(each.numbering)
    events = fed(tracker, messages)
    last = max((message.at for message in MESSAGES[each.name]), default=None)
    assert last is not None

    events += fed(tracker, hangups(MESSAGES[each.name]))
    events += tracker.expire(last + 2 * EXPECTED_WITHIN)

    assert_whole(events)
    assert started(events) <= STARTED[each.name]
    assert tracker.is_empty


@st.composite
def streams_with_snapshots(draw: st.DrawFn) -> tuple[Recording, list[Message]]:
    """Damaged streams of up to three recordings at once, and snapshots that may show anything, old or new."""
    streams = draw(st.lists(damaged_streams(), min_size=1, max_size=3))
    messages = [message for _, stream in streams for message in stream]
    facts = [facts for each, _ in streams for message in MESSAGES[each.name] for facts in facts_in(message)]
    bridges = [None, *{message.bridge for message in messages if isinstance(message, BridgeEntered)}]
    statuses = st.builds(
        ChannelStatus,
        st.sampled_from(facts),
        st.sampled_from(bridges),
        st.sampled_from([None, "AppDial", "AppQueue", "Dial", "Park", "Queue"]),
        st.sampled_from([None, "PJSIP/101", "sales,t"]),
        seconds=st.integers(0, 100),
    )
    start = MESSAGES[streams[0][0].name][0].at
    for _ in range(draw(st.integers(1, 5))):
        at = start + timedelta(milliseconds=draw(st.integers(-1000, 10_000)))
        shown = draw(st.lists(statuses, max_size=6, unique_by=lambda status: status.channel.uniqueid))
        snapshot = Snapshot(at, tuple(shown), draw(st.booleans()))
        messages.insert(draw(st.integers(0, len(messages))), snapshot)
    return streams[0][0], messages


@settings(max_examples=200, deadline=None)
@given(streams_with_snapshots(), st.booleans())
def test_no_snapshot_leaves_a_call_open_or_ends_it_twice(
    stream: tuple[Recording, list[Message]], restarts: bool
) -> None:
    each, messages = stream
    tracker = tracker_for(each.numbering)
    half = len(messages) // 2
    events = fed(tracker, messages[:half])
    if restarts:
        tracker = tracker_for(each.numbering, first=1000)
        tracker.resume(call for call in replayed(events).values() if call.state is not CallState.ENDED)
    events += fed(tracker, messages[half:])
    last = max(message.at for message in messages)

    events += fed(tracker, hangups(messages))
    events += tracker.expire(last + 2 * FORGOTTEN_AFTER)

    assert_whole(events)
    assert tracker.is_empty


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(RECORDINGS), st.integers(1, 3))
def test_a_stream_that_comes_again_tells_nothing_new(each: Recording, times: int) -> None:
    tracker = tracker_for(each.numbering)
    messages = MESSAGES[each.name]
    once = fed(tracker, messages) + tracker.expire(messages[-1].at + timedelta(seconds=5))

    again = fed(tracker, messages * times) + tracker.expire(messages[-1].at + timedelta(seconds=10))

    assert_whole(once)
    assert again == []


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(RECORDINGS))
def test_each_message_may_come_twice(each: Recording) -> None:
    once, twice = tracker_for(each.numbering), tracker_for(each.numbering)
    messages = MESSAGES[each.name]

    doubled = [message for message in messages for _ in range(2)]

    assert fed(twice, doubled) == fed(once, messages)


def hangups(messages: list[Message]) -> list[Message]:
    """The end of every channel that the messages tell of; a recording may have stopped before."""
    at = messages[-1].at
    told = [facts for message in messages for facts in facts_in(message)]
    shown = [status.channel for message in messages if isinstance(message, Snapshot) for status in message.channels]
    channels = {facts.uniqueid: facts for facts in told + shown}
    return [ChannelGone(at, facts, 16) for facts in channels.values()]


def facts_in(message: Message) -> list[Facts]:
    values = [getattr(message, each.name) for each in fields(message)]
    return [value for value in values if isinstance(value, Facts)]


def assert_whole(events: list[CallEvent]) -> None:
    """Each call starts once, ends once, and takes no event that its state does not allow."""
    calls: dict[str, Call] = {}
    for event in events:
        if isinstance(event, CallStarted):
            assert event.call_id not in calls, "a call started twice"
            calls[event.call_id] = start(event)
        elif isinstance(event, CallMerged):
            assert event.into in calls, f"{event} into nothing"
            assert calls.pop(event.call_id).state is not CallState.ENDED
        else:
            assert event.call_id in calls, f"{event} before its start"
            calls[event.call_id] = advance(calls[event.call_id], event)
    assert [call for call in calls.values() if call.state is not CallState.ENDED] == []
    assert all((leg.rings > 0) == (leg.rang_at is not None) for call in calls.values() for leg in call.legs)
