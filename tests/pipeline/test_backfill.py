"""Calls that a PBX's records tell of: made once by the usual rules, completed where not all was heard, else left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.pipeline.firm import IVAN, PBX, Firm, running
from zeoncrm.pipeline import events
from zeoncrm.pipeline.backfill import MADE_UP, CallsTold, Filled
from zeoncrm.pipeline.call_events import (
    CallEnded,
    CallInterrupted,
    CallResult,
    Direction,
    LegOutcome,
    Reached,
    Source,
)
from zeoncrm.pipeline.calls import Call, CallState, Leg
from zeoncrm.pipeline.timelines import contact_timeline
from zeoncrm.store import cdr_marks
from zeoncrm.store.calls import CallRow

SECOND = timedelta(seconds=1)


def told(firm: Firm, extension: str | None = "101", number: str | None = IVAN, **more: Any) -> Call:
    """A call as records tell it: ten seconds of ringing, then a minute's talk with the extension, or none."""
    began = firm.tick()
    answered_at = began + 10 * SECOND if extension else None
    ended_at = began + 70 * SECOND
    outcome = LegOutcome.ANSWERED if extension else LegOutcome.CANCELLED
    values: dict[str, Any] = {
        "result": CallResult.ANSWERED if extension else CallResult.MISSED,
        "reached": None if extension else Reached.RINGING,
        "answered_by": extension,
        "last_extension": extension,
        "linkedids": frozenset({f"1795399208.{began.second}"}),
        **more,
    }
    return Call(
        id="",
        pbx=PBX,
        direction=values.pop("direction", Direction.INBOUND),
        started_at=began,
        answered_at=answered_at,
        ended_at=ended_at,
        state=CallState.ENDED,
        number=number,
        number_raw=(number or "anonymous").lstrip("+"),
        source=Source.BACKFILLED,
        legs=(Leg(extension or "101", began, answered_at, ended_at, outcome),),
        **values,
    )


async def fill_in(firm: Firm, *calls: Call, mark: int = 1) -> Filled | None:
    event = CallsTold(call_id="", at=firm.tick(), pbx=PBX, calls=calls, mark={"read": mark})
    async with running(firm.recorder):
        return await firm.recorder.fill_in(event)


async def only_call(firm: Firm) -> CallRow:
    (call,) = await firm.calls()
    return call


async def test_an_answered_call_of_a_stranger_makes_contact_and_deal_of_whoever_answered(firm: Firm) -> None:
    call = told(firm, "102")
    assert await fill_in(firm, call) == Filled(made=1)
    row = await only_call(firm)
    facts = ("source", "state", "result", "answered_by", "started_at", "ended_at")
    assert [row.values[name] for name in facts] == ["backfilled", "ended", "answered", "102", *(
        (call.started_at, call.ended_at)
    )]  # fmt: skip
    (deal,) = await firm.deals()
    (contact,) = await firm.contacts()
    assert (deal.owner, contact.owner, row.owner, row.values["deal_id"]) == ("boris", "boris", "boris", deal.id)
    assert deal.created_at == call.answered_at


async def test_nobodys_screen_rings_for_a_call_that_is_long_over(firm: Firm) -> None:
    await fill_in(firm, told(firm, "101"), told(firm, None))
    assert firm.heard(events.CallRang) == firm.heard(events.CallAnswered) == []
    assert [told.view.call.state for told in firm.heard(events.CallEnded)] == ["ended", "ended"]


async def test_the_same_records_read_again_change_nothing(firm: Firm) -> None:
    calls = told(firm, "101"), told(firm, None, "+79035550011")
    await fill_in(firm, *calls)
    before, heard = await firm.calls(), len(firm.published)
    assert await fill_in(firm, *calls, mark=2) == Filled()
    assert (await firm.calls(), len(firm.published)) == (before, heard)


async def test_the_mark_is_kept_with_the_calls_or_not_at_all(firm: Firm) -> None:
    await fill_in(firm, told(firm, "101"), mark=7)
    bad = replace(told(firm, "102", "+79035550012"), started_at=firm.now.replace(tzinfo=None))
    assert await fill_in(firm, told(firm, "102", "+79035550013"), bad, mark=8) is None
    async with firm.database.read() as connection:
        assert await cdr_marks.get(connection, PBX) == {"read": 7}
    assert len(await firm.calls()) == 1


