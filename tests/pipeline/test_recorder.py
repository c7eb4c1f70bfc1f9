"""The one writer: what it keeps, in which order, and what it does when the database is in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from tests.databases import held_by_another, url_of
from tests.pipeline.firm import IVAN, Firm, running, until
from zeoncrm.pipeline import call_batch, events, recorder, texts
from zeoncrm.pipeline.bus import Published
from zeoncrm.pipeline.call_events import (
    CallEvent,
    CallLinked,
    CallMerged,
    CallQueued,
    CallResult,
    CallStarted,
    LegAnswered,
    LegEnded,
    LegOutcome,
    OutsideRang,
)
from zeoncrm.pipeline.call_notes import write_call_note
from zeoncrm.pipeline.calls import CallState
from zeoncrm.pipeline.deals import NewDeal, create_deal
from zeoncrm.pipeline.recorder import Recorder
from zeoncrm.store import calls as store
from zeoncrm.store import contacts, timeline
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.errors import Conflict, StoreError, Unsound

sqlite_only = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "FIRST_RETRY", 0.001)
    monkeypatch.setattr(recorder, "LAST_RETRY", 0.001)


@pytest.fixture
def impatient(firm: Firm) -> Firm:
    """The firm, with a database that does not wait for another writer."""
    firm.database = Database(url_of(firm.database), firm.bus.publish, busy_seconds=0)
    firm.recorder = firm.another_recorder(firm.database)
    return firm


def _trouble(firm: Firm) -> str:
    assert firm.recorder.trouble is not None
    return firm.recorder.trouble.reason


# What is kept


async def test_a_call_is_kept_as_it_went(firm: Firm) -> None:
    call = firm.inbound(did="4952150000", name="Ivan")
    await firm.record(call, CallQueued(call_id=call.call_id, at=firm.tick(), queue="sales"))
    await firm.record(firm.rang(call, "101"), firm.rang(call, "102"), firm.answered(call, "102"), firm.ended(call))
    row = await firm.call(call)
    kept = {name: row.values[name] for name in ("pbx", "direction", "number", "number_raw", "caller_name", "did")}
    assert kept == {
        "pbx": "main",
        "direction": "inbound",
        "number": IVAN,
        "number_raw": "79031112233",
        "caller_name": "Ivan",
        "did": "4952150000",
    }
    assert (row.values["queue"], row.values["state"], row.values["result"]) == ("sales", "ended", "answered")
    assert [(leg["extension"], leg["outcome"], leg["person_id"]) for leg in row.legs] == [
        ("101", "answered_elsewhere", firm.person("anna").id),
        ("102", "answered", firm.person("boris").id),
    ]


async def test_who_waits_for_an_event_gets_the_call_as_committed(firm: Firm) -> None:
    call = firm.inbound()
    async with running(firm.recorder):
        view = await firm.recorder.recorded(call)
        assert view is not None
        assert (await firm.call(call)).values["state"] == view.call.state == "ringing"
        assert await firm.recorder.recorded(call) is None
        over = await firm.recorder.recorded(firm.missed(call))
        assert over is not None
        assert over.call.state is CallState.ENDED
    assert firm.recorder.view(call.call_id) is None


async def test_a_restart_finds_the_open_calls_with_all_their_linkedids(firm: Firm) -> None:
    call, over = firm.inbound(), firm.inbound("+79165556677")
    await firm.record(call, over, firm.answered(call, "101"), firm.missed(over))
    await firm.record(CallLinked(call_id=call.call_id, at=firm.tick(), linkedid="merged-1"))
    restarted = firm.another_recorder(firm.database)
    (known,) = await restarted.load()
    assert known == firm.view(call).call
    assert known.linkedids == {call.linkedid, "merged-1"}
    assert restarted.view(call.call_id) == firm.view(call)
    await restarted.record(firm.ended(call))
    await restarted.drain()
    row = await firm.call(call)
    assert (row.values["state"], row.owner, row.values["answered_by"]) == ("ended", "anna", "101")


async def test_events_that_are_told_twice_change_nothing_and_are_told_once(firm: Firm) -> None:
    call = firm.inbound()
    story = [call, firm.rang(call, "101"), firm.answered(call, "101"), firm.ended(call)]
    await firm.record(*story)
    row, published = await firm.call(call), list(firm.published)
    await firm.record(*story)
    await firm.record(*reversed(story))
    assert (await firm.call(call), firm.published) == (row, published)


async def test_a_call_that_is_over_is_not_opened_again(firm: Firm) -> None:
    row = await firm.missed_call()
    at = firm.tick()
    again = CallStarted(
        call_id=row.values["id"], at=at, pbx="main", direction=row.values["direction"], linkedid="again", number=IVAN
    )
    await firm.record(again, LegAnswered(call_id=again.call_id, at=at, extension="101"))
    assert (await firm.call(again)).values["result"] == "missed"
    assert not list(firm.recorder.live())


async def test_events_of_calls_that_nobody_knows_are_passed_over(firm: Firm) -> None:
    unknown = firm.inbound()
    await firm.record(firm.answered(unknown, "101"), firm.ended(unknown), OutsideRang(call_id="x", at=firm.tick()))
    assert await firm.calls() == []


# Calls that turn out to be one


async def test_a_call_that_is_part_of_another_is_given_up_for_it(firm: Firm) -> None:
    one, two = firm.inbound(), firm.inbound()
    await firm.record(one, two, firm.rang(two, "102"))
    async with firm.database.write() as tx:
        await timeline.add(tx, "note", at=firm.tick(), call_id=two.call_id, text="called back")
    await firm.record(
        CallMerged(call_id=two.call_id, at=firm.tick(), into=one.call_id),
        CallLinked(call_id=one.call_id, at=firm.tick(), linkedid=two.linkedid),
    )
    (left,) = await firm.calls()
    assert left.values["id"] == one.call_id
    assert [view.call.id for view in firm.recorder.live()] == [one.call_id]
    (dropped,) = firm.heard(events.CallDropped)
    assert (dropped.call_id, dropped.into) == (two.call_id, one.call_id)
    assert dropped.people == firm.viewer_ids("boris")
    (known,) = await firm.another_recorder(firm.database).load()
    assert known.linkedids == {one.linkedid, two.linkedid}
    async with firm.database.read() as connection:
        notes = (await connection.execute(sa.text("SELECT call_id, text FROM timeline WHERE kind = 'note'"))).all()
    assert [tuple(note) for note in notes] == [(one.call_id, "called back")]


async def test_what_one_person_wrote_of_both_calls_is_one_note(firm: Firm) -> None:
    one, two = firm.inbound(), firm.inbound()
    await firm.record(one, firm.rang(one, "101"), two, firm.rang(two, "101"))
    for call, text in ((one, "asks for a discount"), (two, "Ivan measures")):
        await write_call_note(firm.database, firm.person("anna"), call.call_id, text, firm.tick())
    await firm.record(CallMerged(call_id=two.call_id, at=firm.tick(), into=one.call_id))
    async with firm.database.read() as connection:
        notes = (await connection.execute(sa.text("SELECT call_id, text FROM timeline WHERE kind = 'note'"))).all()
    assert [tuple(note) for note in notes] == [(one.call_id, "asks for a discount\nIvan measures")]


async def test_a_call_given_up_in_the_batch_that_began_it_was_never_there(firm: Firm) -> None:
    one, two = firm.inbound(), firm.inbound()
    await firm.record(one)
    merged = CallMerged(call_id=two.call_id, at=firm.tick(), into=one.call_id)
    await firm.record(two, firm.rang(two, "101"), merged, firm.answered(two, "101"), firm.ended(two))
    assert [call.values["id"] for call in await firm.calls()] == [one.call_id]
    assert {event.view.call.id for event in firm.heard(events.CallRang)} == {one.call_id}
    assert firm.heard(events.CallDropped) == []


async def test_no_event_brings_a_given_up_call_back(firm: Firm) -> None:
    one, two = firm.inbound(), firm.inbound()
    await firm.record(one, two)
    merged = CallMerged(call_id=two.call_id, at=firm.tick(), into=one.call_id)
    await firm.record(firm.rang(two, "101"), merged, firm.answered(two, "101"))
    await firm.record(firm.ended(two))
    assert [call.values["id"] for call in await firm.calls()] == [one.call_id]
    told = [type(event) for event in firm.published if getattr(event, "call_id", None) == two.call_id]
    assert told == [events.CallDropped]
    assert firm.published[-1] == firm.heard(events.CallDropped)[0]


# What people change meanwhile


async def test_what_a_person_changes_of_an_open_call_is_not_overwritten(firm: Firm) -> None:
    call = firm.inbound()
    await firm.record(call)
    deal = await create_deal(firm.database, firm.person("boris"), NewDeal(title="Windows"), firm.tick())
    await firm.tell(firm.answered(call, "102"))
    async with firm.database.write() as tx:
        await store.put_on_deal(tx, call.call_id, None, deal.id)
        view = firm.view(call)
        chosen = replace(view, call=replace(view.call, deal_id=deal.id), deal_owner_id=deal.owner_id)
        tx.emit(events.CallChanged(people=frozenset(), view=chosen, by=firm.person("boris").id))
    await firm.recorder.drain()
    assert (await firm.call(call)).values["deal_id"] == deal.id
    assert [each.id for each in await firm.deals()] == [deal.id]


async def test_a_call_answered_elsewhere_keeps_its_deal_though_both_came_in_one_batch(firm: Firm) -> None:
    call = firm.inbound()
    await firm.record(call, firm.rang(call, "101"))
    elsewhere = LegEnded(call_id=call.call_id, at=firm.tick(), extension="101", outcome=LegOutcome.ANSWERED_ELSEWHERE)
    await firm.record(elsewhere, firm.answered(call, "102"))
    await firm.record(firm.ended(call))
    [deal] = await firm.deals()
    values = (await firm.call(call)).values
    assert (values["deal_id"], values["contact_id"]) == (deal.id, deal.contact_id)


# Stopping


async def test_what_is_left_at_a_stop_is_written_by_the_drain(firm: Firm) -> None:
    calls = [firm.inbound(f"+790311122{number:02}") for number in range(30)]
    async with running(firm.recorder):
        await firm.tell(*calls)
    await firm.recorder.drain()
    assert (len(await firm.calls()), firm.recorder.waiting) == (30, 0)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233])
async def test_a_stop_at_any_moment_of_a_commit_loses_and_doubles_nothing(firm: Firm, steps: int) -> None:
    call = firm.inbound()
    await firm.tell(call, firm.rang(call, "101"), firm.answered(call, "101"))
    async with running(firm.recorder):
        for _ in range(steps):
            await asyncio.sleep(0)
    await firm.tell(firm.ended(call))
    await firm.recorder.drain()
    row = await firm.call(call)
    assert (row.values["state"], row.owner) == ("ended", "anna")
    assert (len(await firm.deals()), len(await firm.contacts())) == (1, 1)
    assert [type(event).__name__ for event in firm.published] == [
        "CallRang",
        "ContactChanged",
        "DealCreated",
        "CallAnswered",
        "CallEnded",
    ]


async def test_a_batch_whose_commit_went_through_unheard_is_written_again_without_harm(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Database._commit

    async def lost_answer(database: Database, tx: Transaction) -> None:
        await tx.connection.commit()
        monkeypatch.setattr(Database, "_commit", commit)
        raise StoreError("the connection was lost")

    monkeypatch.setattr(Database, "_commit", lost_answer)
    call = firm.inbound()
    await firm.tell(call)
    async with running(firm.recorder):
        talking = await firm.recorder.recorded(firm.answered(call, "101"))
        over = await firm.recorder.recorded(firm.ended(call))
    assert talking is not None
    assert over is not None
    assert (await firm.call(call)).values["state"] == "ended"
    assert (len(await firm.deals()), len(await firm.contacts())) == (1, 1)


# Trouble


@sqlite_only
async def test_a_locked_database_loses_nothing_and_says_so_once(impatient: Firm) -> None:
    firm = impatient
    call = firm.inbound()
    with capture_logs() as logs:
        async with running(firm.recorder):
            with held_by_another(firm.database):
                await firm.tell(call, firm.answered(call, "101"))
                await until(lambda: firm.recorder.trouble is not None)
                assert "locked" in _trouble(firm)
                assert firm.recorder.waiting == 2
                assert firm.published == []
            assert await firm.recorder.recorded(firm.ended(call)) is not None
        assert firm.recorder.trouble is None
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [
        ("error", "the database takes no calls, they wait"),
        ("warning", "the database takes calls again"),
    ]
    assert (await firm.call(call)).owner == "anna"
    await firm.database.close()


@sqlite_only
async def test_a_full_disk_loses_nothing(firm: Firm) -> None:
    async def room(pages: int) -> None:
        async with firm.database.write() as tx:
            await tx.connection.execute(sa.text(f"PRAGMA max_page_count = {pages}"))

    async with firm.database.read() as connection:
        used = (await connection.execute(sa.text("PRAGMA page_count"))).scalar_one()
    await room(used)
    calls = [firm.inbound(f"+7903111{number:04}", "N" * 200) for number in range(100)]
    async with running(firm.recorder):
        await firm.tell(*calls)
        await until(lambda: firm.recorder.trouble is not None)
        assert "full" in _trouble(firm)
        await room(2**30)
        assert await firm.recorder.recorded(firm.missed(calls[-1])) is not None
    assert len(await firm.calls()) == 100


@sqlite_only
async def test_a_database_that_is_away_at_the_stop_is_said_and_nothing_hangs(impatient: Firm) -> None:
    firm = impatient
    await firm.tell(firm.inbound(), firm.inbound())
    with held_by_another(firm.database), pytest.raises(StoreError, match="locked"):
        await firm.recorder.drain()
    assert firm.recorder.waiting == 2
    await firm.recorder.drain()
    assert len(await firm.calls()) == 2
    await firm.database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison(CallQueued):
    """An event that can't be written."""


