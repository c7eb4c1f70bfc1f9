"""The board: columns, totals that are always right, pages that stay right, searches."""

from __future__ import annotations

import asyncio
import base64
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.firm import Firm
from zeoncrm.pipeline.board import BoardFilter, load_board
from zeoncrm.pipeline.contacts import NewPhone, create_contact
from zeoncrm.pipeline.deals import NewDeal, change_deal, create_deal, find_deals, move_deal
from zeoncrm.pipeline.errors import NotFound
from zeoncrm.store.deals import DealRow
from zeoncrm.store.paging import BadCursor, encode_cursor


async def _deal(firm: Firm, title: str = "Windows", login: str = "anna", **values: Any) -> DealRow:
    return await create_deal(firm.database, firm.person(login), NewDeal(title=title, **values), firm.tick())


async def _titles(firm: Firm, login: str = "sveta", **wanted: Any) -> list[str]:
    board = await load_board(firm.database, firm.person(login), None, BoardFilter(**wanted))
    return [deal.title for column in board.columns for deal in column.cards.items]


async def test_a_column_has_the_newest_first_with_count_and_sums(firm: Firm) -> None:
    await _deal(firm, "one", amount=Decimal("10.10"))
    await _deal(firm, "two", amount=Decimal("0.20"))
    await _deal(firm, "three", amount=Decimal("5"), currency="EUR")
    await _deal(firm, "four", "boris")
    board = await load_board(firm.database, firm.person("sveta"), None)
    assert [column.stage.name for column in board.columns][:2] == ["Unsorted", "Opportunity"]
    first, second = board.columns[:2]
    assert [deal.title for deal in first.cards.items] == ["four", "three", "two", "one"]
    assert (first.total.deals, first.total.sums) == (4, {"RUB": Decimal("10.30"), "EUR": Decimal("5")})
    assert (second.total.deals, second.total.sums, second.cards.items) == (0, {}, [])
    assert board.open_total == first.total


async def test_a_moved_card_stands_first(firm: Firm) -> None:
    one = await _deal(firm, "one")
    two = await _deal(firm, "two")
    anna = firm.person("anna")
    target = one.stage_id + 1
    for deal in (two, one):
        await move_deal(firm.database, anna, deal.id, target, None, firm.tick())
    board = await load_board(firm.database, anna, None, stage_id=target)
    (column,) = board.columns
    assert [deal.title for deal in column.cards.items] == ["one", "two"]


async def test_a_rep_sees_their_own_cards_and_sums(firm: Firm) -> None:
    await _deal(firm, "hers", amount=Decimal(1))
    await _deal(firm, "his", "boris", amount=Decimal(2))
    board = await load_board(firm.database, firm.person("anna"), None)
    assert await _titles(firm, "anna") == ["hers"]
    assert board.columns[0].total.sums == {"RUB": Decimal(1)}
    # A filter narrows and never widens.
    assert await _titles(firm, "anna", owner_id=firm.person("boris").id) == []
    assert await _titles(firm, "anna", owner_id=0) == []


async def test_a_supervisor_looks_at_one_reps_or_nobodys(firm: Firm) -> None:
    await _deal(firm, "hers")
    await _deal(firm, "his", "boris", amount=Decimal(2))
    orphan = await _deal(firm, "nobody's", amount=Decimal(4))
    await change_deal(firm.database, firm.person("sveta"), orphan.id, {"owner_id": None}, None, firm.tick())
    assert await _titles(firm, owner_id=firm.person("boris").id) == ["his"]
    assert await _titles(firm, owner_id=0) == ["nobody's"]
    board = await load_board(firm.database, firm.person("sveta"), None, BoardFilter(owner_id=0))
    assert board.columns[0].total.sums == {"RUB": Decimal(4)}


@pytest.mark.parametrize("pipeline_id, stage_id", [(999, None), (10**40, None), (None, 999)])
async def test_a_pipeline_or_stage_that_is_none_is_not_found(
    firm: Firm, pipeline_id: int | None, stage_id: int | None
) -> None:
    with pytest.raises(NotFound):
        await load_board(firm.database, firm.person("sveta"), pipeline_id, stage_id=stage_id)


# Pages


async def test_a_columns_pages_have_each_card_once_while_cards_come_and_go(firm: Firm) -> None:
    old = [(await _deal(firm, f"deal {number}")).id for number in range(25)]
    # Several at one moment are told apart by their ids.
    async with firm.database.write() as tx:
        await tx.connection.execute(sa.text("UPDATE deals SET stage_entered_at = created_at WHERE id > 20"))
        await tx.connection.execute(
            sa.text("UPDATE deals SET stage_entered_at = (SELECT created_at FROM deals WHERE id = 10) WHERE id <= 20")
        )
    seen: list[int] = []
    cursor = None
    stage_id = None
    anna = firm.person("anna")
    while True:
        board = await load_board(firm.database, anna, None, stage_id=stage_id, cursor=cursor, limit=4)
        column = board.columns[0]
        stage_id = column.stage.id
        seen += [deal.id for deal in column.cards.items]
        cursor = column.cards.next
        if cursor is None:
            break
        await _deal(firm, "came meanwhile")
        if len(seen) == 8:
            await move_deal(firm.database, anna, seen[0], stage_id + 1, None, firm.tick())
    assert seen == sorted(old, reverse=True)


