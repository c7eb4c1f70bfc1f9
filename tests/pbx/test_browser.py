"""The whole way: a call on a real PBX is a card in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import chromium
from tests.patience import PATIENCE
from tests.pbx.daemon import PASSWORD, SUPERVISOR, Daemon
from tests.pbx.lab import Lab
from tests.real import need

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", ["22"], indirect=True),
    pytest.mark.leaks_allowed("the browser of these tests"),
]

CALLER, SHOWN = "79032229001", "8 (903) 222-90-01"


@pytest_asyncio.fixture(loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, for one test: nobody else's open pages take its time."""
    need("browser")
    async with chromium() as started:
        yield started


async def _log_in(browser: Browser, daemon: Daemon, login: str) -> Page:
    """The person's board, by the log-in page."""
    context = await browser.new_context(locale="en-GB", timezone_id="Europe/Moscow", reduced_motion="reduce")
    page = await context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    await page.goto(f"{daemon.address}/board")
    await page.fill("input[name=login]", login)
    await page.fill("input[name=password]", PASSWORD)
    await page.press("input[name=password]", "Enter")
    await expect(page.get_by_role("heading", name="Unsorted")).to_be_visible()
    await page.wait_for_load_state("load")  # until its scripts are there, a number is a plain tel: link
    return page


async def test_a_call_is_a_card_while_it_rings_and_a_deal_when_it_is_answered(
    lab: Lab, daemon: Daemon, browser: Browser
) -> None:
    called, other = await _log_in(browser, daemon, "rep101"), await _log_in(browser, daemon, "rep102")

    await lab.call_in(CALLER, did="4952150101", name="Ivan")
    ringing = called.locator(".panel[data-view=ringing]")
    await expect(ringing).to_contain_text("Ivan")
    await expect(ringing).to_contain_text(SHOWN)
    await expect(other.locator(".panel")).to_have_count(0)

    await lab.answer("101")
    await lab.talk("101", CALLER)
    await expect(called.locator(".panel[data-view=talking]")).to_contain_text("Ivan")
    await expect(called.locator(".card", has_text="Ivan")).to_be_visible()

    await lab.hang_up(CALLER)
    await expect(called.locator(".panel[data-view=wrapup]")).to_contain_text("Ivan")
    await expect(other.locator(".panel, .card", has_text="Ivan")).to_have_count(0)


async def test_the_live_panel_shows_who_waits_and_empties_itself_while_the_pbx_is_away(
    lab: Lab, daemon: Daemon, browser: Browser
) -> None:
    page = await _log_in(browser, daemon, SUPERVISOR)
    await page.goto(f"{daemon.address}/live")
    waiting, calls = page.locator(".live-queue .live-row"), page.locator("[data-list=calls] .live-row")
    people = page.locator("[data-list=people] .live-row")
    await expect(people.filter(has_text="Rep104")).to_contain_text("Free")

    await lab.call_in(CALLER, did="4952150104", name="Ivan")
    await lab.answer("104")
    await lab.talk("104", CALLER)
    await lab.call_in("79032229005", did="4952150001")
    await expect(calls.filter(has_text="Ivan")).to_contain_text("Rep104")
    await expect(people.filter(has_text="Rep104")).to_contain_text("Talking")
    await expect(people.filter(has_text="Rep102")).to_contain_text("Ringing")
    await expect(waiting).to_contain_text("8 (903) 222-90-05")

    await lab.pbx.stop()
    await expect(page.locator("#live-away")).to_contain_text("Not connected to main")
    await expect(calls).to_have_count(0)
    await expect(page.locator(".live-queue")).to_have_count(0)
    await expect(people.filter(has_text="Rep104")).to_contain_text("Unknown")

    await lab.restart_pbx()
    await expect(page.locator("#live-away")).to_be_empty()
    await expect(people.filter(has_text="Rep104")).to_contain_text("Free")
    await expect(calls).to_have_count(0)
    await expect(waiting).to_have_count(0)


async def test_a_rep_asks_a_colleague_from_the_panel_and_connects_them(
    lab: Lab, daemon: Daemon, browser: Browser
) -> None:
    page = await _log_in(browser, daemon, "rep101")
    await lab.call_in(CALLER, did="4952150101", name="Ivan")
    await lab.answer("101")
    panel = page.locator(".panel[data-view=talking]")
    await panel.get_by_role("button", name="Transfer").click()
    await page.keyboard.type("rep103")
    await expect(page.locator(".picker-option")).to_contain_text("Free")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(panel).to_contain_text("Calling Rep103")
    await lab.answer("103")
    await expect(panel).to_contain_text("You talk with Rep103")
    await panel.get_by_role("button", name="Connect them").click()
    await lab.talk("103", CALLER)
    await expect(page.locator(".panel[data-view=wrapup]")).to_contain_text("Ivan")
    await lab.hang_up(CALLER)


async def test_a_click_on_a_number_rings_the_rep_s_phone_and_then_the_number(
    lab: Lab, daemon: Daemon, browser: Browser
) -> None:
    number = "79037779002"
    rep = daemon.as_("rep103")
    contact = await rep.ask("POST", "/contacts", 201, json={"name": "Olga", "phones": [{"number": number}]})
    await rep.ask("POST", "/deals", 201, json={"title": "Windows", "contact_id": contact["id"]})
    page = await _log_in(browser, daemon, "rep103")

    card = page.locator(".card", has_text="Windows")
    await card.hover()
    await card.get_by_role("button", name="Call").click()
    await lab.answer("103")
    await lab.answer(number)
    await lab.talk("103", number)
    await expect(page.locator(".panel[data-view=talking]")).to_contain_text("Olga")
    await lab.hang_up("103")
    await expect(page.locator(".panel[data-view=wrapup]")).to_contain_text("Olga")


async def test_a_call_that_a_colleague_hands_back_is_shown_again(lab: Lab, daemon: Daemon, browser: Browser) -> None:
    page = await _log_in(browser, daemon, "rep101")
    await lab.call_in(CALLER, did="4952150101", name="Ivan")
    await lab.answer("101")
    await lab.talk("101", CALLER)
    await lab.refer("101", "103")
    await lab.answer("103")
    await lab.talk("103", CALLER)
    await page.locator(".panel[data-view=wrapup]").get_by_role("button", name="Done").click()
    await expect(page.locator(".panel")).to_have_count(0)

    await lab.refer("103", "101")
    await expect(page.locator(".panel[data-view=ringing]")).to_contain_text("Ivan")
    await lab.answer("101")
    await lab.talk("101", CALLER)
    await expect(page.locator(".panel[data-view=talking]")).to_contain_text("Ivan")
    await lab.hang_up(CALLER)
    await expect(page.locator(".panel[data-view=wrapup]")).to_contain_text("Ivan")


async def test_a_rep_is_told_that_the_colleague_who_was_asked_is_busy(
    lab: Lab, daemon: Daemon, browser: Browser
) -> None:
    page = await _log_in(browser, daemon, "rep101")
    await lab.behave("103", "busy")
    await lab.call_in(CALLER, did="4952150101", name="Ivan")
    await lab.answer("101")
    panel = page.locator(".panel[data-view=talking]")
    await panel.get_by_role("button", name="Transfer").click()
    await page.keyboard.type("103")
    await panel.get_by_role("button", name="Ask first").click()
    await expect(panel.get_by_role("alert")).to_have_text("Rep103 did not take the call")
    await lab.talk("101", CALLER)
    await expect(panel.get_by_role("button", name="Hang up")).to_be_visible()
    await lab.hang_up(CALLER)
