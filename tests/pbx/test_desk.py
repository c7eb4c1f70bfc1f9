"""What the operator's page shows of a real PBX, and the trace of a call that was made on it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.pbx.attached import Attached, attached
from tests.pbx.lab import Lab
from tests.pbx.roots import RELEASES
from zeoncrm.ami.desk import Desk
from zeoncrm.ami.recording import calls_in, read_stream
from zeoncrm.pipeline.call_events import LegAnswered
from zeoncrm.pipeline.calls import Call

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", RELEASES, indirect=True),
]

CALLER = "79031112233"


async def transferred(lab: Lab, it: Attached) -> Call:
    """101 answers, sends the caller on to 102, who talks to the end."""
    await lab.call_in(CALLER, did="4952150101", name="Иван")
    await lab.answer("101")
    await lab.talk("101", CALLER)
    await lab.press("101", "#1102")
    await lab.answer("102")
    await lab.talk("102", CALLER)
    await lab.hang_up("102")
    return await it.ended()


@pytest.mark.parametrize("masked", [False, True])
async def test_the_recording_of_a_call_gives_it_again(lab: Lab, masked: bool) -> None:
    async with attached(lab) as it:
        call = await transferred(lab, it)
        data = await Desk(it.pbx).recording(call, masked=masked)
        assert data is not None
        (again,) = calls_in(read_stream(data), it.pbx.tracker.numbering)
        assert (again.answered_by, again.last_extension, again.result) == ("101", "102", call.result)
        assert (again.number == call.number) is not masked
        assert (b"\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd" in data) is not masked
        assert again.talk_seconds is not None
        assert call.talk_seconds is not None
        assert abs(again.talk_seconds - call.talk_seconds) <= 1


async def test_the_trace_tells_what_was_made_of_each_event(lab: Lab) -> None:
    async with attached(lab) as it:
        call = await transferred(lab, it)
        trace = await Desk(it.pbx).trace(call)
        assert trace is not None
        assert trace.complete
        made = [event for line in trace.lines for event in line.made]
        assert made == it.events
        assert sum(isinstance(event, LegAnswered) for event in made) == 2
        assert "--extensions 101,102" in trace.options


async def test_the_report_shows_the_link_its_rights_and_its_phones(lab: Lab) -> None:
    async with attached(lab) as it:
        await transferred(lab, it)
        report = Desk(it.pbx).report(datetime.now(UTC))
        assert (report.state, report.reason, report.logins, report.quiet) == ("up", None, 1, False)
        assert {right.held for right in report.rights} == {True}
        assert report.last_event_at is not None
        assert {"101", "trunk"} <= {endpoint.name for endpoint in report.endpoints}
