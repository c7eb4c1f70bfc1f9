"""Rules for incoming calls at work: what becomes of calls, live and told in one batch alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from tests.pipeline.firm import IVAN, Firm
from tests.pipeline.test_backfill import fill_in, told
from zeoncrm.pipeline.call_events import CallEvent, CallQueued, CallResult, CallStarted, Source
from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.contacts import NewPhone, create_contact
from zeoncrm.pipeline.errors import Forbidden, Invalid, NotFound
from zeoncrm.pipeline.events import SettingsChanged
from zeoncrm.pipeline.incoming import (
    add_rule,
    change_rule,
    find_listed,
    list_caller,
    list_number,
    list_rules,
    load_incoming,
    order_rules,
    remove_rule,
    try_call,
    unlist_number,
)
from zeoncrm.pipeline.settings import DealCreation
from zeoncrm.store import people, stages
from zeoncrm.store.deals import DealRow

PETR = "+79035556677"


async def _rule(firm: Firm, name: str = "a rule", **values: Any) -> int:
    """A new rule behind the others, in force at once."""
    rule = await add_rule(firm.database, firm.person("sveta"), {"name": name, **values})
    firm.incoming = await load_incoming(firm.database)
    return rule.id


async def _list(firm: Firm, number: str, listing: Screening) -> None:
    viewer = firm.person("sveta")
    await list_number(firm.database, viewer, number=number, listing=listing, note="", region="RU", at=firm.tick())
    firm.incoming = await load_incoming(firm.database)


async def _pipeline(firm: Firm, name: str) -> int:
    async with firm.database.write() as tx:
        return await stages.add_pipeline(tx, name, [("New ones", "unsorted"), ("Done", "won")])


async def _deal(firm: Firm) -> DealRow:
    (deal,) = await firm.deals()
    return deal


async def _away(firm: Firm, login: str, **values: bool) -> None:
    async with firm.database.write() as tx:
        await people.change(tx, firm.person(login).id, **values)
    await firm.open()


# What a rule decides


async def test_the_deal_stands_in_unsorted_of_the_rules_pipeline_with_its_source(firm: Firm) -> None:
    service = await _pipeline(firm, "Service")
    await _rule(firm, "Service line", dids=["4952150000"], pipeline_id=service, source="Billboard")
    call = await firm.answered_call(did="+74952150000")
    deal = await _deal(firm)
    assert (deal.pipeline_id, deal.stage, deal.source, deal.owner) == (service, "New ones", "Billboard", "anna")
    assert (call.values["rule"], call.values["screened"]) == ("Service line", None)


async def test_a_call_that_no_rule_fits_goes_where_it_always_went(firm: Firm) -> None:
    await _rule(firm, dids=["4952150001"], source="Billboard", create_deals="never")
    call = await firm.answered_call(did="4952150000")
    assert ((await _deal(firm)).source, call.values["rule"]) == ("call", None)


async def test_a_rule_whose_pipeline_is_gone_uses_the_default_one(firm: Firm) -> None:
    service = await _pipeline(firm, "Service")
    await _rule(firm, pipeline_id=service)
    async with firm.database.write() as tx:
        await tx.connection.execute(sa.text(f"DELETE FROM pipelines WHERE id = {service}"))
    await firm.answered_call()
    assert (await _deal(firm)).pipeline_id != service


@pytest.mark.parametrize("everywhere", [DealCreation.ANSWERED, DealCreation.NEVER])
async def test_a_rule_makes_a_deal_of_every_call_whatever_is_set_for_all(firm: Firm, everywhere: DealCreation) -> None:
    firm.set(everywhere)
    await _rule(firm, create_deals="inbound")
    call = await firm.missed_call()
    assert call.values["deal_id"] == (await _deal(firm)).id
    assert [contact.phones[0].number for contact in await firm.contacts()] == [IVAN]


async def test_a_rule_makes_no_deal_though_all_others_do(firm: Firm) -> None:
    firm.set(DealCreation.INBOUND)
    await _rule(firm, create_deals="never")
    await firm.answered_call()
    assert await firm.deals() == []


async def test_the_contact_that_a_call_makes_does_not_make_its_caller_known(firm: Firm) -> None:
    await _rule(firm, "strangers", callers="unknown", create_deals="inbound", source="New")
    await _rule(firm, "regulars", callers="known", source="Old")
    first = await firm.answered_call()
    again = await firm.answered_call()
    assert (first.values["rule"], again.values["rule"]) == ("strangers", "regulars")
    assert (await _deal(firm)).source == "New"


async def test_the_queue_decides_though_it_is_reached_after_the_start(firm: Firm) -> None:
    service = await _pipeline(firm, "Service")
    await _rule(firm, "service", queues=["service"], pipeline_id=service, create_deals="inbound")
    await _rule(firm, "the rest", create_deals="inbound")
    call = firm.inbound()
    await firm.record(call)
    assert await firm.deals() == []
    await firm.record(CallQueued(call_id=call.call_id, at=firm.tick(), queue="service"))
    assert (await _deal(firm)).pipeline_id == service
    assert firm.view(call).call.rule == "service"


async def test_a_call_that_reaches_no_queue_falls_under_the_next_rule_at_its_end(firm: Firm) -> None:
    await _rule(firm, "service", queues=["service"])
    await _rule(firm, "the rest", create_deals="inbound", source="Rest")
    call = await firm.missed_call()
    assert ((await _deal(firm)).source, call.values["rule"]) == ("Rest", "the rest")


async def test_an_outgoing_call_falls_under_no_rule(firm: Firm) -> None:
    firm.set(on_outbound=True)
    await _rule(firm, source="Incoming")
    call = firm.outbound()
    await firm.record(call, firm.dialled(call, "101"), firm.answered(call, "101"), firm.ended(call))
    assert ((await _deal(firm)).source, (await firm.call(call)).values["rule"]) == ("call", None)


@pytest.mark.parametrize("at_once", [True, False], ids=["one batch", "event by event"])
async def test_calls_of_the_past_are_decided_by_their_own_time(firm: Firm, at_once: bool) -> None:
    firm.settings = firm.settings.model_copy(update={"time_zone": "Europe/Moscow"})
    noon = firm.now.astimezone(firm.settings.zone)
    hour = noon.hour * 60
    await _rule(firm, "that hour", begins=hour, ends=hour + 60, create_deals="inbound", source="Then")
    await _rule(firm, "later", create_deals="inbound", source="Now")
    call = replace(firm.inbound(), source=Source.BACKFILLED)
    events: list[CallEvent] = [call, firm.rang(call, "101"), firm.missed(call)]
    firm.tick(7200)
    if at_once:
        await firm.record(*events)
    else:
        for event in events:
            await firm.record(event)
    assert ((await firm.call(call)).values["rule"], (await _deal(firm)).source) == ("that hour", "Then")


async def test_calls_of_the_pbxs_records_fall_under_the_same_rules(firm: Firm) -> None:
    group = [firm.person(login).id for login in ("boris", "anna")]
    await _list(firm, PETR, Screening.IGNORED)
    await _rule(firm, "missed", missed_owner="group", group=group, create_deals="inbound", source="Records")
    calls = [told(firm, None, f"+7903111220{number}", linkedids=frozenset({f"1.{number}"})) for number in range(3)]
    await fill_in(firm, *calls, told(firm, None, PETR, linkedids=frozenset({"1.9"})))
    rows = await firm.calls()
    assert [(row.values["rule"], row.values["screened"], row.owner) for row in rows] == [
        ("missed", None, "boris"),
        ("missed", None, "anna"),
        ("missed", None, "boris"),
        (None, "ignored", None),
    ]
    assert [(deal.owner, deal.source) for deal in await firm.deals()] == [
        ("boris", "Records"),
        ("anna", "Records"),
        ("boris", "Records"),
    ]


# Whose a missed call is


async def test_nobody_answered_and_a_person_is_named(firm: Firm) -> None:
    boris = firm.person("boris").id
    await _rule(firm, missed_owner="person", person_id=boris, create_deals="inbound")
    call = await firm.missed_call()
    assert (call.owner, (await _deal(firm)).owner) == ("boris", "boris")


async def test_a_deal_that_is_made_while_it_rings_is_theirs_who_answers(firm: Firm) -> None:
    boris = firm.person("boris").id
    await _rule(firm, missed_owner="person", person_id=boris, create_deals="inbound")
    call = await firm.answered_call("101")
    assert (call.owner, (await _deal(firm)).owner) == ("anna", "anna")


async def test_a_missed_call_without_a_deal_is_given_too(firm: Firm) -> None:
    await _rule(firm, missed_owner="person", person_id=firm.person("boris").id)
    assert (await firm.missed_call()).owner == "boris"
    assert await firm.deals() == []


async def test_a_caller_with_a_deal_stays_with_its_owner(firm: Firm) -> None:
    await firm.answered_call("101")
    await _rule(firm, missed_owner="person", person_id=firm.person("boris").id)
    call = await firm.missed_call()
    assert (call.owner, (await _deal(firm)).owner) == ("anna", "anna")


async def test_a_person_who_is_gone_gets_nothing(firm: Firm) -> None:
    await _rule(firm, missed_owner="person", person_id=firm.person("boris").id)
    await _away(firm, "boris", active=False)
    assert (await firm.missed_call()).owner is None
    anna, phones = firm.person("anna"), [NewPhone(PETR)]
    await create_contact(firm.database, anna, name="Petr", phones=phones, region="RU", at=firm.tick())
    assert (await firm.missed_call(PETR)).owner == "anna"


async def test_a_missed_call_is_not_given_to_a_responsible_who_is_gone(firm: Firm) -> None:
    await firm.answered_call("101")
    await create_contact(
        firm.database, firm.person("anna"), name="Petr", phones=[NewPhone(PETR)], region="RU", at=firm.tick()
    )
    await _away(firm, "anna", active=False)
    assert [(await firm.missed_call(number)).owner for number in (IVAN, PETR)] == [None, None]


async def _missed_owners(firm: Firm, count: int) -> list[str | None]:
    return [(await firm.missed_call(f"+7903111220{number}")).owner for number in range(count)]


async def test_a_group_takes_turns_and_remembers_them(firm: Firm) -> None:
    group = [firm.person(login).id for login in ("boris", "anna", "sveta")]
    rule = await _rule(firm, missed_owner="group", group=group)
    assert await _missed_owners(firm, 4) == ["boris", "anna", "sveta", "boris"]
    # A rule that is saved anew, and a daemon that is started again, go on where it was.
    await change_rule(firm.database, firm.person("sveta"), rule, {"group": group, "name": "another name"})
    firm.incoming = await load_incoming(firm.database)
    firm.recorder = firm.another_recorder(firm.database)
    assert await _missed_owners(firm, 2) == ["anna", "sveta"]


async def test_calls_of_one_batch_take_different_turns(firm: Firm) -> None:
    group = [firm.person(login).id for login in ("anna", "boris")]
    await _rule(firm, missed_owner="group", group=group, create_deals="inbound")
    calls = [firm.inbound(f"+7903111220{number}") for number in range(4)]
    await firm.record(*calls, *(firm.missed(call) for call in calls))
    assert [(await firm.call(call)).owner for call in calls] == ["anna", "boris", "anna", "boris"]
    assert [deal.owner for deal in await firm.deals()] == ["anna", "boris", "anna", "boris"]


async def test_who_is_away_is_passed_over_and_not_overwhelmed_afterwards(firm: Firm) -> None:
    group = [firm.person(login).id for login in ("anna", "boris", "sveta")]
    await _rule(firm, missed_owner="group", group=group)
    await _away(firm, "anna", away=True)
    assert await _missed_owners(firm, 4) == ["boris", "sveta", "boris", "sveta"]
    await _away(firm, "anna", away=False)
    assert await _missed_owners(firm, 4) == ["anna", "boris", "sveta", "anna"]


async def test_calls_are_given_out_at_night_too_when_everybody_is_away(firm: Firm) -> None:
    group = [firm.person(login).id for login in ("anna", "boris")]
    await _rule(firm, missed_owner="group", group=group)
    await _away(firm, "anna", away=True)
    await _away(firm, "boris", away=True)
    assert await _missed_owners(firm, 2) == ["anna", "boris"]
    await _away(firm, "anna", active=False)
    assert await _missed_owners(firm, 2) == ["boris", "boris"]


# Listed numbers


@pytest.mark.parametrize("listing", list(Screening))
async def test_a_listed_caller_is_kept_in_the_journal_and_makes_nothing(firm: Firm, listing: Screening) -> None:
    firm.set(DealCreation.INBOUND)
    await _list(firm, "+7 903 111*", listing)
    await _rule(firm, missed_owner="person", person_id=firm.person("boris").id)
    answered = await firm.answered_call("101")
    missed = await firm.missed_call()
    assert (await firm.contacts(), await firm.deals()) == ([], [])
    for call in (answered, missed):
        assert (call.values["screened"], call.values["rule"], call.values["deal_id"]) == (listing.value, None, None)
    assert (answered.owner, missed.owner) == ("anna", None)


async def test_a_listed_contact_is_left_alone(firm: Firm) -> None:
    await firm.answered_call("101")
    await _list(firm, IVAN, Screening.IGNORED)
    call = await firm.missed_call()
    assert (call.values["contact_id"], call.values["deal_id"], call.owner) == (None, None, None)


async def test_a_call_that_stands_on_its_deal_stays_there_when_the_number_is_listed(firm: Firm) -> None:
    call = firm.inbound()
    await firm.record(call, firm.answered(call, "101"))
    await _list(firm, IVAN, Screening.BLOCKED)
    await firm.record(firm.answered(call, "102"), firm.ended(call))
    row = await firm.call(call)
    assert (row.values["screened"], row.values["deal_id"]) == (None, (await _deal(firm)).id)


async def test_one_click_lists_the_caller_of_a_call_that_one_took_part_in(firm: Firm) -> None:
    call = await firm.missed_call(PETR)
    listed = await _list_caller(firm, "anna", call.values["id"])
    assert (listed.pattern, listed.listing, listed.added_by) == (PETR, "blocked", "Anna Ivanova")
    with pytest.raises(NotFound):
        await _list_caller(firm, "boris", call.values["id"])
    page = await find_listed(firm.database, firm.person("sveta"))
    assert [row.pattern for row in page.items] == [PETR]


async def test_nobody_hides_a_colleagues_customer(firm: Firm) -> None:
    await firm.answered_call("102")
    call = await firm.missed_call()
    with pytest.raises(Forbidden):
        await _list_caller(firm, "anna", call.values["id"])
    await _list_caller(firm, "sveta", call.values["id"])


@pytest.mark.parametrize("pattern", [PETR, "+7903555*"])
async def test_what_a_supervisor_listed_is_not_changed_by_a_rep(firm: Firm, pattern: str) -> None:
    call = await firm.missed_call(PETR)
    await _list(firm, pattern, Screening.IGNORED)
    with pytest.raises(Forbidden, match="listed already"):
        await _list_caller(firm, "anna", call.values["id"])
    page = await find_listed(firm.database, firm.person("sveta"))
    assert [(row.pattern, row.listing) for row in page.items] == [(pattern, "ignored")]
    assert (await _list_caller(firm, "sveta", call.values["id"])).listing == "blocked"


async def test_a_number_that_did_not_call_can_not_be_listed(firm: Firm) -> None:
    call = firm.outbound(PETR)
    await firm.record(call, firm.dialled(call, "101"), firm.ended(call, CallResult.NO_ANSWER))
    for login in ("anna", "sveta"):
        with pytest.raises(Invalid, match="incoming call") as refusal:
            await _list_caller(firm, login, call.call_id)
        assert refusal.value.field == "number"


async def test_a_withheld_number_can_not_be_listed(firm: Firm) -> None:
    call = await firm.missed_call(None)
    with pytest.raises(Invalid) as refusal:
        await _list_caller(firm, "anna", call.values["id"])
    assert refusal.value.field == "number"


async def test_a_caller_who_sends_a_star_does_not_get_all_others_listed(firm: Firm) -> None:
    call = firm.inbound(None, number_raw="+7*")
    await firm.record(call, firm.missed(call))
    with pytest.raises(Invalid) as refusal:
        await _list_caller(firm, "sveta", call.call_id)
    assert refusal.value.field == "number"


async def _list_caller(firm: Firm, login: str, call_id: str) -> Any:
    return await list_caller(firm.database, firm.person(login), call_id, Screening.BLOCKED, "spam", firm.tick())


async def test_a_number_is_on_one_list_and_can_be_taken_off(firm: Firm) -> None:
    sveta = firm.person("sveta")
    await _list(firm, IVAN, Screening.IGNORED)
    await _list(firm, "8 903 111 22 33", Screening.BLOCKED)
    (row,) = (await find_listed(firm.database, sveta)).items
    assert row.listing == "blocked"
    assert (await find_listed(firm.database, sveta, listing=Screening.IGNORED)).items == []
    await unlist_number(firm.database, sveta, row.id)
    with pytest.raises(NotFound):
        await unlist_number(firm.database, sveta, row.id)


# Changing them


async def test_rules_are_ordered_changed_and_removed(firm: Firm) -> None:
    sveta = firm.person("sveta")
    one, two, three = [await _rule(firm, name) for name in ("one", "two", "three")]
    await order_rules(firm.database, sveta, [three, one, two])
    await change_rule(firm.database, sveta, one, {"name": "uno", "weekdays": [5, 1]})
    await remove_rule(firm.database, sveta, two)
    rules = await list_rules(firm.database, sveta)
    assert [(rule.name, rule.weekdays) for rule in rules] == [("three", ()), ("uno", (1, 5))]
    assert len(firm.heard(SettingsChanged)) == 6
    with pytest.raises(Invalid):
        await order_rules(firm.database, sveta, [one])
    with pytest.raises(NotFound):
        await change_rule(firm.database, sveta, two, {"name": "gone"})


@pytest.mark.parametrize(
    "field, values",
    [
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 101}),
        ("pipeline_id", {"pipeline_id": 99}),
        ("person_id", {"missed_owner": "person"}),
        ("group", {"missed_owner": "group", "group": [99]}),
        ("group", {"missed_owner": "group"}),
        ("weekdays", {"weekdays": [0]}),
        ("begins", {"begins": 1440}),
        ("dids", {"dids": ["x" * 81]}),
        ("queues", {"queues": [str(number) for number in range(51)]}),
        ("callers", {"callers": "some"}),
        ("create_deals", {"create_deals": "often"}),
        ("missed_owner", {"missed_owner": "luck"}),
        ("position", {"position": 1}),
    ],
)
async def test_a_wrong_value_is_refused_by_its_name(firm: Firm, field: str, values: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        await add_rule(firm.database, firm.person("sveta"), {"name": "a rule", **values})
    assert refusal.value.field == field
    assert await list_rules(firm.database, firm.person("sveta")) == []


async def test_a_rep_decides_nothing_of_it(firm: Firm) -> None:
    anna, rules = firm.person("anna"), firm.recorder._rules()
    for refused in (
        list_rules(firm.database, anna),
        add_rule(firm.database, anna, {"name": "mine"}),
        remove_rule(firm.database, anna, 1),
        order_rules(firm.database, anna, []),
        find_listed(firm.database, anna),
        unlist_number(firm.database, anna, 1),
        try_call(firm.database, anna, rules, number=IVAN, did="", queue="", at=firm.now),
        list_number(firm.database, anna, number=IVAN, listing=Screening.IGNORED, note="", region="RU", at=firm.now),
    ):
        with pytest.raises(Forbidden):
            await refused


async def test_trying_says_what_would_become_of_a_call(firm: Firm) -> None:
    sveta = firm.person("sveta")
    await _rule(firm, "regulars", callers="known")
    await _rule(firm, "line two", dids=["4952150002"], create_deals="never")

    async def tried(number: str, did: str = "") -> tuple[Any, ...]:
        rules = firm.recorder._rules()
        found = await try_call(firm.database, sveta, rules, number=number, did=did, queue="", at=firm.now)
        return (found.listed and found.listed.listing, found.rule and found.rule.name, found.create_deals.value)

    assert await tried("8 903 111-22-33") == (None, None, "answered")
    assert await tried("8 903 111-22-33", "84952150002") == (None, "line two", "never")
    await firm.answered_call("101")
    assert await tried("8 903 111-22-33") == (None, "regulars", "answered")
    await _list(firm, "+7903*", Screening.BLOCKED)
    assert (await tried("8 903 111-22-33"))[0] == "blocked"


async def test_a_batch_reads_as_often_with_ten_calls_as_with_one(firm: Firm) -> None:
    group = [firm.person(login).id for login in ("anna", "boris")]
    await _rule(firm, missed_owner="group", group=group, create_deals="inbound", callers="unknown")
    await _rule(firm, dids=["4952150000"])
    assert await _reads(firm, [firm.inbound("+79031110000")]) == await _reads(
        firm, [firm.inbound(f"+7903111200{number}") for number in range(10)]
    )


async def _reads(firm: Firm, calls: list[CallStarted]) -> int:
    """How many SELECTs it takes to record that these calls came and were missed, in one batch."""
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().startswith("SELECT"):
            seen.append(statement)

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    try:
        await firm.record(*calls, *(firm.missed(call) for call in calls))
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)
    return len(seen)
