"""Recorded streams of which a part is not heard: the link was lost, or the daemon started again, and a snapshot shows
what is there."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.ami.recorded import Recording, by_number, fed, recording, tracker_for
from tests.replayed import replayed
from zeoncrm.ami import messages as m
from zeoncrm.ami.parties import device_of
from zeoncrm.pipeline.call_events import CallEvent
from zeoncrm.pipeline.calls import Call, CallState, advance

# What must not depend on what was heard.
TOLD = ("direction", "number", "result", "answered_by", "answered_outside")


def snapshot(messages: Iterable[m.Message], at: m.Message) -> m.Snapshot:
    """What `Status` shows after these messages: dials tell the applications."""
    channels: dict[str, m.Facts] = {}
    bridges: dict[str, str] = {}
    came: dict[str, str] = {}
    dials: dict[str, dict[str, str]] = {}
    called: set[str] = set()
    for message in messages:
        match message:
            case m.ChannelSeen(channel=facts, created=created):
                known = channels.get(facts.uniqueid)
                channels[facts.uniqueid] = facts if known is None else _merged(known, facts)
                if created and facts.state == 4 and facts.exten:
                    came[facts.uniqueid] = facts.exten
            case m.ChannelRenamed(uniqueid=uniqueid, name=name) if uniqueid in channels:
                channels[uniqueid] = channels[uniqueid]._replace(name=name)
            case m.ChannelGone(channel=facts):
                channels.pop(facts.uniqueid, None)
                for each in dials.values():
                    each.pop(facts.uniqueid, None)
            case m.BridgeEntered(channel=facts, bridge=bridge):
                bridges[facts.uniqueid] = bridge
            case m.BridgeLeft(channel=facts):
                bridges.pop(facts.uniqueid, None)
            case m.DialBegan(source=source, target=target, dialled=dialled):
                if source is not None:
                    called.add(target.uniqueid)
                    technology = device_of(target.name)[0]
                    dials.setdefault(source.uniqueid, {})[target.uniqueid] = f"{technology}/{dialled or ''}"
    shown = []
    for uniqueid, facts in channels.items():
        application, data = ("AppDial", "(Outgoing Line)") if uniqueid in called else ("", "")
        if targets := dials.get(uniqueid):
            application, data = "Dial", "&".join(targets.values()) + ",60"
        shown.append(m.ChannelStatus(facts, bridges.get(uniqueid), application, data, came.get(uniqueid), 1))
    return m.Snapshot(at.at, tuple(shown))


def _merged(known: m.Facts, news: m.Facts) -> m.Facts:
    return known._replace(**{name: value for name, value in news._asdict().items() if value is not None})


def after_a_gap(each: Recording, cut: int, lost: int) -> list[Call]:
    """The link is lost at the cut, and back after so many messages."""
    messages = each.messages()
    tracker = tracker_for(each.numbering)
    found = snapshot(messages[: cut + lost], messages[cut + lost - 1])
    return list(replayed(fed(tracker, [*messages[:cut], found, *messages[cut + lost :]])).values())


def after_a_restart(each: Recording, cut: int) -> list[Call]:
    """Another process goes on there, with the calls that the first one stored."""
    messages = each.messages()
    calls = replayed(fed(tracker_for(each.numbering), messages[:cut]))
    tracker = tracker_for(each.numbering, first=100)
    tracker.resume(call for call in calls.values() if call.state is not CallState.ENDED)
    told = fed(tracker, [snapshot(messages[:cut], messages[cut - 1]), *messages[cut:]])
    return [*_gone_on(calls, told).values(), *replayed(_new(calls, told)).values()]


def _gone_on(calls: dict[str, Call], told: Iterable[CallEvent]) -> dict[str, Call]:
    for event in told:
        if event.call_id in calls:
            calls[event.call_id] = advance(calls[event.call_id], event)
    return calls


def _new(calls: dict[str, Call], told: Iterable[CallEvent]) -> list[CallEvent]:
    return [event for event in told if event.call_id not in calls]


def as_expected(each: Recording, calls: Iterable[Call]) -> bool:
    expected = [{name: call.get(name) for name in TOLD} for call in sorted(each.expected["calls"], key=by_number)]
    told = [{name: getattr(call, name) for name in TOLD} for call in sorted(calls, key=lambda call: call.number or "")]
    return told == expected


@pytest.mark.parametrize(
    "name, cuts",
    [
        ("withheld_number_sent_on_to_a_mobile", range(8, 18)),
        ("withheld_number_sent_on_to_a_mobile_at_once", range(2, 12)),
        ("rep_dials_through_from_the_own_mobile", range(6, 15)),
        ("called_back_by_the_pbx_for_a_queue", range(8, 32)),
        ("number_invited_to_a_conference", range(11, 20)),
        ("the_third_number_answers", range(6, 25)),
    ],
)
def test_a_restart_changes_nobody_of_a_call(name: str, cuts: range) -> None:
    each = recording(f"asterisk22/{name}")
    assert [cut for cut in cuts if not as_expected(each, after_a_restart(each, cut))] == []


@pytest.mark.parametrize(
    "name, cuts, lost",
    [
        ("freepbx_follow_me_to_the_own_mobile", range(17, 27), 10),
        ("forwarded_to_own_mobile", range(1, 2), 10),
        ("freepbx_click_to_call", range(21, 29), 10),
        ("freepbx_outbound", range(1, 3), 10),
        ("two_customers_called_in_turn", range(11, 16), 10),
    ],
)
def test_a_gap_loses_neither_a_number_nor_a_call(name: str, cuts: range, lost: int) -> None:
    each = recording(f"asterisk22/{name}")
    assert [cut for cut in cuts if not as_expected(each, after_a_gap(each, cut, lost))] == []
