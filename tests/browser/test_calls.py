"""A call on the screen, in real browsers: from the first ring to the wrap-up."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Route, expect

from tests.browser.conftest import Opened
from tests.browser.people import contact_of, deal_of, person
from tests.browser.seed import ring
from tests.browser.site import REGION, Site
from tests.pipeline.firm import until
from zeoncrm.pipeline.backfill import CallsTold, Filled
from zeoncrm.pipeline.bus import KEPT
from zeoncrm.pipeline.call_events import (
    CallEnded,
    CallEvent,
    CallIdentified,
    CallMerged,
    CallResult,
    CallStarted,
    Direction,
    LegAnswered,
    LegEnded,
    LegOutcome,
    LegRang,
    OutsideDialled,
    OutsideRang,
    Source,
)
from zeoncrm.pipeline.calls import Call, CallState, Leg
from zeoncrm.pipeline.contacts import change_contact
from zeoncrm.pipeline.events import CallBackChanged
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.people import Role, add_person, change_person, give_extension
from zeoncrm.store.timeline import call_note

NUMBER = "+79031112233"
# A tab that nobody looks at, whose person has allowed notifications.
HIDDEN = """
    Object.defineProperty(document, "hidden", { value: true });
    window.Notification = class {
        static permission = "granted";
        constructor(title) { document.body.dataset.told = title }
        close() {}
    };
    null;
"""


async def rung(site: Site, *extensions: str, number: str = NUMBER, name: str | None = None) -> str:
    """It rings at these extensions; the call's id."""
    call_id = new_call_id(datetime.now(UTC))
    await ring(site, call_id, number, list(extensions), name=name)
    return call_id


async def answered(site: Site, call_id: str, extension: str, *others: str) -> None:
    """One extension answers, the others stop ringing."""
    now = datetime.now(UTC)
    gone = (
        LegEnded(call_id=call_id, at=now, extension=other, outcome=LegOutcome.ANSWERED_ELSEWHERE) for other in others
    )
    events: list[CallEvent] = [LegAnswered(call_id=call_id, at=now, extension=extension), *gone]
    await site.happened(*events)


async def ended(site: Site, call_id: str, result: CallResult = CallResult.ANSWERED) -> None:
    """It is over."""
    await site.happened(CallEnded(call_id=call_id, at=datetime.now(UTC), result=result))


async def test_the_card_is_there_while_the_phone_rings_on_whatever_page(site: Site, opened: Opened) -> None:
    contact = await contact_of(site, "anna", "Ivan Petrov", NUMBER, company="Stroy LLC")
    await deal_of(site, "anna", "Windows, 40 m²", contact_id=contact.id)
    anna, boris = await opened("anna"), await opened("boris")
    await anna.goto(f"{site.address}/contacts")
    await rung(site, "101")
    shown = anna.locator(".panel[data-view=ringing]")
    await expect(shown).to_contain_text("Ivan Petrov")
    await expect(shown).to_contain_text("Stroy LLC")
    await expect(shown).to_contain_text("8 (903) 111-22-33")
    await expect(shown).to_contain_text("8 (495) 215-00-00")
    await expect(shown).to_contain_text("Windows, 40 m²")
    await expect(shown.get_by_label("Stage")).to_have_value("1")
    await expect(shown.locator("[data-slot=others]")).to_be_hidden()
    await expect(anna).to_have_title("● Ivan Petrov — Contacts · zeoncrm")
    await expect(boris.locator(".panel")).to_have_count(0)


