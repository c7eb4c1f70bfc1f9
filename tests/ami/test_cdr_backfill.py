"""When records are read, which calls are over, and from where the next reading begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.patience import PATIENCE
from zeoncrm.ami.cdr import backfill
from zeoncrm.ami.cdr.backfill import MOST_CALLS, Backfill, Surroundings
from zeoncrm.ami.cdr.heard import ChannelsThere, HeardChannels
from zeoncrm.ami.cdr.rows import CdrRow
from zeoncrm.ami.cdr.sources import CdrError, Mark, Read, Reading
from zeoncrm.ami.facts import Facts
from zeoncrm.ami.messages import ChannelGone, ChannelSeen, ChannelStatus, Snapshot
from zeoncrm.pipeline.backfill import CallsTold, Filled
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.store.errors import StoreError

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def row(number: int, ended: datetime = NOON, *, peer: str = "101", **more: Any) -> CdrRow:
    """A call from this number that the extension answered, and that ended then."""
    linkedid = more.pop("linkedid", f"1772452800.{number}")
    return CdrRow(
        start=ended - MINUTE,
        end=ended,
        answer=ended - MINUTE / 2,
        channel=f"PJSIP/trunk-{number:08x}",
        peer=f"PJSIP/{peer}-{number:08x}",
        src=f"7903111{number:04}",
        dst="4952150000",
        app="Dial",
        data=f"PJSIP/{peer},20",
        disposition="ANSWERED",
        uniqueid=linkedid,
        linkedid=linkedid,
        **more,
    )


@dataclass
class Records:
    """A source that is a list; a mark is a place in it."""

    rows: list[CdrRow] = field(default_factory=list)
    most: int = 1000
    bad: int = 0
    problem: str | None = None
    name: str = "csv:///Master.csv"

    async def begin(self, now: datetime) -> Mark:
        return {"at": len(self.rows)}

    async def read(self, mark: Mark) -> Reading:
        if self.problem is not None:
            raise CdrError(self.problem)
        first = int(mark["at"])
        rows = self.rows[first : first + self.most]
        after = first + len(rows)
        reads = [Read(row, {"at": first + place}) for place, row in enumerate(rows)]
        return Reading(reads, {"at": after}, after < len(self.rows), self.bad, "3 columns" if self.bad else "")


class Office:
    """What is kept, and what the tracker knows, for a backfill under test."""

    def __init__(self, records: Records, *, period: float = 0.01) -> None:
        self.records = records
        self.silence = 0.0
        self.now = NOON + 10 * MINUTE
        self.kept: list[CallsTold] = []
        self.mark: Mark | None = {
            "since": (NOON - timedelta(days=9)).isoformat(),
            "until": (NOON - MINUTE).isoformat(),
            "place": {"at": 0},
        }
        self.ready = True
        self.away = False
        self.going_on: set[str] = set()
        self.heard: set[str] = set()
        self.there = ChannelsThere()
        self.refuses: Callable[[CallsTold], bool] = lambda told: False
        around = Surroundings(
            is_ready=lambda: self.ready,
            silence=lambda: self.silence,
            goes_on=lambda ids, _: not ids.isdisjoint(self.going_on),
            was_heard=lambda ids, _: ids <= self.heard,
            were_there=self.there.were_there,
            numbering=lambda: Numbering("RU", frozenset({"101", "102"})),
            mark=self._mark,
            keep=self._keep,
        )
        self.backfill = Backfill("main", records, around, clock=lambda: self.now, period=period)

    async def _mark(self) -> Mark | None:
        if self.away:
            raise StoreError("connection refused")
        return self.mark

    async def _keep(self, told: CallsTold) -> Filled | None:
        if self.refuses(told):
            return None
        self.kept.append(told)
        self.mark = told.mark
        return Filled(made=len(told.calls))

    @property
    def place(self) -> int:
        assert self.mark is not None
        return int(self.mark["place"]["at"])

    @property
    def problem(self) -> str:
        return self.backfill.state.problem or ""

    @property
    def callers(self) -> list[str]:
        """Whose calls were kept."""
        return [(call.number or "")[-4:] for told in self.kept for call in told.calls]


async def test_new_records_become_calls_once() -> None:
    office = Office(Records([row(1), row(2, NOON + MINUTE)]))
    assert not await office.backfill.read()
    assert (office.callers, office.place) == (["0001", "0002"], 2)
    await office.backfill.read()
    assert len(office.kept) == 1
    state = office.backfill.state
    assert (state.made, state.watermark, state.last_run, state.problem) == (2, NOON + MINUTE, office.now, None)


async def test_what_is_there_the_first_time_is_history() -> None:
    office = Office(Records([row(1), row(2)]))
    office.mark = None
    await office.backfill.read()
    assert (office.callers, office.place) == ([], 2)
    office.records.rows.append(row(3, office.now))
    office.now += MINUTE
    await office.backfill.read()
    assert office.callers == ["0003"]


async def test_a_mark_in_the_future_hides_nothing_that_comes_once_the_clock_or_the_zone_is_right() -> None:
    office = Office(Records([row(1)]))
    assert office.mark is not None
    office.mark = {**office.mark, "until": (office.now + 180 * MINUTE).isoformat()}
    await office.backfill.read()
    assert office.callers == ["0001"]


async def test_a_call_that_ended_in_the_second_of_the_first_start_is_no_history() -> None:
    office = Office(Records([]))
    office.mark, office.now = None, NOON + timedelta(milliseconds=900)
    await office.backfill.read()
    office.records.rows.append(row(1, NOON))
    office.now += MINUTE
    await office.backfill.read()
    assert office.callers == ["0001"]


async def test_a_call_that_goes_on_is_read_again_when_it_is_over() -> None:
    office = Office(Records([row(1), row(2), row(3)]))
    office.going_on = {"1772452800.2"}
    assert not await office.backfill.read()
    assert (office.callers, office.place) == (["0001", "0003"], 1)
    office.going_on = set()
    await office.backfill.read()
    assert (office.callers[2:], office.place) == (["0002", "0003"], 3)


async def test_a_call_that_ended_a_moment_ago_may_get_more_records() -> None:
    office = Office(Records([row(1), row(2, NOON + 10 * MINUTE)]))
    assert await office.backfill.read()
    assert (office.callers, office.place) == (["0001"], 1)
    office.now += MINUTE
    assert not await office.backfill.read()
    assert office.callers == ["0001", "0002"]


WAITING = Facts("1772452740.7", "PJSIP/101-00000007", "1772452740.7")


async def test_a_caller_who_left_a_conference_waits_for_the_record_of_whoever_is_still_there() -> None:
    alone = replace(row(1), app="ConfBridge", peer="")
    records = Records([alone])
    office = Office(records)
    office.there.feed(ChannelSeen(NOON, WAITING))
    assert not await office.backfill.read()
    assert (office.callers, office.place) == ([], 0)
    records.rows.append(replace(alone, channel=WAITING.name, peer=alone.channel, src="101", linkedid=WAITING.uniqueid))
    await office.backfill.read()
    assert (office.callers, office.place) == (["0001"], 2)
    assert office.kept[-1].calls[0].answered_by == "101"


async def test_who_waited_for_hours_for_such_a_record_that_never_came_is_told_in_the_end() -> None:
    records = Records([replace(row(1), app="ConfBridge", peer="")])
    office = Office(records)
    office.there.feed(ChannelSeen(NOON, WAITING))
    await office.backfill.read()
    for number in range(2, 20):
        office.now = NOON + number * 10 * MINUTE
        records.rows.append(row(number, office.now - MINUTE))
        await office.backfill.read()
    assert "0001" not in office.callers
    office.there.feed(ChannelGone(NOON, WAITING))
    await office.backfill.read()
    assert (office.callers.count("0001"), office.place) == (1, 19)


async def test_one_of_ours_who_was_alone_in_a_conference_and_who_was_heard_hold_nothing_up() -> None:
    internal = replace(row(1), app="ConfBridge", peer="", channel="PJSIP/102-00000001", src="102")
    office = Office(Records([internal, replace(row(2), app="ConfBridge", peer="")]))
    office.heard = {"1772452800.2"}
    office.there.feed(ChannelSeen(NOON, WAITING))
    await office.backfill.read()
    assert (office.callers, office.place) == ([], 2)


async def test_a_caller_who_left_a_conference_in_which_nobody_can_be_is_told_of_at_once() -> None:
    office = Office(Records([replace(row(1), app="ConfBridge", peer="")]))
    office.there.feed(ChannelSeen(NOON, WAITING))
    office.there.feed(ChannelGone(NOON, WAITING))
    office.there.feed(ChannelSeen(NOON, WAITING._replace(uniqueid="1772452860.8")))
    await office.backfill.read()
    assert [call.result for call in office.kept[0].calls] == ["missed"]


def test_who_was_there_is_told_by_snapshots_too() -> None:
    there = ChannelsThere()
    there.feed(Snapshot(NOON, (ChannelStatus(WAITING, None, "ConfBridge", "room"),)))
    assert there.were_there(NOON - MINUTE)
    assert not there.were_there(NOON - 2 * MINUTE)
    there.feed(Snapshot(NOON, ()))
    assert not there.were_there(NOON)
    there.feed(ChannelSeen(NOON, WAITING))
    there.forget()
    assert not there.were_there(NOON)


async def test_a_call_all_of_which_was_heard_is_left_to_the_tracker() -> None:
    office = Office(Records([row(1), row(2)]))
    office.heard = {"1772452800.1"}
    await office.backfill.read()
    assert (office.callers, office.place) == (["0002"], 2)


async def test_records_of_long_ago_that_turn_up_again_make_no_calls() -> None:
    office = Office(Records([row(1, NOON - timedelta(hours=3)), row(2)]))
    await office.backfill.read()
    assert office.callers == ["0002"]


async def test_much_is_read_bit_by_bit_and_no_call_is_torn() -> None:
    rows = [row(number, NOON + number * MINUTE) for number in range(10)]
    rows[9] = replace(rows[9], linkedid="1772452800.0", peer="PJSIP/102-00000009", channel=rows[0].channel)
    office = Office(Records(rows, most=3))
    office.now = NOON + timedelta(hours=9)
    await office.backfill.read()
    assert office.callers == [f"{number:04}" for number in range(9)]
    assert office.place == 10
    (first, *_) = (call for told in office.kept for call in told.calls)
    assert (first.answered_by, first.last_extension) == ("101", "102")


async def test_many_calls_are_kept_in_several_goes_and_the_mark_with_the_last() -> None:
    office = Office(Records([row(number) for number in range(MOST_CALLS + 1)]))
    await office.backfill.read()
    assert [(len(told.calls), told.mark["place"]["at"]) for told in office.kept] == [
        (MOST_CALLS, 0),
        (1, MOST_CALLS + 1),
    ]


async def test_a_call_that_can_never_be_written_keeps_no_other_out() -> None:
    office = Office(Records([row(1), row(2), row(3)]))
    office.refuses = lambda told: any((call.number or "").endswith("0002") for call in told.calls)
    await office.backfill.read()
    assert (office.callers, office.place) == (["0001", "0003"], 3)


async def runs(office: Office, until: Callable[[], bool]) -> None:
    task = asyncio.create_task(office.backfill.run())
    async with asyncio.timeout(PATIENCE):
        while not until():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("name", ["AGAIN", "AGAIN_THERE"])
async def test_what_could_not_be_read_is_tried_again_long_before_the_next_time(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, name, 0.01)
    office = Office(Records([row(1)]), period=300.0)

    def recovers() -> bool:
        if office.backfill.state.problem is not None:
            office.records.problem, office.away = None, False
        return bool(office.callers)

    office.away = name == "AGAIN"
    office.records.problem = "Connection refused" if name == "AGAIN_THERE" else None
    await runs(office, recovers)
    assert office.callers == ["0001"]


async def test_nothing_is_read_before_the_link_is_up() -> None:
    office = Office(Records([row(1)]))
    office.ready = False
    passed = asyncio.get_running_loop().time() + 0.05
    await runs(office, lambda: asyncio.get_running_loop().time() > passed)
    assert office.backfill.state.last_run is None
    office.ready = True
    await runs(office, lambda: bool(office.kept))
    assert office.callers == ["0001"]


async def test_history_ends_when_it_is_begun_and_not_when_the_link_is_first_up() -> None:
    office = Office(Records([row(1)]))
    office.mark, office.ready = None, False
    await runs(office, lambda: office.mark is not None)
    office.records.rows.append(row(2, office.now))
    office.now += MINUTE
    office.ready = True
    await runs(office, lambda: bool(office.callers))
    assert office.callers == ["0002"]


async def test_a_source_that_fails_is_said_once_and_read_again_when_it_is_back() -> None:
    office = Office(Records([row(1)], problem="Master.csv: Permission denied"))
    with capture_logs() as logs:
        await runs(office, lambda: office.backfill.state.problem is not None)
        passed = asyncio.get_running_loop().time() + 0.05
        await runs(office, lambda: asyncio.get_running_loop().time() > passed)
        assert [line["reason"] for line in logs if line["log_level"] == "warning"] == [office.records.problem]
        assert office.backfill.state.problem_since == office.now
        office.records.problem = None
        await runs(office, lambda: office.backfill.state.problem is None)
    assert [line["event"] for line in logs if "again" in line["event"]] == ["call records are read again"]
    assert office.callers == ["0001"]


@pytest.mark.parametrize("error", [StoreError("away"), ZeroDivisionError()])
async def test_nothing_that_goes_wrong_stops_it(error: Exception) -> None:
    office = Office(Records([row(1)]))
    raised: list[Exception] = []

    def refuses(told: CallsTold) -> bool:
        if not raised:
            raised.append(error)
            raise error
        return False

    office.refuses = refuses
    await runs(office, lambda: bool(office.kept))
    assert office.callers == ["0001"]


async def test_records_that_are_not_understood_are_counted_and_the_others_kept() -> None:
    office = Office(Records([row(1)], bad=2))
    await office.backfill.read()
    assert office.callers == ["0001"]
    assert office.backfill.state.problem == "2 records were not understood, the last for 3 columns"


def test_only_channels_that_were_born_on_an_unbroken_link_count_as_heard() -> None:
    heard = HeardChannels(most=6)
    first, second = (Facts(uniqueid=f"1.{n}", name=f"PJSIP/101-{n}", state=0, linkedid=f"1.{n}") for n in (1, 2))
    heard.feed(ChannelSeen(NOON, first, created=True))
    heard.feed(ChannelSeen(NOON, second))
    assert heard.has_all({"1.1"}, set())
    assert heard.has_all(set(), {"PJSIP/101-1"})
    assert not heard.has_all({"1.1", "1.2"}, set())
    heard.feed(Snapshot(NOON, (), periodic=True))
    assert heard.has_all({"1.1"}, set())
    heard.feed(Snapshot(NOON, ()))
    assert not heard.has_all({"1.1"}, set())


async def test_a_record_that_was_written_late_is_kept_though_the_mark_stays() -> None:
    office = Office(Records([row(1)]))
    await office.backfill.read()

    async def overlapping(mark: Mark) -> Reading:
        return Reading([Read(row(2, NOON - MINUTE / 2), mark)], {"at": 1})

    office.records.read = overlapping  # type: ignore[method-assign]
    await office.backfill.read()
    assert [call.number for told in office.kept for call in told.calls] == ["+79031110001", "+79031110002"]


async def test_a_record_of_a_clock_that_was_wrong_makes_no_call_and_holds_up_none() -> None:
    office = Office(Records([row(1, NOON + timedelta(days=3650)), row(2)]))
    await office.backfill.read()
    assert [call.number for told in office.kept for call in told.calls] == ["+79031110002"]
    assert office.place == 2
    assert "an end in the future" in (office.backfill.state.problem or "")


async def test_records_read_in_a_wrong_zone_are_told_of_though_they_seem_old() -> None:
    office = Office(Records())
    await office.backfill.read()
    office.records.rows += [row(1, NOON - 3 * 60 * MINUTE)]
    await office.backfill.read()
    assert [call for told in office.kept for call in told.calls] == []
    assert "is cdr_timezone right?" in (office.backfill.state.problem or "")


async def test_a_call_whose_events_may_be_held_up_is_left_to_them() -> None:
    """The link hangs, and nobody has noticed yet: what it tells afterwards would be the same call once more."""
    office = Office(Records())
    await office.backfill.read()
    office.records.rows += [row(1, office.now - MINUTE / 3)]
    office.silence = 25
    assert await office.backfill.read()
    assert [call for told in office.kept for call in told.calls] == []
    office.silence = 1
    await office.backfill.read()
    assert [call.number for told in office.kept for call in told.calls] == ["+79031110001"]


async def test_talks_of_which_no_record_ever_comes_are_told_once_and_a_record_ends_it() -> None:
    office = Office(Records([row(1)]))
    with capture_logs() as logs:
        await office.backfill.read()
        office.backfill.note_talk(NOON + 50 * MINUTE)
        office.now = NOON + 55 * MINUTE
        await office.backfill.read()
        assert office.problem == ""
        office.backfill.note_talk(NOON + 64 * MINUTE)
        for minute in (66, 70):
            office.now = NOON + minute * MINUTE
            await office.backfill.read()
        assert office.problem.startswith("no record has come of a call that ended at 2026-03-02 12:50")
        office.records.rows.append(row(2, NOON + 70 * MINUTE))
        office.now = NOON + 75 * MINUTE
        await office.backfill.read()
    assert office.problem == ""
    told = [each["event"] for each in logs if each["log_level"] == "warning" or "again" in each["event"]]
    assert told == ["call records are not read well", "call records are read again"]


async def test_records_that_come_with_the_talks_are_no_trouble() -> None:
    office = Office(Records([]))
    for number in range(6):
        ended = NOON + number * 10 * MINUTE
        office.backfill.note_talk(ended)
        office.records.rows.append(row(number, ended - 4 * MINUTE))  # the PBX's clock is behind
        office.now = ended + 5 * MINUTE
        await office.backfill.read()
        assert office.problem == ""
