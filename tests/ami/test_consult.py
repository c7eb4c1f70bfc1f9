"""Attended transfers as they go on: with whom one of ours speaks while the caller waits."""

from __future__ import annotations

import pytest

from tests.ami.recorded import Recording, fed, recordings, tracker_for
from zeoncrm.pipeline.call_events import Consult, ConsultChanged


def asks(extension: str, other: str, *, answered: bool = True) -> list[Consult | None]:
    """It rings there, it is answered, it is over."""
    talks = [Consult(extension, other, talking=True)] if answered else []
    return [Consult(extension, other), *talks, None]


MOBILE = "+79990001122"
# What is told of each, in order.
CONSULTATIONS = {
    "ami_attended_transfer": asks("101", "103"),
    "attended_transfer_dtmf": asks("101", "103"),
    "attended_transfer_into_a_queue": asks("101", "105"),
    "attended_transfer_refused": asks("101", "103", answered=False),
    "attended_transfer_that_nobody_takes": asks("101", "103", answered=False),
    "attended_transfer_third_leaves_again": asks("101", "103"),
    "attended_transfer_to_the_outside": asks("101", MOBILE),
    "blonde_transfer": asks("101", "103", answered=False),
    "blonde_transfer_that_nobody_takes_comes_back": asks("101", "103", answered=False),
    "consultation_and_caller_in_turns": [*asks("101", "103"), Consult("101", "103", talking=True), None],
    "consultation_becomes_a_talk_of_three": asks("101", "103"),
    "consultation_is_given_up": asks("101", "103"),
    "freepbx_attended_transfer": asks("2001", "30001"),
    "outbound_attended_transfer": asks("101", "103"),
    "outside_consulted_and_back": asks("101", MOBILE),
    "queue_then_attended_transfer": asks("102", "105"),
}


@pytest.mark.parametrize("each", recordings(), ids=lambda each: each.name)
def test_each_recording_tells_its_consultations(each: Recording) -> None:
    events = fed(tracker_for(each.numbering), each.messages())
    told = [event.consult for event in events if isinstance(event, ConsultChanged)]
    if each.path.stem in CONSULTATIONS:
        assert told == CONSULTATIONS[each.path.stem]
    else:
        assert not told or told[-1] is None
        assert not told or any(word in each.path.stem for word in ("transfer", "consult"))
