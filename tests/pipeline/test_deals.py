"""Deals as people make and change them: rights, versions, stages, what is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.pipeline.firm import Firm
from zeoncrm.pipeline import events
from zeoncrm.pipeline.contacts import NewPhone, create_contact
from zeoncrm.pipeline.deals import (
    NewDeal,
    add_deal_note,
    change_deal,
    create_deal,
    deals_of_contact,
    find_deals,
    get_deal,
    move_deal,
)
from zeoncrm.pipeline.errors import Invalid, NotFound, Stale
from zeoncrm.pipeline.stages import get_pipeline, list_pipelines
from zeoncrm.store import stages, timeline
from zeoncrm.store.deals import DealRow
from zeoncrm.store.stages import StageRow


async def _deal(firm: Firm, login: str = "anna", /, **values: Any) -> DealRow:
    return await create_deal(firm.database, firm.person(login), NewDeal(**{"title": "Windows", **values}), firm.tick())


async def _change(firm: Firm, login: str, deal: DealRow, /, **changes: Any) -> DealRow:
    return await change_deal(firm.database, firm.person(login), deal.id, changes, None, firm.tick())


async def _stages(firm: Firm) -> dict[str, StageRow]:
    return {stage.name: stage for stage in (await get_pipeline(firm.database, None)).stages}


# Rights


async def test_a_rep_sees_and_changes_nothing_of_a_colleagues(firm: Firm) -> None:
    deal = await _deal(firm, "boris")
    anna = firm.person("anna")
    stage = (await _stages(firm))["Proposal"]
    with pytest.raises(NotFound):
        await get_deal(firm.database, anna, deal.id)
    with pytest.raises(NotFound):
        await _change(firm, "anna", deal, title="Mine")
    with pytest.raises(NotFound):
        await move_deal(firm.database, anna, deal.id, stage.id, None, firm.tick())
    with pytest.raises(NotFound):
        await add_deal_note(firm.database, anna, deal.id, "Hello", firm.tick())
    assert (await find_deals(firm.database, anna)).items == []
    assert (await find_deals(firm.database, anna, owner_id=firm.person("boris").id)).items == []
    assert (await get_deal(firm.database, firm.person("sveta"), deal.id)) == deal
    assert {frozenset(event.people) for event in firm.published} == {firm.viewer_ids("boris")}


@pytest.mark.parametrize("deal_id", [0, -1, 999, 2**63, 10**40])
async def test_an_id_that_is_no_deals_is_not_found(firm: Firm, deal_id: int) -> None:
    with pytest.raises(NotFound):
        await get_deal(firm.database, firm.person("sveta"), deal_id)


async def test_a_reps_deal_is_their_own_and_only_a_supervisor_gives_it_away(firm: Firm) -> None:
    boris = firm.person("boris").id
    deal = await _deal(firm, "anna", owner_id=boris)
    assert deal.owner == "anna"
    with pytest.raises(Invalid) as refused:
        await _change(firm, "anna", deal, owner_id=boris)
    assert refused.value.field == "owner"
    given = await _change(firm, "sveta", deal, owner_id=boris)
    assert given.owner == "boris"
    told = firm.heard(events.DealChanged)[-1]
    assert (told.people, told.previous_owner_id) == (firm.viewer_ids("anna", "boris"), firm.person("anna").id)
    assert (await _change(firm, "sveta", deal, owner_id=None)).owner is None
    for nobody in (999, 10**40):
        with pytest.raises(Invalid):
            await _change(firm, "sveta", deal, owner_id=nobody)


async def test_a_rep_makes_deals_only_with_contacts_and_companies_that_they_see(firm: Firm) -> None:
    anna, boris = firm.person("anna"), firm.person("boris")
    theirs = await create_contact(
        firm.database, boris, name="Olga", phones=[], region="RU", at=firm.tick(), company="Glass"
    )
    for values in ({"contact_id": theirs.id}, {"company_id": theirs.company_id}, {"company_id": 999}):
        with pytest.raises(Invalid) as refused:
            await _deal(firm, "anna", **values)
        assert refused.value.field in values
    deal = await _deal(firm, "boris", contact_id=theirs.id)
    assert (deal.contact, deal.company) == ("Olga", "Glass")
    assert await deals_of_contact(firm.database, boris, theirs.id) == [deal]
    assert await deals_of_contact(firm.database, anna, theirs.id) == []
    with pytest.raises(Invalid):
        await create_contact(
            firm.database, anna, name="Ivan", phones=[], region="RU", at=firm.tick(), company_id=theirs.company_id
        )


# Stages and versions


async def test_a_move_is_kept_told_and_written_on_the_timeline(firm: Firm) -> None:
    deal = await _deal(firm)
    proposal = (await _stages(firm))["Proposal"]
    moved = await move_deal(firm.database, firm.person("anna"), deal.id, proposal.id, deal.version, firm.tick())
    assert (moved.stage, moved.stage_entered_at, moved.version) == ("Proposal", firm.now, deal.version + 1)
    told = firm.heard(events.DealMoved)[-1]
    assert (told.deal, told.from_stage_id, told.by) == (moved, deal.stage_id, firm.person("anna").id)
    async with firm.database.read() as connection:
        entry = (await timeline.of_deal(connection, deal.id)).items[0]
    assert (entry.kind, entry.data, entry.author_name) == (
        "moved",
        {"from": "Unsorted", "to": "Proposal"},
        "Anna Ivanova",
    )


async def test_a_stale_move_changes_nothing_and_gives_what_is_true(firm: Firm) -> None:
    deal = await _deal(firm)
    stages = await _stages(firm)
    anna = firm.person("anna")
    moved = await move_deal(firm.database, anna, deal.id, stages["Proposal"].id, deal.version, firm.tick())
    with pytest.raises(Stale) as refused:
        await move_deal(firm.database, anna, deal.id, stages["Fulfilment"].id, deal.version, firm.tick())
    assert refused.value.current == moved == await get_deal(firm.database, anna, deal.id)
    assert len(firm.heard(events.DealMoved)) == 1


async def test_a_move_to_where_the_deal_stands_changes_nothing(firm: Firm) -> None:
    deal = await _deal(firm)
    assert await move_deal(firm.database, firm.person("anna"), deal.id, deal.stage_id, None, firm.tick()) == deal
    assert firm.heard(events.DealMoved) == []


@pytest.mark.parametrize("which", ["of another pipeline", "none", "too large"])
async def test_a_stage_that_is_not_of_the_deals_pipeline_is_refused(firm: Firm, which: str) -> None:
    deal = await _deal(firm)
    stage_id = {"none": 999, "too large": 10**40}.get(which, 0)
    if which == "of another pipeline":
        async with firm.database.write() as tx:
            await stages.add_pipeline(tx, "Service", [("New", "unsorted")])
        # Its id need not be the next one: PostgreSQL leaves some out.
        (other,) = [each for each in await list_pipelines(firm.database) if each.id != deal.pipeline_id]
        stage_id = other.stages[0].id
    with pytest.raises(Invalid) as refused:
        await move_deal(firm.database, firm.person("anna"), deal.id, stage_id, None, firm.tick())
    assert refused.value.field == "stage_id"
    assert (await get_deal(firm.database, firm.person("anna"), deal.id)) == deal


async def test_closing_and_reopening_sets_and_clears_the_time(firm: Firm) -> None:
    deal = await _deal(firm)
    stages = await _stages(firm)
    won = await _change(firm, "anna", deal, stage_id=stages["Closed won"].id)
    lost = await _change(firm, "anna", deal, stage_id=stages["Closed lost"].id)
    assert won.closed_at is not None
    assert lost.closed_at == won.closed_at
    assert (await _change(firm, "anna", deal, stage_id=stages["Proposal"].id)).closed_at is None
    closed = await _deal(firm, stage_id=stages["Closed won"].id)
    assert closed.closed_at == closed.created_at


@pytest.mark.parametrize("field, value", [("stage_id", 999), ("pipeline_id", 999)])
async def test_a_deal_is_made_only_where_there_is_a_stage(firm: Firm, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        await _deal(firm, **{field: value})
    assert refused.value.field == field


# Fields


@pytest.mark.parametrize(
    "field, value",
    [
        *(("title", title) for title in ("", "  ", "x" * 201, "\u202e\0", None)),
        *(
            ("amount", Decimal(amount))
            for amount in ("-1", "1000000000000", "0.001", "NaN", "sNaN", "Infinity", "1E+40")
        ),
        *(("currency", currency) for currency in ("", "rub", "RUBL", None, "₽₽₽")),
        *(("priority", priority) for priority in ("", "urgent", None)),
        *((field, "x" * 201) for field in ("type", "source", "next_step")),
    ],
)
async def test_a_value_that_can_not_be_kept_is_refused_by_the_name_of_the_field(
    firm: Firm, field: str, value: Any
) -> None:
    with pytest.raises(Invalid) as refused:
        await _deal(firm, **{field: value})
    assert refused.value.field == field
    deal = await _deal(firm)
    with pytest.raises(Invalid) as refused:
        await _change(firm, "anna", deal, **{field: value})
    assert refused.value.field == field
    assert await get_deal(firm.database, firm.person("anna"), deal.id) == deal


@pytest.mark.parametrize("key", ["version", "id", "closed_at", "created_at", "pipeline_id", "nonsense"])
async def test_what_is_no_field_of_a_person_can_not_be_set(firm: Firm, key: str) -> None:
    deal = await _deal(firm)
    with pytest.raises(Invalid) as refused:
        await change_deal(firm.database, firm.person("sveta"), deal.id, {key: 1}, None, firm.tick())
    assert refused.value.field == key


@pytest.mark.parametrize("amount", ["0", "0.01", "0.1", "1234.5", "999999999999.99", "1E+3", "19.90"])
async def test_amounts_are_exact(firm: Firm, amount: str) -> None:
    deal = await _deal(firm, amount=Decimal(amount))
    assert deal.amount == Decimal(amount)
    assert (await _change(firm, "anna", deal, amount=None)).amount is None


async def test_a_change_is_all_or_nothing_and_is_told_with_what_was(firm: Firm) -> None:
    deal = await _deal(firm)
    with pytest.raises(Invalid):
        await _change(firm, "anna", deal, title="Doors", stage_id=999)
    changed = await _change(firm, "anna", deal, title=" Doors\n\u202e", amount=Decimal("10.50"), next_step="Call")
    assert (changed.title, changed.amount, changed.next_step, changed.version) == ("Doors", Decimal("10.5"), "Call", 2)
    assert firm.heard(events.DealMoved) == []
    async with firm.database.read() as connection:
        entry = (await timeline.of_deal(connection, deal.id)).items[0]
    assert entry.data == {"title": ["Windows", "Doors"], "amount": [None, "10.50"], "next_step": [None, "Call"]}


async def test_a_note_is_kept_with_its_lines_and_bounded(firm: Firm) -> None:
    deal = await _deal(firm)
    anna = firm.person("anna")
    await add_deal_note(firm.database, anna, deal.id, " First\r\n<b>second</b>\0\u202e ", firm.tick())
    async with firm.database.read() as connection:
        entry = (await timeline.of_deal(connection, deal.id)).items[0]
    assert (entry.kind, entry.text, entry.author_name) == ("note", "First\n<b>second</b>", "Anna Ivanova")
    assert firm.heard(events.NoteWritten)[-1].people == firm.viewer_ids("anna")
    for text in ("", " \n ", "\0", "x" * 10_001):
        with pytest.raises(Invalid):
            await add_deal_note(firm.database, anna, deal.id, text, firm.tick())


async def test_a_deal_shows_the_first_number_of_its_contact(firm: Firm) -> None:
    anna = firm.person("anna")
    phones = [NewPhone("8 903 111-22-33"), NewPhone("89165556677")]
    contact = await create_contact(firm.database, anna, name="Ivan", phones=phones, region="RU", at=firm.tick())
    assert (await _deal(firm, contact_id=contact.id)).phone == "+79031112233"
