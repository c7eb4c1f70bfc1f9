"""Attended transfers as they go on: with whom one of ours speaks while the caller waits."""

from __future__ import annotations

import pytest

from tests.ami.recorded import Recording, fed, recordings, tracker_for
from zeoncrm.pipeline.call_events import Consult, ConsultChanged

ASKED = [Consult("101", "103"), Consult("101", "103", talking=True), None]
# What is told of each, in order. In all other recordings nobody consults anybody.
CONSULTATIONS = {
    "attended_transfer_dtmf": ASKED,
    "attended_transfer_refused": [ASKED[0], None],
    "blonde_transfer": [ASKED[0], None],
    "outbound_attended_transfer": ASKED,
    "queue_then_attended_transfer": [Consult("102", "105"), Consult("102", "105", talking=True), None],
}


@pytest.mark.parametrize("each", recordings(), ids=lambda each: each.name)
def test_each_recording_tells_its_consultations_and_no_other(each: Recording) -> None:
    events = fed(tracker_for(each.numbering), each.messages())
    told = [event.consult for event in events if isinstance(event, ConsultChanged)]
    assert told == CONSULTATIONS.get(each.path.stem, [])
