"""Which missed calls were called back, worked out from the calls that followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.pipeline.firm import IVAN, Firm
from zeoncrm.pipeline import events
from zeoncrm.pipeline.call_backs import CallBack, CallBackState, CallBackWatch, call_backs, waiting
from zeoncrm.pipeline.call_events import CallResult
from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.contacts import NewPhone, create_contact
from zeoncrm.pipeline.incoming import list_number, load_incoming, unlist_number
from zeoncrm.pipeline.journal import find_calls
from zeoncrm.store.calls import CallFilter, CallRow
from zeoncrm.store.missed import Lines

OLGA = "+79032223344"
OFFICE = "+74952223344"
ABROAD = "+493012345678"


async def outbound(firm: Firm, result: CallResult, number: str = IVAN, extension: str = "101") -> CallRow:
    """A call to the number."""
    call = firm.outbound(number)
    await firm.record(call, firm.dialled(call, extension))
    if result is CallResult.ANSWERED:
        await firm.record(firm.answered(call, extension))
    await firm.record(firm.ended(call, result))
    return await firm.call(call)


async def lines(firm: Firm, which: Lines = "all", login: str = "sveta") -> list[tuple[str, CallBack | None]]:
    """The missed calls' ids and what came of each, newest first."""
    page = await find_calls(firm.database, firm.person(login), CallFilter(lines=which))
    came_of = await call_backs(firm.database, page.items)
    return [(view.call.id, came_of.get(view.call.id)) for view in page.items]


async def came_of(firm: Firm, missed: CallRow) -> CallBack:
    found = dict(await lines(firm))[missed.values["id"]]
    assert found is not None
    return found


async def test_a_missed_call_that_nobody_answered_since_is_not_called_back(firm: Firm) -> None:
    missed = await firm.missed_call()
    assert await came_of(firm, missed) == CallBack(CallBackState.NONE, 1, 0, None, None, None)


async def test_calls_that_were_not_taken_are_attempts(firm: Firm) -> None:
    missed = await firm.missed_call()
    for result in (CallResult.NO_ANSWER, CallResult.BUSY, CallResult.FAILED, CallResult.CANCELLED):
        await outbound(firm, result)
    found = await came_of(firm, missed)
    assert (found.state, found.tries) == (CallBackState.TRIED, 3)


async def test_a_call_that_they_took_tells_who_called_back_and_when(firm: Firm) -> None:
    missed = await firm.missed_call()
    await outbound(firm, CallResult.BUSY)
    back = await outbound(firm, CallResult.ANSWERED, extension="102")
    found = await came_of(firm, missed)
    assert (found.state, found.login, found.name) == (CallBackState.CALLED_BACK, "boris", "Boris Petrov")
    assert (found.tries, found.at) == (1, back.values["answered_at"])


async def test_a_call_back_counts_as_soon_as_they_talk(firm: Firm) -> None:
    missed = await firm.missed_call()
    call = firm.outbound()
    await firm.record(call, firm.dialled(call, "101"))
    assert (await came_of(firm, missed)).state is CallBackState.NONE
    await firm.record(firm.answered(call, "101"))
    assert (await came_of(firm, missed)).state is CallBackState.CALLED_BACK


async def test_who_calls_again_and_is_answered_came_through(firm: Firm) -> None:
    missed = await firm.missed_call()
    await firm.answered_call("102")
    found = await came_of(firm, missed)
    assert (found.state, found.login) == (CallBackState.CAME_THROUGH, "boris")


async def test_misses_of_one_number_are_one_line_until_somebody_talks_with_it(firm: Firm) -> None:
    for _ in range(3):
        first = await firm.missed_call()
    await outbound(firm, CallResult.ANSWERED)
    await firm.missed_call()
    last = await firm.missed_call()
    other = await firm.missed_call(OLGA)
    found = [(call_id, each.state, each.misses) for call_id, each in await lines(firm) if each]
    assert found == [
        (other.values["id"], CallBackState.NONE, 1),
        (last.values["id"], CallBackState.NONE, 2),
        (first.values["id"], CallBackState.CALLED_BACK, 3),
    ]


