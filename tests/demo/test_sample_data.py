"""The sample data, made once and looked at."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.passwords import quick_passwords
from zeoncrm.demo.callers import World
from zeoncrm.demo.sample_calls import PBX
from zeoncrm.demo.sample_data import DEALS_IN_STAGE, fill
from zeoncrm.demo.sample_texts import CONTACTS, PASSWORD, PEOPLE
from zeoncrm.pipeline.board import Board, load_board
from zeoncrm.pipeline.passwords import Passwords
from zeoncrm.pipeline.people import Directory, Viewer, load_directory, viewer_of
from zeoncrm.store import calls, contacts, schema, timeline
from zeoncrm.store.database import Database

# An evening, and a night in which the working day has not begun.
TIMES = [datetime(2030, 5, 15, 19, 30, tzinfo=UTC), datetime(2030, 5, 15, 2, 10, tzinfo=UTC)]


@dataclass(frozen=True)
class Sample:
    database: Database
    passwords: Passwords
    now: datetime
    world: World
    directory: Directory

    def viewer(self, login: str) -> Viewer:
        return next(viewer_of(row) for row in self.directory.rows if row.login == login)

    async def board(self, login: str) -> Board:
        return await load_board(self.database, self.viewer(login), None, limit=100)


@pytest.fixture(scope="module", params=TIMES, ids=["evening", "night"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, datetime, World]:
    """A database that was filled at one of the times, and is only read from then on."""
    url = f"sqlite:///{tmp_path_factory.mktemp('sample')}/demo.db"

    async def make() -> World:
        database, passwords = Database(url), quick_passwords()
        await schema.upgrade(database)
        world = await fill(database, passwords, request.param)
        passwords.close()
        await database.close()
        return world

    return url, request.param, asyncio.run(make())


@pytest.fixture
async def sample(filled: tuple[str, datetime, World]) -> AsyncIterator[Sample]:
    url, now, world = filled
    database, passwords = Database(url), quick_passwords()
    yield Sample(database, passwords, now, world, await load_directory(database))
    passwords.close()
    await database.close()


async def test_it_is_a_firm_with_work_in_every_stage(sample: Sample) -> None:
    board = await sample.board("svetlana")
    for column, least in zip(board.columns, DEALS_IN_STAGE, strict=True):
        assert column.total.deals >= least
    cards = [deal for column in board.columns for deal in column.cards.items]
    assert {deal.owner for deal in cards} == {person.login for person in PEOPLE}
    assert {deal.priority for deal in cards} == {"normal", "hot"}
    assert all(deal.contact for deal in cards)
    assert any(deal.next_step for deal in cards)
    assert any(deal.source == "call" and deal.stage_kind == "unsorted" for deal in cards)
    assert all((deal.closed_at is not None) == (deal.stage_kind in ("won", "lost")) for deal in cards)


async def test_nothing_has_happened_in_the_future(sample: Sample) -> None:
    board = await sample.board("svetlana")
    for column in board.columns:
        for deal in column.cards.items:
            assert deal.created_at <= deal.stage_entered_at <= sample.now
    async with sample.database.read() as connection:
        page = await calls.search(connection, calls.CallFilter(), scope=None, limit=200)
    assert all(row.values["ended_at"] <= sample.now for row in page.items)


async def test_what_happened_to_a_deal_is_in_order(sample: Sample) -> None:
    board = await sample.board("svetlana")
    seen: Counter[str] = Counter()
    async with sample.database.read() as connection:
        for column in board.columns:
            for deal in column.cards.items:
                entries = (await timeline.of_deal(connection, deal.id)).items
                seen.update(entry.kind for entry in entries)
                times = [entry.at for entry in entries if entry.kind != "call"]
                assert times == sorted(times, reverse=True)
    assert {"created", "moved", "note", "call"} <= seen.keys()


async def test_the_journal_holds_calls_of_all_kinds(sample: Sample) -> None:
    async with sample.database.read() as connection:
        page = await calls.search(connection, calls.CallFilter(), scope=None, limit=200)
    kinds = Counter((row.values["direction"], row.values["result"]) for row in page.items)
    assert kinds.keys() == {
        ("inbound", "answered"),
        ("inbound", "missed"),
        ("outbound", "answered"),
        ("outbound", "no_answer"),
    }


async def test_everybody_logs_in_with_the_same_password_and_has_an_extension(sample: Sample) -> None:
    for person in PEOPLE:
        row = next(row for row in sample.directory.rows if row.login == person.login)
        assert await sample.passwords.matches(row.password_hash, PASSWORD)
        assert sample.directory.extensions_of(row.id, PBX) == (person.extension,)


async def test_a_rep_sees_their_own_alone(sample: Sample) -> None:
    anna = await sample.board("anna")
    assert 0 < anna.open_total.deals < (await sample.board("svetlana")).open_total.deals
    assert {deal.owner for column in anna.columns for deal in column.cards.items} == {"anna"}


async def test_those_who_may_call_are_the_contacts_of_their_owners(sample: Sample) -> None:
    numbers = [number for known in sample.world.known.values() for number in known]
    assert len(set(numbers)) == len(numbers) == len(CONTACTS)
    async with sample.database.read() as connection:
        for extension, known in sample.world.known.items():
            person = sample.directory.person_with(extension, PBX)
            assert person is not None
            for number in known:
                contact_id = await contacts.caller(connection, f"+{number}")
                assert contact_id is not None
                contact = await contacts.one(connection, contact_id)
                assert contact is not None
                assert contact.owner_id == person.id
