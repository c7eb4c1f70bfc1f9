"""Listening to a call and working off missed ones, in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, expect

from tests.browser.conftest import Opened
from tests.browser.seed import ring
from tests.browser.site import Site
from tests.pipeline.firm import until
from zeoncrm.pipeline.call_events import CallEnded, CallResult, CallStarted, Direction, LegAnswered, OutsideDialled
from zeoncrm.pipeline.ids import new_call_id

NUMBER = "+79031112233"
# A player that plays, or has found what it was told to.
IS_AT = "([player, seconds]) => player.readyState >= 2 && Math.abs(player.currentTime - seconds) < 5"


async def call(site: Site, result: CallResult, *extensions: str, number: str = NUMBER) -> str:
    """A whole call to these extensions, which the first answers if it is answered; its id."""
    now = datetime.now(UTC)
    call_id = new_call_id(now)
    await ring(site, call_id, number, list(extensions))
    if result is CallResult.ANSWERED:
        await site.happened(LegAnswered(call_id=call_id, at=now, extension=extensions[0]))
    await site.happened(CallEnded(call_id=call_id, at=now + timedelta(seconds=20), result=result))
    return call_id


async def calls_back(site: Site, extension: str, number: str = NUMBER) -> None:
    """A colleague calls the number and is answered."""
    now = datetime.now(UTC)
    call_id = new_call_id(now)
    started = CallStarted(
        call_id=call_id, at=now, pbx="main", direction=Direction.OUTBOUND, linkedid=call_id, number=number
    )
    dialled = OutsideDialled(call_id=call_id, at=now, extension=extension)
    await site.happened(started, dialled, LegAnswered(call_id=call_id, at=now, extension=extension))


async def plays(page: Page) -> None:
    """The player is opened; it plays and can be moved to any place."""
    await page.locator(".player summary").first.click()
    player = page.locator(".player audio")
    await expect(player).to_be_visible()
    await player.evaluate("player => { player.muted = true; player.currentTime = 15 }")
    handle = await player.element_handle()
    await page.wait_for_function(IS_AT, arg=[handle, 15])
    assert await player.evaluate("player => player.duration") == 20
    assert await player.evaluate("player => player.seekable.end(0)") == 20


async def test_a_call_is_played_and_sought_through_in_the_journal(site: Site, opened: Opened) -> None:
    call_id = await call(site, CallResult.ANSWERED, "101")
    page = await opened("anna")
    await page.goto(f"{site.address}/calls")
    await expect(page.locator(".player")).to_have_count(0)
    await site.recorded(call_id)
    await expect(page.locator(".player")).to_have_count(1)
    await plays(page)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == f"{call_id}.wav"


async def test_what_happens_meanwhile_does_not_stop_who_listens(site: Site, opened: Opened) -> None:
    await site.recorded(await call(site, CallResult.ANSWERED, "101"))
    page = await opened("vera")
    await page.goto(f"{site.address}/calls")
    await plays(page)
    player = await page.locator(".player audio").element_handle()
    assert player is not None
    await call(site, CallResult.MISSED, "102", number="+79032223344")
    await page.wait_for_timeout(600)  # longer than a list waits before it follows
    assert await player.evaluate("player => player.isConnected")


async def test_a_deals_story_has_the_player_and_tells_a_supervisor_who_listened(site: Site, opened: Opened) -> None:
    call_id = await call(site, CallResult.ANSWERED, "101")
    await site.recorded(call_id)
    anna, vera = await opened("anna"), await opened("vera")
    await anna.goto(f"{site.address}/deals/1")
    await plays(anna)
    await expect(anna.locator(".player-heard")).to_have_count(0)
    await vera.goto(f"{site.address}/deals/1")
    await vera.locator(".player summary").click()
    await expect(vera.locator(".player-heard")).to_contain_text("Anna Orlova listened")


async def test_whose_phone_only_rang_has_no_player(site: Site, opened: Opened) -> None:
    await site.recorded(await call(site, CallResult.ANSWERED, "101", "102"))
    page = await opened("boris")
    await page.goto(f"{site.address}/calls")
    await expect(page.locator("#list tbody tr")).to_have_count(1)
    await expect(page.locator(".player")).to_have_count(0)


async def test_a_missed_call_leaves_the_list_when_a_colleague_calls_back(site: Site, opened: Opened) -> None:
    for _ in range(3):
        await call(site, CallResult.MISSED, "101")
    page = await opened("anna")
    await page.goto(f"{site.address}/calls")
    await page.get_by_role("link", name="Missed calls").click()
    row = page.locator("#list tbody tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("Not called back")
    await expect(row).to_contain_text("3 calls")
    await calls_back(site, "102")
    await expect(page.locator("#list")).to_contain_text("Everybody was called back")
    await page.get_by_label("Which missed calls").select_option("all")
    await expect(row).to_contain_text("Called back")
    await expect(row).to_contain_text("Boris")


async def test_one_click_in_the_missed_list_calls_back(site: Site, opened: Opened) -> None:
    await call(site, CallResult.MISSED, "101")
    page = await opened("anna")
    await page.goto(f"{site.address}/calls/missed")
    await page.locator("#list a.number").click()
    await expect(page.locator(".panel[data-view=dialling]")).to_be_visible()
    await until(lambda: bool(site.phone.orders))
    assert [(order[0], order[2], order[3]) for order in site.phone.orders] == [("call", "101", NUMBER)]