@asynccontextmanager
async def listed(firm: Firm, pattern: str) -> AsyncIterator[None]:
    """The number, or all that begin so, is ignored while the block lasts."""
    sveta, ignored = firm.person("sveta"), Screening.IGNORED
    row = await list_number(firm.database, sveta, number=pattern, listing=ignored, note="", region="RU", at=firm.tick())
    firm.incoming = await load_incoming(firm.database)
    yield
    await unlist_number(firm.database, sveta, row.id)
    firm.incoming = await load_incoming(firm.database)


async def _ivan_has_two_numbers(firm: Firm) -> None:
    numbers = [NewPhone(IVAN), NewPhone(OFFICE)]
    await create_contact(firm.database, firm.person("anna"), name="Ivan", phones=numbers, region="RU", at=firm.tick())


@pytest.mark.parametrize("who_called", ["we", "they"])
async def test_a_talk_with_the_contact_at_another_of_their_numbers_counts(firm: Firm, who_called: str) -> None:
    await _ivan_has_two_numbers(firm)
    await firm.missed_call()
    missed = await firm.missed_call()
    await outbound(firm, CallResult.BUSY, OFFICE)
    assert ((await came_of(firm, missed)).state, (await came_of(firm, missed)).tries) == (CallBackState.TRIED, 1)
    if who_called == "we":
        await outbound(firm, CallResult.ANSWERED, OFFICE, extension="102")
    else:
        await firm.answered_call("102", OFFICE)
    again = await firm.missed_call()
    state = CallBackState.CALLED_BACK if who_called == "we" else CallBackState.CAME_THROUGH
    found = [(call_id, each.state, each.misses, each.login) for call_id, each in await lines(firm) if each]
    assert found == [
        (again.values["id"], CallBackState.NONE, 1, None),
        (missed.values["id"], state, 2, "boris"),
    ]
    assert [call_id for call_id, _ in await lines(firm, "open")] == [again.values["id"]]
    assert [call_id for call_id, _ in await lines(firm, "done")] == [missed.values["id"]]
    assert sum((await waiting(firm.database, firm.person("sveta"), firm.now)).values()) == 1


async def test_a_talk_with_somebody_else_does_not_count(firm: Firm) -> None:
    await _ivan_has_two_numbers(firm)
    missed, stranger = await firm.missed_call(), await firm.missed_call(OLGA)
    await outbound(firm, CallResult.ANSWERED, "+79035556677")
    assert [call_id for call_id, _ in await lines(firm, "open")] == [stranger.values["id"], missed.values["id"]]


async def test_an_attempt_before_they_were_missed_again_is_not_counted(firm: Firm) -> None:
    await firm.missed_call()
    await outbound(firm, CallResult.NO_ANSWER)
    again = await firm.missed_call()
    found = await came_of(firm, again)
    assert (found.state, found.tries, found.misses) == (CallBackState.NONE, 0, 2)


async def test_the_filters_part_those_who_wait_from_the_others(firm: Firm) -> None:
    back = await firm.missed_call()
    await outbound(firm, CallResult.ANSWERED)
    waits = await firm.missed_call(OLGA)
    withheld = await firm.missed_call(None)
    assert [call_id for call_id, _ in await lines(firm, "open")] == [waits.values["id"]]
    assert [call_id for call_id, _ in await lines(firm, "done")] == [back.values["id"]]
    assert [call_id for call_id, _ in await lines(firm)] == [row.values["id"] for row in (withheld, waits, back)]


async def test_a_withheld_number_is_not_to_be_called_back_and_each_call_is_its_own_line(firm: Firm) -> None:
    for _ in range(2):
        await firm.missed_call(None)
    assert [each for _, each in await lines(firm)] == [None, None]
    assert await waiting(firm.database, firm.person("sveta"), firm.now) == {}


async def test_a_colleagues_call_back_is_told_to_whom_the_call_was_missed_by(firm: Firm) -> None:
    missed = await firm.missed_call()
    await outbound(firm, CallResult.ANSWERED, extension="102")
    assert [(call_id, each and each.login) for call_id, each in await lines(firm, login="anna")] == [
        (missed.values["id"], "boris")
    ]
    assert await lines(firm, login="boris") == []


