"""From a call to a deal, sentence by sentence."""

from __future__ import annotations

import asyncio

import pytest

from tests.databases import url_of
from tests.pipeline.firm import IVAN, Firm, running
from zeoncrm.pipeline import events
from zeoncrm.pipeline.call_events import AnsweredOutside, CallEvent, CallIdentified, CallRequested, CallResult
from zeoncrm.pipeline.contacts import NewPhone, create_contact
from zeoncrm.pipeline.deals import NewDeal, change_deal, create_deal, move_deal
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.settings import DealCreation
from zeoncrm.pipeline.stages import get_pipeline
from zeoncrm.store import timeline
from zeoncrm.store.database import Database
from zeoncrm.store.deals import DealRow
from zeoncrm.store.timeline import TimelineRow


async def _only_deal(firm: Firm) -> DealRow:
    (deal,) = await firm.deals()
    return deal


async def _history(firm: Firm, deal: DealRow) -> list[TimelineRow]:
    async with firm.database.read() as connection:
        return list((await timeline.of_deal(connection, deal.id)).items)


async def _close(firm: Firm, deal: DealRow, kind: str = "won") -> DealRow:
    pipeline = await get_pipeline(firm.database, None)
    stage = next(stage for stage in pipeline.stages if stage.kind == kind)
    return await move_deal(firm.database, firm.person("sveta"), deal.id, stage.id, None, firm.tick())


# Unknown callers


async def test_an_answered_stranger_becomes_a_contact_and_a_deal_in_unsorted_of_whoever_answered(firm: Firm) -> None:
    call = await firm.answered_call("101", name="Ivan Petrov")
    (contact,) = await firm.contacts()
    deal = await _only_deal(firm)
    assert (contact.name, contact.owner, [phone.number for phone in contact.phones]) == ("Ivan Petrov", "anna", [IVAN])
    assert (deal.stage_kind, deal.owner, deal.contact_id, deal.source) == ("unsorted", "anna", contact.id, "call")
    assert (deal.title, deal.amount, deal.currency) == ("Ivan Petrov", None, "RUB")
    assert (call.values["contact_id"], call.values["deal_id"], call.owner) == (contact.id, deal.id, "anna")


@pytest.mark.parametrize("name", [None, "79031112233", "+7 (903) 111-22-33", "  ", "\u202e\0"])
async def test_a_stranger_without_a_name_is_called_by_the_number(firm: Firm, name: str | None) -> None:
    await firm.answered_call(name=name)
    assert [contact.name for contact in await firm.contacts()] == ["8 (903) 111-22-33"]


async def test_the_first_to_answer_owns_the_deal_though_a_colleague_rang_and_another_talked_last(firm: Firm) -> None:
    call = firm.inbound()
    await firm.record(call, firm.rang(call, "101"), firm.rang(call, "102"))
    await firm.record(firm.answered(call, "102"))
    await firm.record(firm.answered(call, "101"), firm.ended(call))
    assert (await _only_deal(firm)).owner == "boris"
    row = await firm.call(call)
    assert (row.owner, row.values["answered_by"], row.values["last_extension"]) == ("boris", "102", "101")


async def test_a_second_extension_of_a_person_is_theirs_too(firm: Firm) -> None:
    await firm.answered_call("111")
    assert (await _only_deal(firm)).owner == "anna"


@pytest.mark.parametrize("answered_at", ["199", "outside"])
async def test_a_deal_has_no_owner_when_nobodys_extension_answered(firm: Firm, answered_at: str) -> None:
    call = firm.inbound()
    await firm.record(call)
    if answered_at == "outside":
        await firm.record(AnsweredOutside(call_id=call.call_id, at=firm.tick(), number="+79165556677"))
    else:
        await firm.record(firm.answered(call, answered_at))
    assert (await _only_deal(firm)).owner_id is None
    assert firm.heard(events.DealCreated)[0].people == frozenset()


async def test_nobodys_deal_and_contact_become_theirs_who_answers_the_next_call(firm: Firm) -> None:
    await firm.answered_call("199")
    await firm.answered_call("102")
    deal = await _only_deal(firm)
    assert (deal.owner, (await firm.contacts())[0].owner) == ("boris", "boris")
    assert [entry.data for entry in await _history(firm, deal) if entry.kind == "changed"] == [
        {"owner": [None, "Boris Petrov"]}
    ]
    assert firm.heard(events.DealChanged)[0].people == firm.viewer_ids("boris")


