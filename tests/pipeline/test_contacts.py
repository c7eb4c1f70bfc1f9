"""Contacts: rights, numbers and whose call a number is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipeline.firm import IVAN, Firm
from zeoncrm.pipeline import events
from zeoncrm.pipeline.contacts import (
    NewPhone,
    add_contact_note,
    change_contact,
    create_contact,
    find_contacts,
    get_contact,
)
from zeoncrm.pipeline.deals import NewDeal, create_deal
from zeoncrm.pipeline.errors import Invalid, NotFound, Stale
from zeoncrm.store import timeline
from zeoncrm.store.contacts import ContactRow, PhoneRow
from zeoncrm.store.paging import BadCursor


async def _contact(firm: Firm, login: str = "anna", name: str = "Ivan", *numbers: str, **more: Any) -> ContactRow:
    return await create_contact(
        firm.database,
        firm.person(login),
        name=name,
        phones=[NewPhone(number) for number in numbers],
        region="RU",
        at=firm.tick(),
        **more,
    )


async def _change(
    firm: Firm, login: str, contact: ContactRow, version: int | None = None, **changes: Any
) -> ContactRow:
    return await change_contact(
        firm.database, firm.person(login), contact.id, changes, version, region="RU", at=firm.tick()
    )


async def _found(firm: Firm, login: str = "sveta", **wanted: Any) -> list[str]:
    page = await find_contacts(firm.database, firm.person(login), region="RU", **wanted)
    return [contact.name for contact in page.items]


async def test_numbers_are_read_once_and_kept_beside_what_was_written(firm: Firm) -> None:
    contact = await _contact(firm, "anna", "Ivan", "8 903 111-22-33", "101", "+7 903 1112233")
    assert contact.phones == (PhoneRow(IVAN, "+7 903 1112233"), PhoneRow(None, "101"))
    for written in ("8 (903) 111-22-33", "79031112233", IVAN):
        assert await _found(firm, phone=written) == ["Ivan"]


@pytest.mark.parametrize("number", ["", "abc", "8 903 111-22-3a", "1" * 65, "sip:1@x", "\u202e"])
async def test_what_is_no_number_is_refused_by_the_name_of_the_field(firm: Firm, number: str) -> None:
    with pytest.raises(Invalid) as refused:
        await _contact(firm, "anna", "Ivan", number)
    assert refused.value.field == "phones"
    with pytest.raises(Invalid):
        await _contact(firm, "anna", "Ivan", *(f"890311122{number:02}" for number in range(21)))


@pytest.mark.parametrize("name", ["", " \n", "x" * 201, "\u202e\0"])
async def test_a_contact_has_a_name(firm: Firm, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        await _contact(firm, "anna", name)
    assert refused.value.field == "name"


async def test_a_rep_sees_and_changes_nothing_of_a_colleagues(firm: Firm) -> None:
    theirs = await _contact(firm, "boris", "Olga", IVAN)
    anna = firm.person("anna")
    with pytest.raises(NotFound):
        await get_contact(firm.database, anna, theirs.id)
    with pytest.raises(NotFound):
        await _change(firm, "anna", theirs, name="Mine")
    with pytest.raises(NotFound):
        await add_contact_note(firm.database, anna, theirs.id, "Hello", firm.tick())
    assert (
        await _found(firm, "anna")
        == await _found(firm, "anna", phone=IVAN)
        == await _found(firm, "anna", query="olga")
        == []
    )
    assert await _found(firm, "sveta", query="olga") == ["Olga"]
    assert {event.people for event in firm.heard(events.ContactChanged)} == {firm.viewer_ids("boris")}


async def test_a_rep_sees_the_contact_of_their_deal(firm: Firm) -> None:
    theirs = await _contact(firm, "boris", "Olga", IVAN)
    sveta = firm.person("sveta")
    new = NewDeal(title="Windows", contact_id=theirs.id, owner_id=firm.person("anna").id)
    await create_deal(firm.database, sveta, new, firm.tick())
    assert (await get_contact(firm.database, firm.person("anna"), theirs.id)).name == "Olga"
    assert await _found(firm, "anna", query="olga") == ["Olga"]
    changed = await _change(firm, "anna", theirs, name="Olga P.")
    assert firm.heard(events.ContactChanged)[-1].people == firm.viewer_ids("anna", "boris")
    assert changed.version == theirs.version + 1


async def test_only_a_supervisor_gives_a_contact_to_somebody_else(firm: Firm) -> None:
    contact = await _contact(firm)
    boris = firm.person("boris").id
    with pytest.raises(Invalid) as refused:
        await _change(firm, "anna", contact, owner_id=boris)
    assert refused.value.field == "owner"
    assert (await _change(firm, "sveta", contact, owner_id=boris)).owner == "boris"
    assert (await _contact(firm, "anna", "Petr", owner_id=boris)).owner == "anna"
    assert (await _contact(firm, "sveta", "Petr", owner_id=boris)).owner == "boris"


async def test_a_stale_change_changes_nothing_and_gives_what_is_true(firm: Firm) -> None:
    contact = await _contact(firm)
    changed = await _change(firm, "anna", contact, contact.version, name="Ivan Petrov")
    with pytest.raises(Stale) as refused:
        await _change(firm, "anna", contact, contact.version, name="Petr")
    assert refused.value.current == changed


async def test_a_field_that_is_none_can_not_be_set(firm: Firm) -> None:
    with pytest.raises(Invalid) as refused:
        await _change(firm, "anna", await _contact(firm), version=5, id=7)
    assert refused.value.field == "id"


async def test_companies_of_one_name_are_one_however_it_is_written(firm: Firm) -> None:
    one = await _contact(firm, company=" Стекло  и Ко ")
    two = await _contact(firm, "anna", "Petr", company="СТЕКЛО И КО")
    assert (one.company_id, one.company) == (two.company_id, "Стекло и Ко")
    assert (await _change(firm, "anna", two, company="")).company is None
    assert (await _change(firm, "anna", two, company_id=one.company_id)).company == "Стекло и Ко"
    for bad in ({"company": "x" * 201}, {"company_id": 999}):
        with pytest.raises(Invalid):
            await _change(firm, "anna", two, **bad)
    await _contact(firm, "anna", "Petr", company="ΐ" * 200)


# Whose call a number is


async def test_a_shared_number_calls_for_whoever_has_had_it_longest(firm: Firm) -> None:
    first = await _contact(firm, "anna", "Ivan", IVAN)
    await _contact(firm, "boris", "Olga", IVAN)
    call = await firm.answered_call()
    assert call.values["contact_id"] == first.id
    assert await _found(firm, phone=IVAN) == ["Olga", "Ivan"]


async def test_a_number_that_is_taken_away_calls_for_the_next_who_has_it(firm: Firm) -> None:
    first = await _contact(firm, "anna", "Ivan", IVAN)
    second = await _contact(firm, "boris", "Olga", IVAN)
    await _change(firm, "anna", first, phones=[NewPhone("89165556677")])
    assert (await firm.answered_call()).values["contact_id"] == second.id
    assert (await firm.answered_call(number="+79165556677")).values["contact_id"] == first.id
    assert len(await firm.contacts()) == 2


async def test_a_number_that_is_kept_while_others_change_stays_whose_it_was(firm: Firm) -> None:
    first = await _contact(firm, "anna", "Ivan", IVAN)
    await _contact(firm, "boris", "Olga", IVAN)
    await _change(firm, "anna", first, phones=[NewPhone("89165556677"), NewPhone("8 903 111 22 33", "mobile")])
    assert (await firm.answered_call()).values["contact_id"] == first.id


async def test_a_number_that_nobody_has_any_more_is_a_strangers(firm: Firm) -> None:
    first = await _contact(firm, "anna", "Ivan", IVAN)
    await _change(firm, "anna", first, phones=[])
    assert (await firm.answered_call("102")).values["contact_id"] not in (None, first.id)


# Searches and pages


@pytest.mark.parametrize(
    "query, found",
    [
        ("ПЕТР", ["Пётр Ёлкин"]),
        ("елкин", ["Пётр Ёлкин"]),
        ("8 903 111", ["Пётр Ёлкин"]),
        ("1112233", ["Пётр Ёлкин"]),
        ("%", []),
        ("_", []),
        ("\0", []),
        ("\ud800", []),
    ],
)
async def test_a_search_finds_names_and_numbers(firm: Firm, query: str, found: list[str]) -> None:
    await _contact(firm, "anna", "Пётр Ёлкин", "89031112233")
    await _contact(firm, "anna", "Olga", "89165556677")
    assert await _found(firm, "anna", query=query) == found


async def test_a_search_follows_changes(firm: Firm) -> None:
    contact = await _contact(firm, "anna", "Ivan", IVAN)
    await _change(firm, "anna", contact, name="Petr", phones=[NewPhone("89165556677")])
    assert await _found(firm, query="ivan") == await _found(firm, query="1112233") == []
    assert await _found(firm, query="petr 5556677") == ["Petr"]


async def test_pages_have_each_contact_once_while_others_come(firm: Firm) -> None:
    for number in range(7):
        await _contact(firm, "anna", f"Ivan {number}")
    seen: list[str] = []
    cursor = None
    while True:
        page = await find_contacts(firm.database, firm.person("anna"), region="RU", limit=3, cursor=cursor)
        seen += [contact.name for contact in page.items]
        cursor = page.next
        if cursor is None:
            break
        await _contact(firm, "anna", "Came meanwhile")
    assert seen == [f"Ivan {number}" for number in reversed(range(7))]
    with pytest.raises(BadCursor):
        await find_contacts(firm.database, firm.person("anna"), region="RU", cursor="nonsense")


async def test_a_note_stands_on_the_contacts_timeline(firm: Firm) -> None:
    contact = await _contact(firm)
    await add_contact_note(firm.database, firm.person("anna"), contact.id, "Likes tea", firm.tick())
    async with firm.database.read() as connection:
        entries = (await timeline.of_contact(connection, contact.id, [])).items
    assert [(entry.kind, entry.text) for entry in entries] == [("note", "Likes tea"), ("created", None)]