async def test_lists_of_deals_page_alike(firm: Firm) -> None:
    made = [(await _deal(firm, f"deal {number}")).id for number in range(7)]
    seen: list[int] = []
    cursor = None
    while True:
        page = await find_deals(firm.database, firm.person("anna"), limit=3, cursor=cursor)
        seen += [deal.id for deal in page.items]
        if page.next is None:
            break
        cursor = page.next
        await _deal(firm, "came meanwhile")
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "cursor",
    [
        *(
            "x",
            "%%%",
            "ключ",
            "e30",
            encode_cursor(),
            encode_cursor("a", "b"),
            encode_cursor(1),
            encode_cursor(1, 2, 3),
        ),
        *(encode_cursor("2026-03-02T12:00:00", 1), encode_cursor("0001-01-01T00:00:00+23:00", 1)),
        *(encode_cursor("9999-12-31T23:59:59-23:00", 1), encode_cursor("2026-03-02T12:00:00+00:00", 2**63)),
        *(encode_cursor("2026-03-02T12:00:00+00:00", None), encode_cursor("2026-03-02T12:00:00+00:00", 1.5)),
        "W" * 50_000,
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        encode_cursor(True, True),
    ],
)
async def test_a_cursor_of_no_column_is_refused(firm: Firm, cursor: str) -> None:
    stage = (await load_board(firm.database, firm.person("anna"), None)).columns[0].stage
    with pytest.raises(BadCursor):
        await load_board(firm.database, firm.person("anna"), None, stage_id=stage.id, cursor=cursor)


# Searches


@pytest.mark.parametrize(
    "query, found",
    [
        ("ОКНА", ["Окна для Ёлкина"]),
        ("елкин окна", ["Окна для Ёлкина"]),
        ("i\u0306", []),
        ("Groß", ["STRASSE GROSS"]),
        ("100%", ["100% off_line"]),
        ("_", ["100% off_line"]),
        ("\\", ["back\\slash"]),
        ("%", ["100% off_line"]),
        ("'", ["O'Brien"]),
        ("8 903 111-22-33", ["From a call"]),
        ("+7 903 111", ["From a call"]),
        ("petrov", ["From a call"]),
        ("a\0b", []),
        ("\ud800", []),
        ("окна 100%", []),
        ("x" * 5_000, []),
    ],
)
async def test_a_search_finds_words_in_titles_contacts_and_numbers(firm: Firm, query: str, found: list[str]) -> None:
    anna = firm.person("anna")
    contact = await create_contact(
        firm.database, anna, name="Ivan Petrov", phones=[NewPhone("89031112233")], region="RU", at=firm.tick()
    )
    for title in ("Окна для Ёлкина", "STRASSE GROSS", "100% off_line", "back\\slash", "O'Brien"):
        await _deal(firm, title, amount=Decimal(1))
    await _deal(firm, "From a call", contact_id=contact.id, amount=Decimal(1))
    assert await _titles(firm, query=query) == found
    board = await load_board(firm.database, anna, None, BoardFilter(query=query))
    assert board.open_total.deals == len(found)
    assert board.open_total.sums == ({"RUB": Decimal(len(found))} if found else {})
    assert [deal.title for deal in (await find_deals(firm.database, anna, query=query)).items] == found


async def test_hot_deals_alone(firm: Firm) -> None:
    await _deal(firm, "cold", amount=Decimal(1))
    await _deal(firm, "hot", priority="hot", amount=Decimal(2))
    assert await _titles(firm, priority="hot") == ["hot"]
    board = await load_board(firm.database, firm.person("sveta"), None, BoardFilter(priority="hot"))
    assert board.columns[0].total.sums == {"RUB": Decimal(2)}


# Totals

AMOUNTS = st.one_of(st.none(), st.decimals("0", "999999999999.99", places=2))
OPERATION = st.tuples(
    st.sampled_from(["create", "move", "amount", "owner", "currency", "title"]),
    st.integers(0, 7),
    AMOUNTS,
    st.sampled_from(["RUB", "EUR"]),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(OPERATION, min_size=1, max_size=15))
async def test_the_kept_totals_are_always_those_of_the_deals(firm: Firm, operations: list[tuple[Any, ...]]) -> None:
    sveta = firm.person("sveta")
    stages = [column.stage.id for column in (await load_board(firm.database, sveta, None)).columns]
    people = [firm.person(login).id for login in ("anna", "boris")]
    for kind, number, amount, currency in operations:
        known = await firm.deals()
        if kind == "create" or not known:
            await _deal(firm, "x", "sveta", amount=amount, currency=currency, owner_id=people[number % 2])
            continue
        change = {
            "move": {"stage_id": stages[number]},
            "amount": {"amount": amount},
            "owner": {"owner_id": [None, *people][number % 3]},
            "currency": {"currency": currency},
            "title": {"title": f"x{number}"},
        }[kind]
        await change_deal(firm.database, sveta, known[number % len(known)].id, change, None, firm.tick())
    deals = await firm.deals()
    for login, owner in (("sveta", None), ("anna", people[0]), ("boris", people[1])):
        board = await load_board(firm.database, firm.person(login), None)
        for column in board.columns:
            own = [d for d in deals if d.stage_id == column.stage.id and owner in (None, d.owner_id)]
            sums: dict[str, Decimal] = defaultdict(Decimal)
            for deal in own:
                sums[deal.currency] += deal.amount or 0
            assert column.total.deals == len(own)
            assert column.total.sums == {currency: total for currency, total in sums.items() if total}


async def test_totals_stay_right_when_many_move_at_once(firm: Firm) -> None:
    deals = [await _deal(firm, f"deal {number}", amount=Decimal(number)) for number in range(10)]
    anna = firm.person("anna")
    moves = (
        move_deal(firm.database, anna, deal.id, deal.stage_id + 1 + step, None, firm.tick())
        for step in range(3)
        for deal in deals
    )
    await asyncio.gather(*moves)
    board = await load_board(firm.database, anna, None)
    assert {column.stage.id: column.total.deals for column in board.columns if column.total.deals} == {
        deals[0].stage_id + 3: 10
    }
    assert board.open_total.sums == {"RUB": Decimal(45)}
