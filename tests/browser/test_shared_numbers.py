"""A number that several people share: the card asks whose call it is, and remembers."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.conftest import Opened
from tests.browser.people import contact_of
from tests.browser.site import Site
from tests.browser.test_calls import NUMBER, answered, ended, rung


async def _expect_choices(page: Page, *names: str, chosen: str) -> None:
    choices = page.locator(".panel [data-whose]")
    await expect(choices).to_have_text(list(names))
    await expect(page.locator(".panel [data-whose][aria-pressed=true]")).to_have_text([chosen])


async def test_the_card_asks_who_it_is_and_the_next_call_begins_with_the_answer(site: Site, opened: Opened) -> None:
    ivan, olga = "Ivan Petrov", "Olga Petrova"
    for name in (ivan, olga):
        await contact_of(site, "anna", name, NUMBER)
    page = await opened("anna")
    first = await rung(site, "101")
    await _expect_choices(page, ivan, olga, chosen=ivan)
    title = await page.title()
    await page.get_by_role("button", name=olga).click()
    await expect(page).to_have_title(title.replace(ivan, olga))
    await expect(page.locator(".panel")).to_have_accessible_name(f"Call to {olga}")
    await page.get_by_role("button", name=ivan).click()
    await expect(page).to_have_title(title)
    await answered(site, first, "101")
    await expect(page.locator(".card")).to_contain_text(ivan)
    await page.get_by_role("button", name=olga).focus()
    await page.keyboard.press("Enter")
    await _expect_choices(page, olga, ivan, chosen=olga)
    await expect(page.get_by_role("button", name=olga)).to_be_focused()
    await expect(page.locator(".panel .panel-name")).to_have_text(olga)
    await expect(page.locator(".card")).to_contain_text(olga)
    await ended(site, first)
    await page.get_by_role("button", name="Done").click()
    await rung(site, "101")
    await _expect_choices(page, olga, ivan, chosen=olga)


async def test_a_number_of_one_contact_asks_nothing(site: Site, opened: Opened) -> None:
    await contact_of(site, "anna", "Ivan Petrov", NUMBER)
    page = await opened("anna")
    await rung(site, "101")
    await expect(page.locator(".panel .panel-name")).to_have_text("Ivan Petrov")
    await expect(page.locator(".panel [data-whose]")).to_have_count(0)