async def test_a_missed_stranger_becomes_nothing(firm: Firm) -> None:
    call = await firm.missed_call()
    assert (await firm.contacts(), await firm.deals()) == ([], [])
    assert (call.values["result"], call.values["contact_id"], call.owner) == ("missed", None, None)


async def test_a_contact_with_several_numbers_is_the_same_caller_at_each(firm: Firm) -> None:
    numbers = [NewPhone(IVAN), NewPhone("8 903 777-88-99", "work")]
    contact = await create_contact(
        firm.database, firm.person("anna"), name="Ivan", phones=numbers, region="RU", at=firm.tick()
    )
    first = await firm.answered_call("101")
    second = await firm.missed_call("+79037778899", "102")
    (deal,) = await firm.deals()

    assert {call.values["contact_id"] for call in (first, second)} == {contact.id}
    assert {call.values["deal_id"] for call in (first, second)} == {deal.id}


async def test_a_withheld_number_makes_a_deal_and_merges_nothing(firm: Firm) -> None:
    first = await firm.answered_call("101", None)
    second = await firm.answered_call("102", None)
    one, two = await firm.deals()
    assert await firm.contacts() == []
    assert (one.owner, two.owner, one.contact_id) == ("anna", "boris", None)
    assert (first.values["deal_id"], second.values["deal_id"]) == (one.id, two.id)


async def test_an_answered_withheld_call_that_is_passed_on_stays_on_its_one_deal(firm: Firm) -> None:
    call = firm.inbound(None)
    await firm.record(call, firm.answered(call, "101"))
    await firm.record(firm.answered(call, "102"))
    assert (await _only_deal(firm)).owner == "anna"


async def test_a_number_that_is_learnt_after_the_answer_completes_the_deal(firm: Firm) -> None:
    call = firm.inbound(None)
    await firm.record(call, firm.answered(call, "101"))
    await firm.record(CallIdentified(call_id=call.call_id, at=firm.tick(), number=IVAN, number_raw="79031112233"))
    (contact,) = await firm.contacts()
    assert (await _only_deal(firm)).contact_id == contact.id
    await firm.answered_call("102")
    assert len(await firm.deals()) == 1


@pytest.mark.parametrize("at_once", [True, False], ids=["one batch", "event by event"])
async def test_of_several_numbers_called_the_contact_and_deal_are_those_of_the_one_that_answered(
    firm: Firm, at_once: bool
) -> None:
    firm.set(on_outbound=True)
    viewer = firm.person("anna")
    for name, number in (("Ivan", IVAN), ("Petr", "+79037778899")):
        await create_contact(firm.database, viewer, name=name, phones=[NewPhone(number)], region="RU", at=firm.tick())
    call = firm.outbound()
    events: list[CallEvent] = [
        call,
        firm.dialled(call, "101"),
        CallIdentified(call_id=call.call_id, at=firm.tick(), number="+79037778899", number_raw="89037778899"),
        firm.answered(call, "101"),
        firm.ended(call),
    ]
    for batch in [events] if at_once else [[event] for event in events]:
        await firm.record(*batch)
    found = await firm.call(call)
    petr = next(contact for contact in await firm.contacts() if contact.name == "Petr")
    assert (found.values["number"], found.values["contact_id"], found.contact) == ("+79037778899", petr.id, "Petr")
    [deal] = await firm.deals()
    assert (deal.contact_id, found.values["deal_id"]) == (petr.id, deal.id)


async def test_a_stranger_who_answered_in_anothers_place_is_not_shown_as_that_one(firm: Firm) -> None:
    await create_contact(
        firm.database, firm.person("anna"), name="Ivan", phones=[NewPhone(IVAN)], region="RU", at=firm.tick()
    )
    call = firm.outbound()
    await firm.record(call, firm.dialled(call, "101"))
    assert firm.view(call).contact == "Ivan"
    await firm.record(CallIdentified(call_id=call.call_id, at=firm.tick(), number="+79037778899"))
    assert firm.view(call).contact == "8 (903) 777-88-99"