async def test_a_missed_call_of_a_known_caller_is_their_responsibles(firm: Firm) -> None:
    await firm.answered_call("101")
    await fill_in(firm, told(firm, None))
    _, missed = await firm.calls()
    assert (missed.owner, missed.values["result"], missed.values["reached"]) == ("anna", "missed", "ringing")
    assert len(await firm.deals()) == 1


async def test_a_call_of_which_all_was_heard_stays_as_it_is(firm: Firm) -> None:
    live = await firm.answered_call("101", linkedid="1795399208.1")
    assert await fill_in(firm, told(firm, "102", linkedids=frozenset({"1795399208.1"}))) == Filled()
    assert (await only_call(firm)).values == live.values


async def test_a_call_that_goes_on_is_left_to_the_link(firm: Firm) -> None:
    live = firm.inbound(linkedid="1795399208.1")
    await firm.record(live, firm.rang(live, "101"))
    assert await fill_in(firm, told(firm, "102", linkedids=frozenset({"1795399208.1"}))) == Filled()
    assert (await only_call(firm)).values["state"] == "ringing"


async def test_a_call_that_ended_while_nobody_looked_gets_its_answer_and_end(firm: Firm) -> None:
    live = firm.inbound(linkedid="1795399208.1")
    await firm.record(live, firm.rang(live, "101"))
    end = CallEnded(call_id=live.call_id, at=firm.tick(3600), result=CallResult.MISSED, provisional=True)
    await firm.record(end)
    call = replace(told(firm, "102", linkedids=frozenset({"1795399208.1"})), started_at=live.at + 5 * SECOND)
    call = replace(call, answered_at=live.at + 15 * SECOND, ended_at=live.at + 65 * SECOND)
    assert await fill_in(firm, call) == Filled(completed=1)
    row = await only_call(firm)
    assert [row.values[name] for name in ("id", "source", "result", "reached", "answered_by")] == [
        *(live.call_id, "live", "answered", None, "102"),
    ]
    # The PBX's clock is five seconds ahead of ours.
    assert row.values["ended_at"] == live.at + 60 * SECOND
    assert row.owner == (await firm.deals())[0].owner == "boris"
    assert [type(event) for event in firm.published if isinstance(event, events.CallChanged)]
    assert await fill_in(firm, call) == Filled()


async def test_what_was_heard_of_an_answer_is_not_denied_by_records_that_lack_it(firm: Firm) -> None:
    live = firm.inbound(linkedid="1795399208.1")
    await firm.record(live, firm.rang(live, "101"), firm.answered(live, "101"))
    await firm.record(CallInterrupted(call_id=live.call_id, at=firm.tick()), firm.ended(live))
    await fill_in(firm, told(firm, None, linkedids=frozenset({"1795399208.1"})))
    row = await only_call(firm)
    assert (row.values["result"], row.values["answered_by"], row.values["reached"]) == ("answered", "101", None)


async def test_who_answered_first_is_learnt_of_a_call_that_was_found_in_progress(firm: Firm) -> None:
    found = firm.inbound(linkedid="1795399208.1", source=Source.RECOVERED)
    await firm.record(found, firm.answered(found, "102"), firm.ended(found))
    call = told(firm, "101", last_extension="102", linkedids=frozenset({"1795399208.1"}))
    await fill_in(firm, call)
    row = await only_call(firm)
    assert [row.values[name] for name in ("source", "answered_by", "last_extension")] == ["recovered", "101", "102"]
    assert row.owner == "anna"


@pytest.mark.parametrize("apart", [0, 25, -25])
async def test_records_without_ids_are_of_the_call_of_that_number_and_time(firm: Firm, apart: int) -> None:
    live = await firm.answered_call("101")
    call = told(firm, "101", linkedids=frozenset({f"{MADE_UP}PJSIP/trunk-1 20260302"}))
    call = replace(call, started_at=live.values["started_at"] + apart * SECOND)
    assert await fill_in(firm, call) == Filled()
    assert (await only_call(firm)).values["source"] == "live"


