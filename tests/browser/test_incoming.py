"""Rules for incoming calls as a supervisor makes and orders them, and numbers put away by one click."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.async_api import Page, expect

from tests.browser.conftest import Opened
from tests.browser.people import contact_of
from tests.browser.seed import ring
from tests.browser.site import Site
from zeoncrm.pipeline.call_events import CallEnded, CallResult
from zeoncrm.pipeline.ids import new_call_id

STRANGER = "+79035556677"


async def _add(page: Page, name: str, **fields: str) -> None:
    """Make a rule by its form."""
    await page.get_by_role("link", name="Add a rule").click()
    await page.get_by_label("Name").fill(name)
    for label, value in fields.items():
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("link", name=name)).to_be_visible()


async def _rung(site: Site, extension: str) -> str:
    call_id = new_call_id(datetime.now(UTC))
    await ring(site, call_id, STRANGER, [extension])
    return call_id


async def test_a_rule_is_added_ordered_by_keyboard_and_tried(site: Site, opened: Opened) -> None:
    page = await opened("vera")
    await page.goto(f"{site.address}/settings/incoming")
    await _add(page, "Everybody")
    await _add(page, "Billboard", Queues="sales")
    await expect(page.locator(".rule .row-link")).to_have_text(["Everybody", "Billboard"])
    await page.get_by_role("button", name="“Billboard” one place up").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".rule .row-link")).to_have_text(["Billboard", "Everybody"])
    await page.get_by_label("Queue", exact=True).fill("SALES")
    await page.get_by_role("button", name="Try").click()
    await expect(page.locator(".tried")).to_contain_text("Billboard")
    await expect(page.locator(".rule-hit .row-link")).to_have_text("Billboard")


async def test_a_number_is_blocked_from_the_journal_and_rings_without_a_card(site: Site, opened: Opened) -> None:
    page = await opened("anna")
    await page.goto(f"{site.address}/calls")
    call = await _rung(site, "101")
    panel = page.locator(".panel")
    await expect(panel).to_be_visible()
    await site.happened(CallEnded(call_id=call, at=datetime.now(UTC), result=CallResult.MISSED))
    await expect(panel).to_have_count(0)
    await page.get_by_label("What to do with this number").first.click()
    await page.get_by_role("button", name="Block it as spam").click()
    await expect(page.locator(".toast-good")).to_be_visible()
    await site.refresh()
    await _rung(site, "101")
    await expect(page.get_by_text("Blocked")).to_be_visible()
    await expect(panel).to_have_count(0)


async def test_a_stranger_is_ignored_from_the_card_while_it_rings(site: Site, opened: Opened) -> None:
    page = await opened("anna")
    await _rung(site, "101")
    await page.locator(".panel [data-list-as=ignored]").click()
    await expect(page.locator(".toast-good")).to_be_visible()
    await site.refresh()
    assert site.incoming.screening(STRANGER, None) == "ignored"


async def test_a_star_marks_a_contact_as_important_and_their_call_shows_it(site: Site, opened: Opened) -> None:
    contact = await contact_of(site, "anna", "Ivan Petrov", STRANGER)
    page = await opened("anna")
    await page.goto(f"{site.address}/contacts/{contact.id}")
    await page.locator("[data-toggle-vip]").click()
    await expect(page.locator("[data-toggle-vip][aria-pressed=true]")).to_be_visible()
    await _rung(site, "101")
    await expect(page.locator(".panel [title='Important: VIP']")).to_be_visible()
