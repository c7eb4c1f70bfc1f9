"""People outside who are erased: nothing tells who they were, and nothing brings them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.pipeline.firm import IVAN, Firm
from tests.pipeline.test_backfill import fill_in, told
from tests.pipeline.test_recording_keeper import Tape
from zeoncrm.pipeline import events
from zeoncrm.pipeline.backfill import Filled
from zeoncrm.pipeline.call_events import CallEnded, CallResult
from zeoncrm.pipeline.contacts import NewPhone, add_contact_note, create_contact, find_contacts, get_contact
from zeoncrm.pipeline.deals import add_deal_note, move_deal
from zeoncrm.pipeline.erasure import erase_contact
from zeoncrm.pipeline.errors import Forbidden, NotFound, Unavailable
from zeoncrm.pipeline.people import Viewer
from zeoncrm.pipeline.stages import get_pipeline
from zeoncrm.store.tables import metadata

TITLE = "Erased contact"
DIGITS = IVAN.lstrip("+")


async def erase(firm: Firm, contact_id: int | None = None, by: str = "sveta") -> None:
    chosen = contact_id if contact_id is not None else (await firm.contacts())[0].id
    await erase_contact(firm.database, firm.person(by), chosen, title=TITLE, at=firm.tick())


async def everything(firm: Firm) -> str:
    """All that the database holds, as one text."""
    async with firm.database.read() as connection:
        tables: Sequence[Any] = [(await connection.execute(sa.select(table))).all() for table in metadata.sorted_tables]
    return repr(tables)


async def known_well(firm: Firm) -> int:
    """Ivan, who called, was missed, is on a deal that moved, and of whom much was written; his contact's id."""
    await firm.missed_call()
    call = await firm.answered_call("101", name="Ivan Secretive")
    anna: Viewer = firm.person("anna")
    (contact,), (deal,) = await firm.contacts(), await firm.deals()
    stages = (await get_pipeline(firm.database, None)).stages
    await move_deal(firm.database, anna, deal.id, stages[1].id, None, firm.tick())
    await add_deal_note(firm.database, anna, deal.id, "Ivan wants windows", firm.tick())
    await add_contact_note(firm.database, anna, contact.id, "Ivan has two cats", firm.tick())
    assert call.values["contact_id"] == contact.id
    return contact.id


async def test_nothing_tells_who_it_was_and_everything_is_still_counted(firm: Firm) -> None:
    await erase(firm, await known_well(firm))
    text = await everything(firm)
    assert [word for word in ("Secretive", DIGITS, "cats", "windows") if word.lower() in text.lower()] == []
    (deal,) = await firm.deals()
    assert (deal.title, deal.owner, deal.stage_kind, deal.contact_id) == (TITLE, "anna", "open", None)
    missed, answered = await firm.calls()
    assert [call.values["result"] for call in (missed, answered)] == ["missed", "answered"]
    assert [call.values["erased"] for call in (missed, answered)] == [True, True]
    assert (answered.owner, answered.values["answered_by"], answered.values["deal_id"]) == ("anna", "101", deal.id)


async def test_those_who_see_the_person_hear_of_it(firm: Firm) -> None:
    contact_id = await known_well(firm)
    await erase(firm, contact_id)
    (gone,) = firm.heard(events.ContactErased)
    assert (gone.contact_id, gone.people) == (contact_id, firm.viewer_ids("anna"))
    assert [event.deal.title for event in firm.heard(events.DealChanged)][-1] == TITLE
    with pytest.raises(NotFound):
        await get_contact(firm.database, firm.person("sveta"), contact_id)
    assert (await find_contacts(firm.database, firm.person("sveta"), region="RU")).items == []


async def test_the_next_call_from_the_number_is_a_strangers_with_another_id(firm: Firm) -> None:
    contact_id = await known_well(firm)
    await erase(firm, contact_id)
    await firm.answered_call("102")
    (contact,) = await firm.contacts()
    assert (contact.id > contact_id, contact.owner) == (True, "boris")
    assert len(await firm.deals()) == 2


async def test_records_of_before_bring_nobody_back(firm: Firm) -> None:
    late = told(firm, "102", linkedids=frozenset({"1795399208.77"}))
    unheard = firm.inbound(linkedid="1795399208.1")
    await firm.record(unheard, firm.rang(unheard, "101"), firm.answered(unheard, "101"))
    await firm.record(CallEnded(call_id=unheard.call_id, at=firm.tick(), result=CallResult.ANSWERED, provisional=True))
    await erase(firm)
    known = replace(late, started_at=unheard.at, linkedids=frozenset({"1795399208.1"}))
    assert await fill_in(firm, late, known) == Filled(made=1)
    assert DIGITS not in await everything(firm)
    assert (await firm.contacts(), len(await firm.deals())) == ([], 1)
    made = next(call for call in await firm.calls() if call.values["source"] == "backfilled")
    assert (made.values["result"], made.values["answered_by"], made.owner) == ("answered", "102", "boris")
    assert await fill_in(firm, late, known, mark=2) == Filled()


async def test_records_of_a_call_after_it_make_a_contact_as_ever(firm: Firm) -> None:
    await known_well(firm)
    await erase(firm)
    await fill_in(firm, told(firm, "102", linkedids=frozenset({"1795399208.99"})))
    (contact,) = await firm.contacts()
    assert contact.phones[0].number == IVAN


async def test_a_number_that_others_have_too_stays_theirs(firm: Firm) -> None:
    before = told(firm, "102", linkedids=frozenset({"1795399208.50"}))
    first = await known_well(firm)
    wife = await create_contact(
        firm.database, firm.person("anna"), name="Maria", phones=[NewPhone(IVAN)], region="RU", at=firm.tick()
    )
    await erase(firm, first)
    await firm.answered_call("101")
    await fill_in(firm, before)
    assert [contact.name for contact in await firm.contacts()] == ["Maria"]
    calls = [call for call in await firm.calls() if call.values["number"] == IVAN]
    assert [call.values["contact_id"] for call in calls if call.values["result"] == "answered"] == [wife.id, wife.id]


async def test_a_rep_erases_nobody(firm: Firm) -> None:
    contact_id = await known_well(firm)
    with pytest.raises(Forbidden):
        await erase(firm, contact_id, by="anna")
    with pytest.raises(NotFound):
        await erase(firm, contact_id, by="boris")
    assert len(await firm.contacts()) == 1


async def test_nobody_is_erased_while_a_call_with_them_goes_on(firm: Firm) -> None:
    contact_id = await known_well(firm)
    call = firm.inbound()
    await firm.record(call, firm.rang(call, "101"))
    with pytest.raises(Unavailable):
        await erase(firm, contact_id)
    await firm.record(firm.missed(call))
    await erase(firm, contact_id)
    assert DIGITS not in await everything(firm)


@pytest.mark.parametrize("delete", [True, False])
async def test_recordings_go_too_as_far_as_they_may_be_deleted(firm: Firm, tmp_path: Path, delete: bool) -> None:
    tape = Tape(firm, tmp_path)
    tape.keeper = tape.another_keeper(delete=delete)
    name = f"in-{DIGITS}.wav"
    call = await tape.recorded(file=name)
    tape.write(name)
    await tape.look()
    assert len(await tape.of(call)) == 1
    await tape.keeper.age()
    await erase(firm)
    assert await tape.of(call) == ()
    await tape.keeper.age()
    assert (tmp_path / name).exists() is not delete
    assert DIGITS not in await everything(firm)
    firm.tick(timedelta(hours=2).total_seconds())
    await tape.keeper.catch_up()
    await tape.look()
    assert await tape.of(call) == ()