@pytest.fixture(params=[Unsound("refused"), RuntimeError("a fault of ours")], ids=["refused", "fault"])
def poison(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a `Poison` fail its transaction."""
    take = call_batch.CallBatch.take

    def poisoned(batch: call_batch.CallBatch, event: CallEvent) -> None:
        if isinstance(event, Poison):
            raise request.param
        take(batch, event)

    monkeypatch.setattr(call_batch.CallBatch, "take", poisoned)


@pytest.mark.usefixtures("poison")
@pytest.mark.parametrize("stopped", [False, True])
async def test_an_event_that_can_never_be_written_holds_up_nothing_and_keeps_the_order(
    firm: Firm, stopped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(texts._TEXTS, Poison, ())
    one, two = firm.inbound(), firm.inbound("+79165556677")
    poison = Poison(call_id=one.call_id, at=firm.tick(), queue="x")
    await firm.tell(one, firm.rang(one, "101"), poison, two, firm.answered(one, "101"), firm.missed(two))
    with capture_logs() as logs:
        if stopped:
            await firm.recorder.drain()
        else:
            async with running(firm.recorder):
                assert await firm.recorder.recorded(firm.ended(one)) is not None
                assert await firm.recorder.recorded(poison) is None
    first, second = await firm.calls()
    assert (first.values["answered_by"], second.values["result"]) == ("101", CallResult.MISSED)
    assert {entry["event_type"] for entry in logs if entry["log_level"] == "error"} == {"Poison"}
    assert firm.recorder.trouble is None
    order = [(type(event).__name__, event.view.call.id) for event in firm.published if hasattr(event, "view")]
    assert order[:5] == [
        ("CallRang", one.call_id),
        ("CallRang", one.call_id),
        ("CallRang", two.call_id),
        ("CallAnswered", one.call_id),
        ("CallEnded", two.call_id),
    ]


async def test_a_full_queue_makes_the_pbx_wait(firm: Firm) -> None:
    small = firm.another_recorder(firm.database, most_waiting=2)
    await small.record(firm.inbound())
    await small.record(firm.inbound())
    third = asyncio.create_task(small.record(firm.inbound()))
    await asyncio.sleep(0)
    assert not third.done()
    async with running(small):
        await third
        assert await small.recorded(firm.inbound()) is not None
    assert len(await firm.calls()) == 4


async def test_batches_are_bounded(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    commit = Recorder._commit

    async def counted(recorder: Recorder, batch: list[recorder.Waiting]) -> None:
        sizes.append(len(batch))
        await commit(recorder, batch)

    monkeypatch.setattr(Recorder, "_commit", counted)
    await firm.tell(*(firm.inbound(None) for _ in range(450)))
    async with running(firm.recorder):
        await firm.recorder.recorded(firm.inbound())
    assert sum(sizes) == 451
    assert max(sizes) == recorder.MOST_ROWS


# What strangers send


@pytest.mark.parametrize(
    "name, kept",
    [
        ("N" * 10_000, "N" * 200),
        ("Ivan\0Petrov", "Ivan Petrov"),
        ("Ivan\r\nPetrov\t", "Ivan Petrov"),
        ("\ud800Ivan\udfff", "Ivan"),
        ("\u202eIvan\u2066", "Ivan"),
        ("<b onclick='x'>Ivan</b>", "<b onclick='x'>Ivan</b>"),
        ("שלום עולם", "שלום עולם"),
        ("می‌خواهم", "می‌خواهم"),
        ("Иван 🙂", "Иван 🙂"),
    ],
)
async def test_a_strangers_name_is_kept_bounded_and_clean(firm: Firm, name: str, kept: str) -> None:
    row = await firm.answered_call(name=name)
    assert row.values["caller_name"] == kept
    assert ((await firm.contacts())[0].name, (await firm.deals())[0].title) == (kept, kept)
    assert {event.view.call.caller_name for event in firm.heard(events.CallRang)} == {kept}


async def test_every_text_of_an_event_is_bounded_to_its_column(firm: Firm) -> None:
    endless = "9\0\ud800" * 5_000
    call = firm.inbound(did=endless, number_raw="8 903 111-22-33" + " " * 100, linkedid=endless, pbx=endless)
    extension = "1" * 5_000
    await firm.record(call, CallQueued(call_id=call.call_id, at=firm.tick(), queue=endless))
    await firm.record(firm.rang(call, extension), firm.answered(call, extension), firm.ended(call))
    row = await firm.call(call)
    assert 70 < len(row.values["did"]) <= 80
    assert row.values["answered_by"] == "1" * 20
    assert (await firm.deals())[0].contact_id == row.values["contact_id"]


async def test_a_race_lost_to_another_process_is_run_again_and_loses_no_event(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = contacts.add_callers
    races = iter([True, True, False])

    async def raced(tx: Transaction, rows: Sequence[contacts.ContactRow]) -> None:
        lost = next(races) if rows else False
        if lost:
            raise Conflict("somebody else was faster")
        await add(tx, rows)

    monkeypatch.setattr(contacts, "add_callers", raced)

    await firm.answered_call()

    assert len(await firm.contacts()) == len(await firm.deals()) == 1


async def test_whoever_hears_of_a_call_finds_it_so_in_memory(firm: Firm) -> None:
    seen: list[CallState | None] = []

    def look(published: Published) -> None:
        if isinstance(published.event, events.CallAnswered | events.CallEnded):
            view = firm.recorder.view(published.event.view.call.id)
            seen.append(None if view is None else view.call.state)

    firm.bus.subscribe(look)

    await firm.answered_call()

    assert seen == [CallState.TALKING, None]