async def test_two_calls_of_one_number_at_once_without_ids_stay_two(firm: Firm) -> None:
    await firm.answered_call("101")
    one = told(firm, "101", linkedids=frozenset({f"{MADE_UP}PJSIP/trunk-1 20260302"}))
    other = told(firm, "102", linkedids=frozenset({f"{MADE_UP}PJSIP/trunk-2 20260302"}))
    assert await fill_in(firm, one, other) == Filled(made=1)
    assert await fill_in(firm, one, other) == Filled()
    assert len(await firm.calls()) == 2


async def test_the_second_of_two_calls_whose_records_have_the_ids_of_the_first_is_known(firm: Firm) -> None:
    first = await firm.answered_call("101", IVAN, linkedid="1795399208.1")
    second = await firm.answered_call("101", "+79037770001", linkedid="1795399208.2")
    one = told(firm, "101", IVAN, linkedids=frozenset({"1795399208.1"}))
    other = told(firm, "101", "+79037770001", linkedids=frozenset({f"{MADE_UP}PJSIP/trunk-2 20260302"}))
    one = replace(one, started_at=first.values["started_at"])
    other = replace(other, started_at=second.values["started_at"])
    assert await fill_in(firm, one, other) == Filled()
    assert len(await firm.calls()) == 2


REPS, OWN = "1795399100.1", "1795399208.9"


async def test_a_caller_who_met_whom_another_had_met_before_is_a_call_of_their_own(firm: Firm) -> None:
    live = firm.inbound(linkedid=REPS)
    await firm.record(live, firm.answered(live, "101"), firm.ended(live))
    firm.tick(60)
    later = told(firm, "101", linkedids=frozenset({OWN}), shared_ids=frozenset({REPS}))
    assert await fill_in(firm, later) == Filled(made=1)
    assert await fill_in(firm, later, mark=2) == Filled()
    assert len(await firm.calls()) == 2


async def test_of_two_who_met_somebody_at_once_each_is_a_call(firm: Firm) -> None:
    live = firm.inbound(linkedid=REPS)
    await firm.record(live, firm.answered(live, "101"), firm.ended(live))
    shared = frozenset({REPS})
    other = told(firm, "101", "+79037770001", linkedids=frozenset({OWN}), shared_ids=shared)
    assert await fill_in(firm, other) == Filled(made=1)


async def test_a_caller_found_in_progress_with_whom_they_met_is_known_by_number_and_time(firm: Firm) -> None:
    found = firm.inbound(linkedid=REPS, source=Source.RECOVERED)
    await firm.record(found, firm.answered(found, "101"), firm.ended(found))
    call = told(firm, "101", linkedids=frozenset({OWN}), shared_ids=frozenset({REPS}))
    call = replace(call, started_at=found.at, answered_at=found.at)
    assert await fill_in(firm, call) == Filled(completed=1)
    again = replace(call, linkedids=frozenset({f"{OWN}0"}))
    assert await fill_in(firm, call, again, mark=2) == Filled(made=1)
    assert len(await firm.calls()) == 2


async def test_a_call_that_was_filled_in_is_completed_by_records_that_come_later(firm: Firm) -> None:
    first = told(firm, None)
    await fill_in(firm, first)
    later = replace(first, result=CallResult.ANSWERED, answered_at=first.started_at + SECOND, reached=None)
    later = replace(later, answered_by="102", last_extension="102")
    assert await fill_in(firm, later) == Filled(completed=1)
    row = await only_call(firm)
    assert (row.values["result"], row.owner, row.values["source"]) == ("answered", "boris", "backfilled")


async def test_calls_whose_start_was_heard_in_the_same_breath_are_known(firm: Firm) -> None:
    live = firm.inbound(linkedid="1795399208.1")
    told_of_it = told(firm, "102", linkedids=frozenset({"1795399208.1"}))
    await firm.tell(live, firm.answered(live, "101"), firm.ended(live))
    assert await fill_in(firm, told_of_it) == Filled()
    assert (await only_call(firm)).values["answered_by"] == "101"


