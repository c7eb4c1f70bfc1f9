"""The board in real browsers: by mouse, by keyboard, by finger's width, and with others at work on it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import PHONE
from tests.browser.conftest import Opened
from tests.browser.people import deal_of, person
from tests.browser.site import PASSWORD, Site
from zeoncrm.pipeline.deals import change_deal, get_deal
from zeoncrm.store import sessions

THIN = "\u202f"


def column(page: Page, name: str) -> Locator:
    """A column by its name."""
    return page.locator(f".column[data-name='{name}']")


async def test_a_wrong_password_is_told_and_the_right_one_leads_to_the_board(site: Site, opened: Opened) -> None:
    page = await opened("anna")
    await page.context.clear_cookies()
    await page.goto(f"{site.address}/calls?result=missed")
    await page.fill("#login", "anna")
    await page.fill("#password", "wrong")
    await page.press("#password", "Enter")
    await expect(page.get_by_role("alert")).to_have_text("The login or the password is wrong.")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await expect(page).to_have_url(f"{site.address}/calls?result=missed")


async def test_a_dragged_card_moves_for_everybody_and_the_sums_follow(site: Site, opened: Opened) -> None:
    deal = await deal_of(site, "anna", "Windows", amount=Decimal(86_000))
    anna, vera = await opened("anna"), await opened("vera")
    await expect(column(vera, "Unsorted").locator(".column-sum")).to_have_text(f"86{THIN}000{THIN}₽")
    card = await anna.locator(".card").bounding_box()
    target = await column(anna, "Proposal").locator(".cards").bounding_box()
    assert card is not None
    assert target is not None
    await anna.mouse.move(card["x"] + 60, card["y"] + 12)
    await anna.mouse.down()
    await anna.mouse.move(card["x"] + 90, card["y"] + 30, steps=4)
    await anna.mouse.move(target["x"] + 60, target["y"] + 30, steps=8)
    await expect(column(anna, "Proposal").locator(".column-sum")).to_have_text(f"86{THIN}000{THIN}₽")
    await expect(column(anna, "Proposal").locator(".column-sum")).to_have_class("money column-sum would")
    await anna.mouse.up()
    await expect(column(anna, "Proposal").locator(".card")).to_have_count(1)
    await expect(anna.locator(".drawer")).to_have_count(0)
    await expect(column(vera, "Proposal").locator(".card")).to_have_count(1)
    await expect(column(vera, "Proposal").locator(".column-count")).to_have_text("1")
    await expect(column(vera, "Unsorted").locator(".column-count")).to_have_text("0")
    assert (await get_deal(site.database, person(site, "vera"), deal.id)).stage == "Proposal"


async def test_a_card_goes_to_another_stage_by_keyboard_alone(site: Site, opened: Opened) -> None:
    await deal_of(site, "anna", "Windows")
    await deal_of(site, "anna", "Doors")
    anna = await opened("anna")
    await anna.get_by_role("link", name="Doors").focus()
    await anna.keyboard.press("ArrowDown")
    await expect(anna.get_by_role("link", name="Windows")).to_be_focused()
    await anna.keyboard.press("Space")
    await expect(anna.locator("#announcer")).to_contain_text("Windows lifted from Unsorted")
    await anna.keyboard.press("ArrowRight")
    await anna.keyboard.press("ArrowRight")
    await expect(anna.locator("#announcer")).to_have_text("Windows: Proposal, deals there: 1.")
    await anna.keyboard.press("Space")
    await expect(anna.locator("#announcer")).to_have_text("Windows dropped in Proposal.")
    await expect(column(anna, "Proposal").get_by_role("link", name="Windows")).to_be_focused()
    await anna.keyboard.press("Space")
    await anna.keyboard.press("ArrowLeft")
    await anna.keyboard.press("Escape")
    await expect(anna.locator("#announcer")).to_have_text("Windows put back in Proposal.")
    await anna.keyboard.press("Enter")
    await expect(anna.locator(".drawer")).to_be_visible()


async def test_a_stale_move_is_put_right_with_a_word_why(site: Site, opened: Opened) -> None:
    deal = await deal_of(site, "anna", "Windows")
    anna = await opened("anna")
    # This browser hears of nothing any more: what it shows grows old.
    await anna.evaluate("window.WebSocket = class { close() {} }; dispatchEvent(new Event('offline'))")
    changes = {"stage_id": deal.stage_id + 3}
    await change_deal(site.database, person(site, "vera"), deal.id, changes, deal.version, datetime.now(UTC))
    await anna.get_by_role("link", name="Windows").focus()
    for key in ("Space", "ArrowRight", "Space"):
        await anna.keyboard.press(key)
    await expect(anna.locator(".toast")).to_contain_text("“Windows” was changed by somebody else meanwhile")
    await expect(column(anna, "Documents approval").locator(".card")).to_have_count(1)


async def test_the_stage_is_chosen_and_fields_are_written_in_the_drawer(site: Site, opened: Opened) -> None:
    deal = await deal_of(site, "anna", "Windows")
    anna, vera = await opened("anna"), await opened("vera")
    await anna.get_by_role("link", name="Windows").click()
    await expect(anna).to_have_url(f"{site.address}/deals/{deal.id}")
    drawer = anna.locator(".drawer")
    await drawer.get_by_role("button", name="Opportunity").click()
    await expect(column(vera, "Opportunity").locator(".card")).to_have_count(1)
    await drawer.get_by_label("Amount").fill("1 250 000,50")
    await drawer.get_by_label("Amount").press("Tab")
    await expect(column(vera, "Opportunity").locator(".column-sum")).to_have_text(f"1{THIN}250{THIN}000.50{THIN}₽")
    await drawer.get_by_label("Note").fill("Keys are with the guard")
    await drawer.get_by_role("button", name="Save note").click()
    await expect(drawer.locator(".story")).to_contain_text("Keys are with the guard")
    await expect(drawer.get_by_label("Note")).to_have_value("")
    await anna.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)
    await expect(anna).to_have_url(f"{site.address}/board")
    await anna.go_back()
    await expect(anna.locator(".drawer")).to_contain_text("Keys are with the guard")


async def test_an_open_drawer_follows_others_and_keeps_what_one_is_typing(site: Site, opened: Opened) -> None:
    deal = await deal_of(site, "anna", "Windows")
    anna = await opened("anna")
    await anna.goto(f"{site.address}/deals/{deal.id}")
    await anna.get_by_label("Note").fill("half a thou")
    changes = {"next_step": "Call back", "stage_id": deal.stage_id + 1}
    await change_deal(site.database, person(site, "vera"), deal.id, changes, deal.version, datetime.now(UTC))
    await expect(anna.get_by_label("Next step")).to_have_value("Call back")
    await expect(anna.get_by_role("button", name="Opportunity")).to_have_attribute("aria-pressed", "true")
    await expect(anna.get_by_label("Note")).to_have_value("half a thou")


async def test_a_rep_neither_sees_nor_opens_a_colleagues_deal(site: Site, opened: Opened) -> None:
    deal = await deal_of(site, "boris", "Secret doors")
    anna, vera = await opened("anna"), await opened("vera")
    await expect(vera.locator(".card")).to_contain_text("Secret doors")
    await expect(anna.locator(".card")).to_have_count(0)
    answer = await anna.goto(f"{site.address}/deals/{deal.id}")
    assert answer is not None
    assert answer.status == 404
    await expect(anna.locator("body")).not_to_contain_text("Secret")


async def test_a_supervisor_filters_by_rep_and_words_and_the_address_keeps_it(site: Site, opened: Opened) -> None:
    await deal_of(site, "anna", "Windows")
    await deal_of(site, "boris", "Windows too")
    await deal_of(site, "boris", "Doors", priority="hot")
    vera = await opened("vera")
    await expect(vera.locator(".card")).to_have_count(3)
    await vera.get_by_label("Rep").select_option(label="Boris Volkov")
    await expect(vera.locator(".card")).to_have_count(2)
    await vera.get_by_role("searchbox").fill("wind")
    await expect(vera.locator(".card")).to_have_count(1)
    await expect(vera.locator("#board-total")).to_contain_text("1 open")
    await expect(vera).to_have_url(f"{site.address}/board/1?q=wind&owner=2")
    await vera.reload()
    await expect(vera.locator(".card")).to_contain_text("Windows too")


async def test_more_cards_come_as_the_column_is_scrolled(site: Site, opened: Opened) -> None:
    for number in range(34):
        await deal_of(site, "anna", f"Deal {number}")
    anna = await opened("anna")
    await expect(anna.locator(".card")).to_have_count(30)
    await anna.locator(".cards").first.evaluate("list => list.scrollTo(0, list.scrollHeight)")
    await expect(anna.locator(".card")).to_have_count(34)


async def test_everything_is_russian_for_a_russian(site: Site, opened: Opened) -> None:
    await deal_of(site, "anna", "Окна")
    await deal_of(site, "anna", "Двери")
    anna = await opened("anna", language="ru-RU")
    await expect(column(anna, "Неразобранное").locator(".card")).to_have_count(2)
    await expect(anna.locator("#board-total")).to_contain_text("2 открытые")
    await expect(anna.get_by_role("button", name="Новая сделка")).to_be_visible()
    await expect(anna.locator("html")).to_have_attribute("lang", "ru")


async def test_a_phone_shows_one_column_and_the_deal_as_a_whole_page(site: Site, opened: Opened) -> None:
    await deal_of(site, "anna", "Windows")
    anna = await opened("anna", size=PHONE)
    await expect(column(anna, "Unsorted")).to_be_in_viewport(ratio=0.9)
    await expect(column(anna, "Proposal")).not_to_be_in_viewport()
    await anna.get_by_role("link", name="Windows").tap()
    drawer = anna.locator(".drawer")
    await drawer.evaluate("drawer => Promise.all(drawer.getAnimations().map((each) => each.finished))")
    box = await drawer.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, PHONE[0])
    await anna.get_by_label("Stage").first.select_option(label="Proposal")
    await anna.get_by_role("link", name="Back to the board").tap()
    await expect(column(anna, "Proposal").locator(".card")).to_have_count(1)


async def test_no_page_is_wider_than_360_px(site: Site, opened: Opened) -> None:
    deal = await deal_of(site, "root", "Windows " + "x" * 150, amount=Decimal("999999999999.99"))
    page = await opened("root", size=(360, 740), language="ru-RU")
    paths = ("/board", f"/deals/{deal.id}", "/calls", "/contacts", "/settings/profile", "/settings/calls", "/pbx")
    for path in (*paths, "/settings/people", "/settings/people/1"):
        await page.goto(site.address + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path


async def test_a_session_that_ended_while_there_was_no_connection_leads_to_the_log_in(
    site: Site, opened: Opened
) -> None:
    anna = await opened("anna")
    await anna.context.set_offline(True)
    await expect(anna.locator("#link-banner")).to_be_visible()
    async with site.database.write() as tx:
        await sessions.revoke_all(tx, person(site, "anna").id)
    await anna.context.set_offline(False)
    await expect(anna).to_have_url(re.compile("/login"))
