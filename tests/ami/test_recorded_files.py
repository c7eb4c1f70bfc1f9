"""Which call a recording is of, and how its file's name is learned with the least rights."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tests.ami.pbx_script import START, TRUNK, ScriptedPbx
from zeoncrm.ami import messages as m
from zeoncrm.ami.actions import ActionHeaders, Reply
from zeoncrm.ami.control import Control
from zeoncrm.ami.errors import ActionRefused
from zeoncrm.ami.parsing import parse, parse_status
from zeoncrm.ami.recorded_files import RecordedFiles
from zeoncrm.pipeline.call_events import CallEvent, CallRecorded

FILE = "/var/spool/asterisk/monitor/in.wav"
BEGAN = (
    b"Event: MixMonitorStart\r\nPrivilege: call,all\r\nChannel: PJSIP/trunk-00000000\r\nChannelState: 4\r\n"
    b"ChannelStateDesc: Ring\r\nCallerIDNum: 79031112233\r\nCallerIDName: <unknown>\r\n"
    b"ConnectedLineNum: <unknown>\r\nConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\n"
    b"Context: from-trunk\r\nExten: 4952150020\r\nPriority: 1\r\nUniqueid: 1795399335.0\r\n"
    b"Linkedid: 1795399335.0\r\n"
)
STATUS = (
    b"Event: Status\r\nPrivilege: Call\r\nChannel: PJSIP/trunk-00000000\r\nChannelState: 6\r\n"
    b"ChannelStateDesc: Up\r\nCallerIDNum: 79031112233\r\nCallerIDName: <unknown>\r\n"
    b"ConnectedLineNum: 101\r\nConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\n"
    b"Context: from-trunk\r\nExten: 4952150020\r\nPriority: 2\r\nUniqueid: 1795399335.0\r\n"
    b"Linkedid: 1795399335.0\r\nType: PJSIP\r\nSeconds: 3\r\nVariable: MIXMONITOR_FILENAME=%s\r\nActionID: s\r\n"
)


def recorded(events: list[CallEvent]) -> list[tuple[str, str]]:
    return [(event.call_id, event.file) for event in events if isinstance(event, CallRecorded)]


def named(pbx: ScriptedPbx, channel: str, file: str = FILE) -> m.RecordingNamed:
    return m.RecordingNamed(pbx.now, pbx.facts(channel).uniqueid, file)


def test_the_event_names_the_channel() -> None:
    message = parse(BEGAN, START)
    assert isinstance(message, m.RecordingBegan)
    assert (message.channel.name, message.channel.uniqueid) == ("PJSIP/trunk-00000000", "1795399335.0")


def test_a_snapshot_names_the_file_of_each_recorded_channel() -> None:
    snapshot = parse_status([STATUS % FILE.encode(), STATUS % b"(null)", STATUS % b"x\x07.wav"], START)
    assert [status.recording for status in snapshot.channels] == [FILE, None, None]


def test_a_call_is_told_once_in_which_file_it_is_recorded() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    told = pbx.tell(named(pbx, TRUNK)) + pbx.tell(named(pbx, TRUNK)) + pbx.ring(TRUNK, "PJSIP/101-1")
    assert recorded(told) == [(pbx.call.id, FILE)]


def test_a_recording_that_begins_before_the_outside_is_called_is_of_the_call_that_comes_of_it() -> None:
    pbx = ScriptedPbx()
    pbx.channel("PJSIP/101-1", state=4, number="101", exten="79031112233")
    assert pbx.tell(named(pbx, "PJSIP/101-1")) == []
    told = pbx.ring("PJSIP/101-1", TRUNK, "79031112233@trunk")
    assert recorded(told) == [(pbx.call.id, FILE)]


def test_a_snapshot_after_a_restart_tells_of_the_recording_under_way() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    shown = m.ChannelStatus(pbx.facts(TRUNK), seconds=60, recording=FILE)
    other = pbx.heard_by_a_new_process()
    told = other.tell(m.Snapshot(pbx.now, (shown,), False))
    assert [file for _, file in recorded(told)] == [FILE]


def test_an_internal_call_that_is_recorded_is_no_call() -> None:
    pbx = ScriptedPbx()
    pbx.channel("PJSIP/101-1", state=4, number="101", exten="102")
    pbx.tell(named(pbx, "PJSIP/101-1"))
    pbx.ring("PJSIP/101-1", "PJSIP/102-1")
    pbx.answer("PJSIP/101-1", "PJSIP/102-1")
    assert pbx.events == []


def test_a_name_that_comes_after_the_channels_end_is_nobodys() -> None:
    pbx = ScriptedPbx()
    pbx.calls_in()
    late = named(pbx, TRUNK)
    pbx.hang_up(TRUNK)
    assert recorded(pbx.tell(late)) == []


class Answering:
    """A link that answers Getvar with what it is given, once for each."""

    def __init__(self, *answers: str | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[ActionHeaders] = []

    async def action(self, headers: ActionHeaders, *, timeout: float = 5) -> Reply:
        self.asked.append(headers)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Reply("Result will follow", {"Value": answer})


async def test_the_channel_is_asked_and_one_that_is_gone_holds_up_no_other() -> None:
    link = Answering(ActionRefused("No such channel"), "(null)", "", FILE)
    told: asyncio.Queue[m.Message] = asyncio.Queue()
    files = RecordedFiles(Control(link), told.put)
    began = parse(BEGAN, datetime(2026, 3, 2, tzinfo=UTC))
    assert isinstance(began, m.RecordingBegan)
    task = asyncio.create_task(files.run())
    for _ in range(4):
        files.ask(began)
    message = await asyncio.wait_for(told.get(), 5)
    task.cancel()
    await asyncio.wait([task])
    assert isinstance(message, m.RecordingNamed)
    assert (message.uniqueid, message.file, told.qsize()) == ("1795399335.0", FILE, 0)
    assert link.asked[0] == {
        "Action": "Getvar",
        "Channel": "PJSIP/trunk-00000000",
        "Variable": "MIXMONITOR_FILENAME",
    }