@pytest.mark.parametrize("by_click", [True, False])
async def test_a_missed_stranger_who_is_called_back_has_the_name_they_called_by_last(
    firm: Firm, by_click: bool
) -> None:
    for name in ("Petrov", "Ivan Petrov", None):
        await firm.missed_call(name=name)
    back: CallEvent = firm.outbound()
    if by_click:
        at = firm.tick()
        back = CallRequested(
            call_id=new_call_id(at),
            at=at,
            pbx="main",
            linkedid="click",
            number=IVAN,
            number_raw=IVAN,
            requested_by=firm.person("anna").id,
        )
    await firm.record(back)
    if not by_click:
        await firm.record(firm.dialled(back, "101"))
    assert firm.view(back).contact == "Ivan Petrov"
    assert [(contact.name, contact.owner) for contact in await firm.contacts()] == [("Ivan Petrov", "anna")]


async def test_who_called_and_is_called_back_in_one_batch_is_a_person_with_a_name_too(firm: Firm) -> None:
    call, back = firm.inbound(name="Ivan"), firm.outbound()
    await firm.record(call, firm.missed(call), back, firm.dialled(back, "101"))
    assert [contact.name for contact in await firm.contacts()] == ["Ivan"]


# Known callers


async def test_a_known_callers_call_goes_on_the_open_deal_whoever_answers(firm: Firm) -> None:
    await firm.answered_call("101")
    again = await firm.answered_call("102")
    deal = await _only_deal(firm)
    assert (deal.owner, again.values["deal_id"], again.owner) == ("anna", deal.id, "boris")
    assert len(await firm.contacts()) == 1


async def test_a_deal_that_a_person_made_is_an_open_deal_like_any_other(firm: Firm) -> None:
    anna = firm.person("anna")
    contact = await create_contact(
        firm.database, anna, name="Ivan", phones=[NewPhone("8 903 111-22-33")], region="RU", at=firm.tick()
    )
    made = await create_deal(firm.database, anna, NewDeal(title="Windows", contact_id=contact.id), firm.tick())
    call = await firm.answered_call("102")
    assert (call.values["deal_id"], len(await firm.deals())) == (made.id, 1)


@pytest.mark.parametrize("kind", ["won", "lost"])
async def test_a_known_caller_without_an_open_deal_gets_a_new_one(firm: Firm, kind: str) -> None:
    await firm.answered_call("101")
    await _close(firm, await _only_deal(firm), kind)
    await firm.answered_call("102")
    old, new = await firm.deals()
    assert (old.closed_at is None, new.stage_kind, new.owner) == (False, "unsorted", "boris")
    assert old.contact_id == new.contact_id


async def test_a_call_of_a_contact_whose_call_made_deal_was_given_to_another_contact_makes_a_new_one(
    firm: Firm,
) -> None:
    await firm.answered_call("101")
    sveta = firm.person("sveta")
    other = await create_contact(firm.database, sveta, name="Olga", phones=[], region="RU", at=firm.tick())
    deal = await _only_deal(firm)
    await change_deal(firm.database, sveta, deal.id, {"contact_id": other.id}, None, firm.tick())
    call = await firm.answered_call("102")
    assert call.values["deal_id"] not in (None, deal.id)


async def test_reopening_a_deal_whose_contact_has_a_newer_one_is_possible_and_calls_go_on_the_newer(firm: Firm) -> None:
    await firm.answered_call("101")
    first = await _close(firm, await _only_deal(firm))
    await firm.answered_call("101")
    reopened = await move_deal(
        firm.database, firm.person("anna"), first.id, first.stage_id - 1, first.version, firm.tick()
    )
    assert reopened.closed_at is None
    call = await firm.answered_call("101")
    assert call.values["deal_id"] == (await firm.deals())[1].id
    assert len(await firm.deals()) == 2


async def test_a_missed_call_of_a_known_caller_is_the_matter_of_the_deals_owner(firm: Firm) -> None:
    await firm.answered_call("101")
    call = await firm.missed_call(extension="102")
    deal = await _only_deal(firm)
    assert (call.values["deal_id"], call.owner, call.values["reached"]) == (deal.id, "anna", "ringing")
    assert firm.heard(events.CallEnded)[-1].people == firm.viewer_ids("anna", "boris")


async def test_a_missed_call_of_a_contact_without_a_deal_is_the_matter_of_the_contacts_owner(firm: Firm) -> None:
    await firm.answered_call("101")
    await _close(firm, await _only_deal(firm))
    call = await firm.missed_call(extension="102")
    assert (call.values["deal_id"], call.owner) == (None, "anna")


# Two at once