async def test_a_call_that_is_filled_in_late_stands_at_its_time_in_the_timeline(firm: Firm) -> None:
    early = told(firm, "101")
    firm.tick(3600)
    await firm.answered_call("101")
    await fill_in(firm, early)
    (contact,) = await firm.contacts()
    page = await contact_timeline(firm.database, firm.person("sveta"), contact.id)
    times = [entry.row.at for entry in page.items]
    assert times == sorted(times, reverse=True)
    assert page.items[-1].row.at == early.started_at
    first = await contact_timeline(firm.database, firm.person("sveta"), contact.id, limit=2)
    rest = await contact_timeline(firm.database, firm.person("sveta"), contact.id, limit=50, cursor=first.next)
    assert [entry.row.id for entry in (*first.items, *rest.items)] == [entry.row.id for entry in page.items]


async def test_what_strangers_put_into_records_is_cut_to_what_is_kept(firm: Firm) -> None:
    await fill_in(firm, told(firm, "101", caller_name="\x00I\u202ev" + "a" * 900, did="4" * 500))
    row = await only_call(firm)
    assert len(row.values["caller_name"]) == 200
    assert len(row.values["did"]) == 80


async def test_a_forwards_record_that_comes_later_than_the_callers_makes_no_other_call_of_it(firm: Firm) -> None:
    ids = frozenset({"1795399208.1", "1795399208.2"})
    await fill_in(firm, told(firm, None, linkedids=ids))
    before = await firm.calls()
    forward = told(
        firm, None, "+79990001122", direction=Direction.OUTBOUND, result=CallResult.NO_ANSWER, reached=None,
        linkedids=frozenset({"1795399208.1", "1795399208.5"}),
    )  # fmt: skip
    assert await fill_in(firm, forward, mark=2) == Filled()
    assert await firm.calls() == before


async def test_such_a_record_does_not_complete_a_call_that_was_partly_heard(firm: Firm) -> None:
    live = firm.inbound(linkedid="1795399208.1")
    await firm.record(live, firm.rang(live, "101"))
    await firm.record(CallEnded(call_id=live.call_id, at=firm.tick(60), result=CallResult.MISSED, provisional=True))
    forward = told(
        firm, None, "+79990001122", direction=Direction.OUTBOUND, result=CallResult.NO_ANSWER, reached=None,
        linkedids=frozenset({"1795399208.1", "1795399208.5"}),
    )  # fmt: skip
    assert await fill_in(firm, forward) == Filled()
    own = replace(told(firm, "102", linkedids=frozenset({"1795399208.1"})), started_at=live.at)
    assert await fill_in(firm, own, mark=2) == Filled(completed=1)
    assert (await only_call(firm)).values["result"] == "answered"


async def test_all_records_of_a_call_read_again_with_more_replace_what_some_told(firm: Firm) -> None:
    some = told(firm, None, linkedids=frozenset({"1795399208.1"}))
    await fill_in(firm, some)
    more = replace(told(firm, "102", linkedids=frozenset({"1795399208.1", "1795399208.7"})), started_at=some.started_at)
    assert await fill_in(firm, more, mark=2) == Filled(completed=1)
    assert (await only_call(firm)).values["answered_by"] == "102"


async def test_a_forward_found_in_progress_when_its_caller_had_gone_becomes_the_callers_call(firm: Firm) -> None:
    found = firm.outbound("+79990001122", linkedid="1795399208.1", source=Source.RECOVERED)
    await firm.record(found, CallInterrupted(call_id=found.call_id, at=firm.tick()))
    await firm.record(CallEnded(call_id=found.call_id, at=firm.tick(), result=CallResult.NO_ANSWER, provisional=True))
    own = replace(told(firm, None, linkedids=frozenset({"1795399208.1", "1795399208.4"})), started_at=found.at)
    assert await fill_in(firm, own) == Filled(completed=1)
    row = await only_call(firm)
    assert [row.values[name] for name in ("id", "direction", "number", "result")] == [
        *(found.call_id, "inbound", IVAN, "missed"),
    ]
    assert await fill_in(firm, own, mark=2) == Filled()