async def test_what_becomes_known_of_a_caller_later_stands_on_the_card(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    title = await anna.title()
    call_id = await rung(site, "101")
    panel = anna.locator(".panel")
    await expect(panel.locator(".panel-name")).to_have_text("8 (903) 111-22-33")
    await expect(panel.get_by_role("button", name="Create deal")).to_be_visible()
    await site.happened(CallIdentified(call_id=call_id, at=datetime.now(UTC), caller_name="Olga"))
    await expect(panel.locator(".panel-name")).to_have_text("Olga")
    await expect(panel).to_have_accessible_name("Call to Olga")
    await expect(anna).to_have_title(f"● Olga — {title}")


async def test_it_goes_where_another_answered_and_becomes_the_call_at_the_answerer(site: Site, opened: Opened) -> None:
    anna, boris = await opened("anna"), await opened("boris")
    call_id = await rung(site, "101", "102", name="Olga")
    await expect(anna.locator(".panel[data-view=ringing]")).to_contain_text("Olga")
    await expect(boris.locator(".panel[data-view=ringing]")).to_contain_text("Olga")
    await expect(anna.locator(".panel[data-view=ringing]")).to_contain_text("Rings also: Boris Volkov")
    await answered(site, call_id, "102", "101")
    await expect(anna.locator(".panel[data-view=gone]")).to_contain_text("Boris Volkov answered")
    await expect(anna.locator(".panel")).to_have_count(0)
    talking = boris.locator(".panel[data-view=talking]")
    await expect(talking.locator("time[data-as=timer]")).to_have_text(re.compile(r"0:0\d"))
    # The answered call has made a deal, and its card says that it is talked about.
    await expect(boris.locator(".card")).to_contain_text("talking")
    async with boris.expect_response("**/hangup"):
        await talking.get_by_role("button", name="Hang up").click()
    assert site.phone.orders[-1][:2] == ("hang up", call_id)


async def test_a_note_saves_itself_and_the_wrap_up_stays_until_it_is_done(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    call_id = await rung(site, "101", name="Olga")
    await answered(site, call_id, "101")
    talking = anna.locator(".panel[data-view=talking]")
    await talking.get_by_label("Note").fill("Asks for a discount")
    await expect(talking.get_by_role("status")).to_have_text("Saved")
    await ended(site, call_id)
    wrapup = anna.locator(".panel[data-view=wrapup]")
    await expect(wrapup.get_by_label("Note")).to_have_value("Asks for a discount")
    await wrapup.get_by_label("Next step").fill("Send the offer")
    await wrapup.get_by_role("button", name="Tomorrow").click()
    await wrapup.get_by_label("Stage").select_option(label="Proposal")
    await expect(anna.locator(".column[data-name=Proposal] .card")).to_contain_text("Send the offer")
    await anna.reload()
    await expect(wrapup.get_by_label("Next step")).to_have_value("Send the offer")
    await expect(wrapup.get_by_label("Note")).to_have_value("Asks for a discount")
    await wrapup.get_by_role("button", name="Done").click()
    await expect(anna.locator(".panel")).to_have_count(0)
    await anna.reload()
    await anna.wait_for_timeout(300)
    await expect(anna.locator(".panel")).to_have_count(0)


async def test_done_waits_until_what_was_written_last_is_kept(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    call_id = await rung(site, "101", name="Olga")
    await answered(site, call_id, "101")
    await ended(site, call_id)
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold_back(route: Route) -> None:
        asked.set()
        await go_on.wait()
        await route.fulfill(status=422, json={"detail": "too long"})

    await anna.route("**/note", hold_back)
    panel = anna.locator(".panel[data-view=wrapup]")
    await panel.get_by_label("Note").fill("Asks for a discount")
    # Leaving the field saves it already.
    await panel.get_by_role("button", name="Done").click()
    await asked.wait()
    go_on.set()
    await expect(panel.get_by_role("alert")).to_contain_text("too long")


async def test_the_tabs_of_one_person_stay_in_step(site: Site, opened: Opened) -> None:
    first = await opened("anna")
    second = await first.context.new_page()
    await second.goto(f"{site.address}/calls")
    await rung(site, "101", name="Olga")
    for tab in (first, second):
        await expect(tab.locator(".panel[data-view=ringing]")).to_contain_text("Olga")
    await first.locator(".panel").get_by_role("button", name="Close").click()
    for tab in (first, second):
        await expect(tab.locator(".panel")).to_have_count(0)


async def test_the_card_stays_while_one_of_two_phones_rings_and_goes_when_both_stop(site: Site, opened: Opened) -> None:
    await add_person(
        site.database, login="dina", name="Dina", role=Role.REP, password_hash=None, extensions=["201", "99201"],
        outside=[], region=REGION, at=datetime.now(UTC),
    )  # fmt: skip
    await site.refresh()
    dina = await opened("dina")
    call_id = await rung(site, "201", "99201", name="Olga")
    await expect(dina.locator(".panel[data-view=ringing]")).to_contain_text("Olga")
    await stopped(site, call_id, "99201")
    await site.happened(CallIdentified(call_id=call_id, at=datetime.now(UTC), caller_name="Olga Petrova"))
    await expect(dina.locator(".panel[data-view=ringing]")).to_contain_text("Olga")
    await stopped(site, call_id, "201")
    # The caller is on the line still: a queue may let it ring here again.
    await expect(dina.locator(".panel[data-view=gone]")).to_contain_text("It stopped ringing here")
    await expect(dina.locator(".panel")).to_have_count(0)
    await site.happened(LegRang(call_id=call_id, at=datetime.now(UTC), extension="201"))
    await expect(dina.locator(".panel[data-view=ringing]")).to_contain_text("Olga")


async def stopped(site: Site, call_id: str, extension: str) -> None:
    """A phone stops ringing."""
    now = datetime.now(UTC)
    await site.happened(LegEnded(call_id=call_id, at=now, extension=extension, outcome=LegOutcome.NO_ANSWER))


async def test_a_card_comes_and_goes_with_the_extension(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    await give_extension(site.database, person(site, "anna").id, "105")
    await site.refresh()
    await rung(site, "105", name="Olga")
    await expect(anna.locator(".panel[data-view=ringing]")).to_contain_text("Olga")
    await change_person(
        site.database, person(site, "anna").id, name="Anna Orlova", role=Role.REP, active=True, extensions=["101"],
        outside=[], region=REGION,
    )  # fmt: skip
    await site.refresh()
    await expect(anna.locator(".panel")).to_have_count(0)


async def test_several_calls_stack_and_the_focus_stays_where_one_types(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    await anna.locator("#board-search").focus()
    await rung(site, "101", name="Olga")
    await expect(anna.locator(".panel")).to_have_count(1)
    await rung(site, "101", number="+79031112234", name="Pavel")
    await expect(anna.locator(".panel")).to_have_count(2)
    await expect(anna.locator(".panel").first).to_contain_text("Pavel")
    await expect(anna.locator(".panel").last).to_have_class("panel small")
    await expect(anna.locator(".panel").last).to_contain_text("Olga")
    await anna.keyboard.type("win")
    await expect(anna.locator("#board-search")).to_have_value("win")


async def test_of_many_calls_at_once_four_are_shown_and_the_others_counted(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    calls = [await rung(site, "101", number=f"+7903111220{place}", name=f"Caller {place}") for place in range(6)]
    shown, more = anna.locator(".panel:visible"), anna.locator("#popups-more")
    await expect(shown).to_have_count(4)
    await expect(shown.first).to_contain_text("Caller 5")
    await expect(more).to_have_text("and 2 more")
    await answered(site, calls[0], "101")
    await expect(anna.locator(".panel[data-view=talking]:not(.small)")).to_contain_text("Caller 0")
    await expect(shown).to_have_count(4)
    for call_id in calls[4:]:
        await ended(site, call_id, CallResult.MISSED)
    await expect(more).to_be_hidden()


async def test_a_deal_is_made_from_a_ringing_call(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    await rung(site, "101", name="Olga")
    await anna.locator(".panel").get_by_role("button", name="Create deal").click()
    dialog = anna.get_by_role("dialog", name="New deal")
    await dialog.get_by_label("What it is about").fill("Balcony")
    await dialog.get_by_label("Amount, ₽").fill("86 000")
    await dialog.get_by_role("button", name="Create deal").click()
    await expect(anna.locator(".drawer")).to_contain_text("Olga")
    await expect(anna.locator(".column[data-kind=unsorted] .card")).to_contain_text("Balcony")
    await expect(anna.locator(".column[data-kind=unsorted] .card")).to_contain_text("86\u202f000\u202f₽")
    await expect(anna.locator(".panel .panel-deal")).to_contain_text("Balcony")


async def test_one_click_on_a_number_calls_and_shows_each_step(site: Site, opened: Opened) -> None:
    contact = await contact_of(site, "anna", "Ivan Petrov", NUMBER)
    anna = await opened("anna")
    await anna.goto(f"{site.address}/contacts/{contact.id}")
    await anna.get_by_role("button", name="Call 8 (903) 111-22-33").dblclick()
    dialling = anna.locator(".panel[data-view=dialling]")
    await expect(dialling.locator("[aria-current=step]")).to_have_text("Your phone rings: pick it up")
    await until(lambda: bool(site.phone.orders))
    assert [order[0::2][:2] for order in site.phone.orders] == [("call", "101")]
    call_id = site.phone.orders[0][1]
    now = datetime.now(UTC)
    await site.happened(LegRang(call_id=call_id, at=now, extension="101"))
    await site.happened(OutsideDialled(call_id=call_id, at=now, extension="101"))
    await expect(dialling.locator("[aria-current=step]")).to_have_text("Calling the number")
    await site.happened(OutsideRang(call_id=call_id, at=now))
    await expect(dialling.locator("[aria-current=step]")).to_have_text("It rings there")
    await ended(site, call_id, CallResult.BUSY)
    wrapup = anna.locator(".panel[data-view=wrapup]")
    await expect(wrapup.locator(".panel-state")).to_contain_text("Busy")
    await expect(wrapup.get_by_role("button", name="Call again")).to_be_visible()


async def test_a_late_answer_of_the_api_does_not_turn_a_call_back(site: Site, opened: Opened) -> None:
    contact = await contact_of(site, "anna", "Ivan Petrov", NUMBER)
    anna = await opened("anna")
    await anna.goto(f"{site.address}/contacts/{contact.id}")
    told = asyncio.Event()

    async def hold_back(route: Route) -> None:
        answer = await route.fetch()
        await told.wait()
        await route.fulfill(response=answer)

    await anna.route("**/api/v1/calls", hold_back)
    await anna.get_by_role("button", name="Call 8 (903) 111-22-33").click()
    await expect(anna.locator(".panel[data-view=dialling]")).to_be_visible()
    await until(lambda: bool(site.phone.orders))
    await answered(site, site.phone.orders[0][1], "101")
    talking = anna.locator(".panel[data-view=talking]")
    await expect(talking).to_be_visible()
    async with anna.expect_response("**/api/v1/calls"):
        told.set()
    await anna.evaluate("() => new Promise(requestAnimationFrame)")
    await expect(talking).to_be_visible()


async def test_a_call_is_refused_at_once_when_the_pbx_is_away(site: Site, opened: Opened) -> None:
    contact = await contact_of(site, "anna", "Ivan Petrov", NUMBER)
    anna = await opened("anna")
    await anna.goto(f"{site.address}/contacts/{contact.id}")
    site.connect_pbx(False)
    await expect(anna.locator("#pbx-lamp")).to_contain_text("No PBX")
    await anna.get_by_role("button", name="Call 8 (903) 111-22-33").click()
    await expect(anna.locator(".toast")).to_have_text("No call: the telephone system is not connected")
    assert site.phone.orders == []


async def test_whether_it_still_rings_is_unknown_while_the_pbx_is_away(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    title = await anna.title()
    talked = await rung(site, "101", number="+79031112234", name="Pavel")
    await answered(site, talked, "101")
    call_id = await rung(site, "101", name="Olga")
    await expect(anna).to_have_title(f"● Olga — {title}")
    site.connect_pbx(False)
    unknown = anna.locator(".panel[data-view=unknown]")
    await expect(unknown.locator(".panel-state")).to_have_text("No PBX", use_inner_text=True)
    await expect(unknown).to_contain_text("Olga")
    await expect(anna).to_have_title(title)
    await expect(anna.locator(".panel[data-view=talking]")).to_have_count(1)
    await anna.reload()
    await expect(unknown).to_contain_text("Olga")
    site.connect_pbx(True)
    await expect(anna.locator(".panel[data-view=ringing]")).to_contain_text("Olga")
    await expect(anna).to_have_title(f"● Olga — {title}")
    site.connect_pbx(False)
    await expect(unknown).to_be_visible()
    await ended(site, call_id, CallResult.MISSED)
    await expect(unknown).to_have_count(0)


async def test_a_call_is_handed_to_a_colleague(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    call_id = await rung(site, "101", name="Olga")
    await answered(site, call_id, "101")
    talking = anna.locator(".panel[data-view=talking]")
    await talking.get_by_role("button", name="Transfer").click()
    await talking.get_by_label("Transfer to").fill("102")
    async with anna.expect_response("**/transfer"):
        await talking.get_by_role("button", name="Ask first").click()
    assert site.phone.orders[-1] == ("transfer", call_id, "101", "102", True)


async def test_a_hidden_tab_tells_of_a_call_once_it_was_allowed(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    await anna.evaluate(HIDDEN)
    await rung(site, "101", name="Olga")
    await expect(anna.locator("body")).to_have_attribute("data-told", "Ringing: Olga")


async def test_a_second_ring_of_a_call_is_told_of_as_well(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    call_id = await rung(site, "101", name="Olga")
    await expect(anna.locator(".panel[data-view=ringing]")).to_be_visible()
    await stopped(site, call_id, "101")
    await expect(anna.locator(".panel[data-view=gone]")).to_be_visible()
    await anna.evaluate(HIDDEN)
    await site.happened(LegRang(call_id=call_id, at=datetime.now(UTC), extension="101"))
    await expect(anna.locator("body")).to_have_attribute("data-told", "Ringing: Olga")


async def test_a_call_can_be_used_while_a_dialog_is_open(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    await anna.get_by_role("button", name="New deal").first.click()
    dialog = anna.get_by_role("dialog", name="New deal")
    await dialog.get_by_label("What it is about").fill("Bal")
    await rung(site, "101", name="Olga")
    await expect(anna.locator(".panel")).to_contain_text("Olga")
    await expect(dialog.get_by_label("What it is about")).to_be_focused()
    await anna.locator(".panel").get_by_role("button", name="Close").click()
    await expect(anna.locator(".panel")).to_have_count(0)
    await anna.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_calls_of_the_pbxs_records_pop_up_for_nobody(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    now = datetime.now(UTC)
    call = Call(
        id="",
        pbx="main",
        direction=Direction.INBOUND,
        started_at=now - timedelta(hours=2),
        answered_at=now - timedelta(hours=2),
        ended_at=now - timedelta(hours=1),
        state=CallState.ENDED,
        source=Source.BACKFILLED,
        number=NUMBER,
        result=CallResult.ANSWERED,
        answered_by="101",
        last_extension="101",
        linkedids=frozenset({"1795399208.1"}),
        legs=(Leg("101", now - timedelta(hours=2), now - timedelta(hours=2), now, LegOutcome.ANSWERED),),
    )
    filled = await site.recorder.fill_in(CallsTold(call_id="", at=now, pbx="main", calls=(call,), mark={}))
    assert filled == Filled(made=1)
    # What is told after it is seen after it.
    await rung(site, "101", number="+79031112234", name="Pavel")
    await expect(anna.locator(".panel[data-view=ringing]")).to_contain_text("Pavel")
    await expect(anna.locator(".panel")).to_have_count(1)


async def hang_over(site: Site, call_id: str, extension: str, other: str) -> None:
    """Who talks hands the call to another, who answers."""
    now = datetime.now(UTC)
    await site.happened(
        LegEnded(call_id=call_id, at=now, extension=extension, outcome=LegOutcome.ANSWERED),
        LegAnswered(call_id=call_id, at=now, extension=other),
    )


async def test_a_call_that_comes_back_to_whoever_was_done_with_it_is_shown_again(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    other = await anna.context.new_page()
    await other.goto(f"{site.address}/calls")
    panels = (anna.locator(".panel"), other.locator(".panel"))
    call_id = await rung(site, "101", name="Olga")
    await answered(site, call_id, "101")
    await hang_over(site, call_id, "101", "102")
    await anna.locator(".panel[data-view=wrapup]").get_by_role("button", name="Done").click()
    for panel in panels:
        await expect(panel).to_have_count(0)
    await site.happened(LegRang(call_id=call_id, at=datetime.now(UTC), extension="101"))
    for panel in panels:
        await expect(panel).to_have_attribute("data-view", "ringing")
    await hang_over(site, call_id, "102", "101")
    for panel in panels:
        await expect(panel).to_have_attribute("data-view", "talking")
    await ended(site, call_id)
    for panel in panels:
        await expect(panel).to_have_attribute("data-view", "wrapup")
    await anna.locator(".panel").get_by_role("button", name="Done").click()
    for panel in panels:
        await expect(panel).to_have_count(0)


async def test_what_is_written_of_a_call_that_turns_out_to_be_part_of_another_goes_on_there(
    site: Site, opened: Opened
) -> None:
    anna = await opened("anna")
    one = await rung(site, "101", name="Olga")
    await answered(site, one, "101")
    note = anna.locator(".panel").get_by_label("Note")
    await note.fill("Asks for a discount")
    await expect(anna.locator(".panel").get_by_role("status")).to_have_text("Saved")
    now, two = datetime.now(UTC), new_call_id(datetime.now(UTC))
    await site.happened(
        CallStarted(
            call_id=two, at=now, pbx="main", linkedid=f"{now.timestamp()}",
            direction=Direction.OUTBOUND, number="+79035556677",
        ),
        LegRang(call_id=two, at=now, extension="101"),
        LegAnswered(call_id=two, at=now, extension="101"),
    )  # fmt: skip
    await expect(anna.locator(".panel")).to_have_count(2)
    await note.first.focus()
    await anna.keyboard.type("Ivan measures")
    await site.happened(CallMerged(call_id=two, at=datetime.now(UTC), into=one))
    await expect(anna.locator(".panel")).to_have_count(1)
    await anna.keyboard.type(" soon")
    await expect(note).to_have_value("Asks for a discount\nIvan measures soon")
    await ended(site, one)
    await expect(anna.locator(".panel[data-view=wrapup]")).to_have_count(1)
    await anna.locator(".panel").get_by_role("button", name="Done").click()
    await expect(anna.locator(".panel")).to_have_count(0)
    async with site.database.read() as connection:
        kept = await call_note(connection, one, person(site, "anna").id)
    assert kept == "Asks for a discount\nIvan measures soon"


async def test_a_panel_closed_while_one_talked_is_there_again_when_the_call_comes_back(
    site: Site, opened: Opened
) -> None:
    anna = await opened("anna")
    panel = anna.locator(".panel")
    call_id = await rung(site, "101", name="Olga")
    await answered(site, call_id, "101")
    await expect(panel).to_have_attribute("data-view", "talking")
    await panel.get_by_role("button", name="Close").click()
    await expect(panel).to_have_count(0)
    await hang_over(site, call_id, "101", "102")
    await expect(panel).to_have_attribute("data-view", "wrapup")
    await site.happened(LegRang(call_id=call_id, at=datetime.now(UTC), extension="101"))
    await expect(panel).to_have_attribute("data-view", "ringing")
    await hang_over(site, call_id, "102", "101")
    await expect(panel).to_have_attribute("data-view", "talking")


async def test_a_panel_closed_while_it_rang_is_there_again_with_the_next_ring(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    panel = anna.locator(".panel")
    call_id = await rung(site, "101", name="Olga")
    await panel.get_by_role("button", name="Close").click()
    await expect(panel).to_have_count(0)
    await stopped(site, call_id, "101")
    await site.happened(LegRang(call_id=call_id, at=datetime.now(UTC), extension="101"))
    await expect(panel).to_have_attribute("data-view", "ringing")


async def test_nothing_of_a_callers_name_stays_in_the_title(site: Site, opened: Opened) -> None:
    anna = await opened("anna")
    title = await anna.title()
    call_id = await rung(site, "101", name="Olga — ● from — Stroy")
    await expect(anna).to_have_title(f"● Olga — ● from — Stroy — {title}")
    await ended(site, call_id, CallResult.MISSED)
    await expect(anna).to_have_title(title)


async def test_what_is_written_while_the_server_is_away_is_kept_and_saved_when_it_is_back(
    site: Site, opened: Opened
) -> None:
    contact = await contact_of(site, "anna", "Ivan Petrov", NUMBER)
    deal = await deal_of(site, "anna", "Windows", contact_id=contact.id)
    anna = await opened("anna")
    call_id = await rung(site, "101")
    await answered(site, call_id, "101")
    await ended(site, call_id)
    panel = anna.locator(".panel[data-view=wrapup]")
    await expect(panel).to_contain_text("Windows")
    await anna.goto(f"{site.address}/deals/{deal.id}")
    await expect(panel.get_by_label("Next step")).to_be_visible()
    await anna.context.set_offline(True)
    await panel.get_by_label("Note").fill("Asks for a discount")
    await panel.get_by_label("Next step").fill("Send the offer")
    await panel.get_by_role("button", name="Done").click()
    await expect(panel.get_by_role("alert")).to_contain_text("the server can't be reached")
    source = anna.locator(".record").get_by_label("Source")
    await source.fill("Exhibition")
    await source.press("Tab")
    await expect(source).to_have_attribute("aria-invalid", "true")
    await anna.context.set_offline(False)
    await expect(source).not_to_have_attribute("aria-invalid", "true")
    await expect(panel.get_by_role("alert")).to_be_hidden()
    await expect(anna.locator(".record").get_by_label("Next step")).to_have_value("Send the offer")
    await anna.reload()
    await expect(source).to_have_value("Exhibition")
    await expect(panel.get_by_label("Note")).to_have_value("Asks for a discount")
    await expect(panel.get_by_label("Next step")).to_have_value("Send the offer")


async def test_a_card_that_could_not_be_had_or_grew_old_is_fetched_when_the_server_is_back(
    site: Site, opened: Opened
) -> None:
    contact = await contact_of(site, "anna", "Ivan Petrov", NUMBER)
    await deal_of(site, "anna", "Windows", contact_id=contact.id)
    anna = await opened("anna")
    await anna.route("**/card", lambda route: route.abort())
    async with anna.expect_event("requestfailed"):
        await rung(site, "101")
    await anna.unroute("**/card")
    panel = anna.locator(".panel")
    await anna.context.set_offline(True)
    await expect(panel.locator(".panel-deal")).to_have_count(0)
    await anna.context.set_offline(False)
    await expect(panel.locator(".panel-deal")).to_contain_text("Windows")
    await anna.context.set_offline(True)
    # More than is kept for those who come back.
    now, renamed = datetime.now(UTC), {"name": "Ivan Sidorov"}
    await change_contact(site.database, person(site, "anna"), contact.id, renamed, None, region=REGION, at=now)
    site.bus.publish([CallBackChanged(people=frozenset())] * (KEPT + 1))
    await anna.context.set_offline(False)
    await expect(panel.locator(".panel-name")).to_have_text("Ivan Sidorov")


async def test_the_panel_that_one_works_in_stays_on_the_screen_of_a_laptop(site: Site, opened: Opened) -> None:
    contact = await contact_of(site, "anna", "Ivan Petrov", NUMBER)
    await deal_of(site, "anna", "Windows", contact_id=contact.id)
    anna = await opened("anna")
    await anna.set_viewport_size({"width": 1366, "height": 520})
    for _ in range(3):
        call_id = await rung(site, "101")
        await answered(site, call_id, "101")
        await ended(site, call_id)
    panel = anna.locator(".panel[data-view=wrapup]:not(.small)")
    await panel.get_by_label("Note").fill("Asks for a discount")
    await rung(site, "101", number="+79031112234", name="Pavel")
    ringing = anna.locator(".panel[data-view=ringing]")
    create = ringing.get_by_role("button", name="Create deal")
    await expect(create).to_be_visible()  # its card has come: what is above it moves no more
    for button in (panel.get_by_role("button", name="Done"), create):
        await button.scroll_into_view_if_needed()
        await expect(button).to_be_in_viewport(ratio=1)
    await expect(panel.get_by_label("Note")).to_be_focused()