async def test_two_calls_of_a_stranger_in_one_batch_make_one_contact_and_one_deal(firm: Firm) -> None:
    one, two = firm.inbound(), firm.inbound()
    await firm.record(one, two, firm.answered(one, "101"), firm.answered(two, "102"))
    deal = await _only_deal(firm)
    assert (len(await firm.contacts()), deal.owner) == (1, "anna")
    assert [call.values["deal_id"] for call in await firm.calls()] == [deal.id, deal.id]


@pytest.mark.parametrize("known", [False, True], ids=["stranger", "contact without an open deal"])
async def test_two_processes_make_one_contact_and_one_deal_of_a_strangers_two_calls(firm: Firm, known: bool) -> None:
    if known:
        await firm.answered_call("101")
        await _close(firm, await _only_deal(firm))
    before = len(await firm.deals())
    other = Database(url_of(firm.database))
    recorders = [firm.recorder, firm.another_recorder(other)]
    calls = [firm.inbound(), firm.inbound()]
    for recorder, call, extension in zip(recorders, calls, ("101", "102"), strict=True):
        await recorder.record(call)
        await recorder.record(firm.answered(call, extension))
    await asyncio.gather(*(recorder.drain() for recorder in recorders))
    await other.close()
    rows = [await firm.call(call) for call in calls]
    assert len(await firm.contacts()) == 1
    assert len(await firm.deals()) == before + 1
    assert len({row.values["deal_id"] for row in rows}) == 1
    assert [row.owner for row in rows] == ["anna", "boris"]


# The setting


@pytest.mark.parametrize(
    "create, answered, deals, contacts",
    [
        (DealCreation.ANSWERED, True, 1, 1),
        (DealCreation.ANSWERED, False, 0, 0),
        (DealCreation.INBOUND, True, 1, 1),
        (DealCreation.INBOUND, False, 1, 1),
        (DealCreation.NEVER, True, 0, 1),
        (DealCreation.NEVER, False, 0, 0),
    ],
)
async def test_the_setting_says_which_inbound_calls_make_deals(
    firm: Firm, create: DealCreation, answered: bool, deals: int, contacts: int
) -> None:
    firm.set(create)
    await (firm.answered_call() if answered else firm.missed_call())
    assert (len(await firm.deals()), len(await firm.contacts())) == (deals, contacts)


async def test_what_was_made_while_it_rang_is_theirs_who_answered(firm: Firm) -> None:
    firm.set(DealCreation.INBOUND)
    call = firm.inbound()
    await firm.record(call)
    assert (await _only_deal(firm)).owner_id is None
    await firm.record(firm.answered(call, "102"))
    assert ((await _only_deal(firm)).owner, (await firm.contacts())[0].owner) == ("boris", "boris")


async def test_a_known_callers_missed_call_makes_a_deal_of_their_responsible_when_all_calls_do(firm: Firm) -> None:
    await firm.answered_call("101")
    await _close(firm, await _only_deal(firm))
    firm.set(DealCreation.INBOUND)
    await firm.missed_call(extension="102")
    assert [deal.owner for deal in await firm.deals()] == ["anna", "anna"]


# Outbound


async def test_an_outbound_call_to_a_known_contact_goes_on_their_open_deal(firm: Firm) -> None:
    await firm.answered_call("101")
    call = firm.outbound()
    await firm.record(call, firm.dialled(call, "102"), firm.ended(call, CallResult.NO_ANSWER))
    row = await firm.call(call)
    assert (row.values["deal_id"], row.owner) == ((await _only_deal(firm)).id, "boris")


@pytest.mark.parametrize("wanted", [False, True])
async def test_an_outbound_call_to_a_stranger_makes_the_contact_and_a_deal_only_when_wanted(
    firm: Firm, wanted: bool
) -> None:
    firm.set(on_outbound=wanted)
    call = firm.outbound()
    await firm.record(call, firm.dialled(call, "102"))
    (contact,) = await firm.contacts()
    assert (contact.owner, contact.name) == ("boris", "8 (903) 111-22-33")
    await firm.record(firm.answered(call, "102"), firm.ended(call))
    assert [deal.owner for deal in await firm.deals()] == (["boris"] if wanted else [])


async def test_outbound_calls_of_nobody_that_are_answered_make_one_contact_and_one_deal(firm: Firm) -> None:
    firm.set(on_outbound=True)
    for _ in range(2):
        call = firm.outbound()
        await firm.record(call, AnsweredOutside(call_id=call.call_id, at=firm.tick(), number="+79165556677"))
        await firm.record(firm.ended(call))
    (contact,) = await firm.contacts()
    deal = await _only_deal(firm)
    assert (deal.contact_id, deal.owner_id) == (contact.id, None)


