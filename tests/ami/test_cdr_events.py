"""Call records as AMI tells them."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.ami.recorded import recording
from zeoncrm.ami.cdr.events import CdrEvents
from zeoncrm.ami.cdr.groups import groups_of
from zeoncrm.ami.cdr.told import calls_of
from zeoncrm.ami.framing import Framer

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def events_of(name: str, events: CdrEvents) -> None:
    """All frames of a recorded stream, of which some are records."""
    for frame in Framer().feed(recording(name).data):
        events.keep(frame)


async def test_the_events_of_a_stream_are_records_of_its_calls() -> None:
    events = CdrEvents(UTC)
    mark = await events.begin(NOW)
    events_of("asterisk22/blind_transfer_dtmf", events)
    reading = await events.read(mark)
    groups = groups_of([read.row for read in reading.records])
    numbering = recording("asterisk22/blind_transfer_dtmf").numbering
    (call,) = (call for group in groups for call in calls_of(group, "main", numbering))
    assert (call.number, call.answered_by, call.last_extension) == ("+79031110016", "101", "103")
    assert reading.bad == 0
    assert not (await events.read(reading.mark)).records
    second = reading.records[1].mark
    assert second is not None
    assert [read.row for read in (await events.read(second)).records] == [read.row for read in reading.records[1:]]


async def test_another_process_begins_anew() -> None:
    before, after = CdrEvents(UTC), CdrEvents(UTC)
    events_of("asterisk22/blind_transfer_dtmf", before)
    mark = await before.begin(NOW)
    events_of("asterisk22/voicemail", after)
    assert {read.row.src for read in (await after.read(mark)).records} == {"79031110025"}


async def test_no_more_is_kept_than_is_allowed_and_what_is_wrong_is_counted() -> None:
    events = CdrEvents(UTC, most_rows=1)
    mark = await events.begin(NOW)
    events_of("asterisk22/voicemail", events)
    events.keep(b"Event: Cdr\r\nChannel: PJSIP/1\r\nStartTime: noon")
    reading = await events.read(mark)
    assert (len(reading.records), reading.bad, reading.why) == (1, 1, "a time that is none")