async def test_a_later_miss_that_one_does_not_see_leaves_ones_own_to_be_called_back(firm: Firm) -> None:
    own = await firm.missed_call(IVAN, "101")
    colleagues = await firm.missed_call(IVAN, "102")
    for login, waits in (("anna", own), ("boris", colleagues), ("sveta", colleagues)):
        assert [call_id for call_id, _ in await lines(firm, "open", login)] == [waits.values["id"]]
        assert await waiting(firm.database, firm.person(login), firm.now) == {None: 1}
    await outbound(firm, CallResult.ANSWERED, extension="102")
    for login, done in (("anna", own), ("boris", colleagues), ("sveta", colleagues)):
        assert await lines(firm, "open", login) == []
        assert [call_id for call_id, _ in await lines(firm, "done", login)] == [done.values["id"]]


async def test_a_later_miss_that_one_sees_stands_for_the_one_before(firm: Firm) -> None:
    await firm.missed_call(IVAN, "101")
    await firm.missed_call(IVAN, "102")
    last = await firm.missed_call(IVAN, "101")
    assert [call_id for call_id, _ in await lines(firm, login="anna")] == [last.values["id"]]
    assert await waiting(firm.database, firm.person("anna"), firm.now) == {None: 1}


@pytest.mark.parametrize("pattern", [IVAN, "+7903111*", "+7*"])
async def test_a_number_that_is_listed_waits_no_more_until_it_is_taken_off(firm: Firm, pattern: str) -> None:
    missed, abroad = [(await firm.missed_call(number)).values["id"] for number in (IVAN, ABROAD)]
    async with listed(firm, pattern):
        for which in ("open", "all"):
            assert [call_id for call_id, _ in await lines(firm, which)] == [abroad]
        assert await waiting(firm.database, firm.person("sveta"), firm.now) == {None: 1}
    assert [call_id for call_id, _ in await lines(firm, "open")] == [abroad, missed]
    assert await waiting(firm.database, firm.person("sveta"), firm.now) == {None: 2}


async def test_the_calls_of_a_number_while_it_was_listed_are_no_misses(firm: Firm) -> None:
    await firm.missed_call()
    async with listed(firm, IVAN):
        screened = await firm.missed_call()
    last = await firm.missed_call()
    assert [(call_id, each and each.misses) for call_id, each in await lines(firm)] == [(last.values["id"], 2)]
    assert (await call_backs(firm.database, [view_of(screened)]))[screened.values["id"]].misses == 2


async def test_numbers_that_wait_are_counted_by_whose_they_are(firm: Firm) -> None:
    await firm.answered_call("101")
    for _ in range(2):
        await firm.missed_call()
    await firm.missed_call(OLGA, "102")
    anna = firm.person("anna").id
    assert await waiting(firm.database, firm.person("sveta"), firm.now) == {anna: 1, None: 1}
    assert await waiting(firm.database, firm.person("anna"), firm.now) == {anna: 1}
    assert await waiting(firm.database, firm.person("sveta"), firm.now + timedelta(days=31)) == {}


@pytest.mark.parametrize("number", [IVAN, OFFICE])
@pytest.mark.parametrize("result", [CallResult.ANSWERED, CallResult.NO_ANSWER])
async def test_those_who_missed_the_call_are_told_of_the_call_back(firm: Firm, result: CallResult, number: str) -> None:
    await _ivan_has_two_numbers(firm)
    watch = CallBackWatch(firm.database, firm.bus.publish, lambda: firm.now)
    firm.bus.subscribe(watch.follow)
    heard = asyncio.Event()
    firm.bus.subscribe(lambda told: heard.set() if isinstance(told.event, events.CallBackChanged) else None)
    task = asyncio.create_task(watch.run())
    await firm.missed_call()
    await outbound(firm, result, OLGA, "102")
    await outbound(firm, result, number, extension="102")
    await asyncio.wait_for(heard.wait(), 5)
    task.cancel()
    await asyncio.wait([task])
    assert [event.people for event in firm.heard(events.CallBackChanged)] == [firm.viewer_ids("anna")]