async def test_a_click_on_a_number_makes_a_call_of_whoever_clicked_at_once(firm: Firm) -> None:
    boris = firm.person("boris")
    deal = await create_deal(firm.database, boris, NewDeal(title="Windows"), firm.tick())
    at = firm.tick()
    requested = CallRequested(
        call_id=new_call_id(at),
        at=at,
        pbx="main",
        linkedid="zeoncrm-1",
        number=IVAN,
        number_raw="8 903 111-22-33",
        requested_by=boris.id,
        deal_id=deal.id,
    )
    await firm.record(requested)
    view = firm.view(requested)
    assert (view.owner, view.call.direction, view.call.progress) == ("boris", "outbound", "own_phone")
    assert (view.call.deal_id, view.contact) == (deal.id, "8 (903) 111-22-33")
    await firm.record(
        firm.rang(requested, "102"),
        firm.dialled(requested, "102"),
        firm.answered(requested, "102"),
        firm.ended(requested),
    )
    row = await firm.call(requested)
    assert (row.owner, row.values["result"], row.values["deal_id"]) == ("boris", "answered", deal.id)
    assert len(await firm.deals()) == 1


# What is to be seen of it


async def test_a_call_stands_once_on_the_timeline_of_its_deal_and_contact(firm: Firm) -> None:
    call = await firm.answered_call("101")
    deal = await _only_deal(firm)
    entries = await _history(firm, deal)
    assert sorted(entry.kind for entry in entries) == ["call", "created"]
    (entry,) = [entry for entry in entries if entry.kind == "call"]
    assert (entry.call_id, entry.contact_id, entry.at) == (
        call.values["id"],
        deal.contact_id,
        call.values["started_at"],
    )


async def test_a_rep_hears_only_of_calls_that_concern_them(firm: Firm) -> None:
    call = firm.inbound()
    await firm.record(call)
    assert firm.heard(events.CallRang)[-1].people == frozenset()
    await firm.record(firm.rang(call, "101"))
    assert firm.heard(events.CallRang)[-1].people == firm.viewer_ids("anna")
    await firm.record(firm.answered(call, "101"), firm.ended(call))
    assert firm.heard(events.CallEnded)[-1].people == firm.viewer_ids("anna")
    again = firm.inbound()
    await firm.record(again, firm.rang(again, "102"))
    # Boris's phone rings, and Anna has the deal.
    assert firm.heard(events.CallRang)[-1].people == firm.viewer_ids("anna", "boris")
    assert firm.heard(events.DealCreated)[-1].people == firm.viewer_ids("anna")
    assert firm.heard(events.ContactChanged)[-1].people == firm.viewer_ids("anna")


async def test_the_deal_is_told_before_the_answer_that_refers_to_it(firm: Firm) -> None:
    call = firm.inbound()
    await firm.record(call, firm.rang(call, "101"), firm.answered(call, "101"))
    kinds = [type(event).__name__ for event in firm.published]
    assert kinds == ["CallRang", "ContactChanged", "DealCreated", "CallAnswered"]
    assert firm.heard(events.CallAnswered)[0].view.call.deal_id == firm.heard(events.DealCreated)[0].deal.id


async def test_two_processes_that_hear_of_many_calls_of_a_few_strangers_lose_and_double_nothing(firm: Firm) -> None:
    other = Database(url_of(firm.database))
    recorders = [firm.recorder, firm.another_recorder(other)]
    numbers = [f"+7903111220{last}" for last in range(4)]
    answers = []
    async with running(recorders[0]), running(recorders[1]):
        for index in range(60):
            recorder, call = recorders[index % 2], firm.inbound(numbers[index // 2 % len(numbers)])
            await recorder.record(call)
            await recorder.record(firm.rang(call, "101"))
            answers.append(asyncio.create_task(recorder.recorded(firm.answered(call, ("101", "102")[index % 2]))))
        views = await asyncio.gather(*answers)
    await other.close()
    assert None not in views
    assert sorted(phone.number or "" for contact in await firm.contacts() for phone in contact.phones) == numbers
    assert len(await firm.deals()) == len(numbers)
    calls = await firm.calls()
    assert (len(calls), {call.values["state"] for call in calls}) == (60, {"talking"})
    assert len({call.values["deal_id"] for call in calls}) == len(numbers)
