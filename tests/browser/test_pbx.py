"""The operator's page of the PBX, and the trace of a call, in a real browser."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from playwright.async_api import expect

from tests.ami.recorded import recording
from tests.browser.conftest import Opened
from tests.browser.site import Site
from zeoncrm.ami.recording import calls_in, read_stream


async def test_a_phone_is_mapped_to_a_person_on_the_page(site: Site, opened: Opened) -> None:
    page = await opened("root")
    await page.goto(f"{site.address}/pbx")
    row = page.get_by_role("row", name="PJSIP/105")
    await row.get_by_label("Whose phone is PJSIP/105?").select_option(label="Anna Orlova")
    await row.get_by_role("button", name="Map").click()
    await expect(page.get_by_text("Saved")).to_be_visible()
    await page.goto(f"{site.address}/settings/people")
    await expect(page.get_by_role("row", name="Anna Orlova")).to_contain_text("101, 105")


async def test_a_phone_that_is_a_colleagues_by_now_is_refused_by_name(site: Site, opened: Opened) -> None:
    page, other = await opened("root"), await opened("root")
    await page.goto(f"{site.address}/pbx")
    await other.goto(f"{site.address}/pbx")
    for each, person in ((page, "Anna Orlova"), (other, "Boris Volkov")):
        row = each.get_by_role("row", name="PJSIP/105")
        await row.get_by_label("Whose phone is PJSIP/105?").select_option(label=person)
        await row.get_by_role("button", name="Map").click()
    await expect(page.get_by_text("Saved")).to_be_visible()
    await expect(other.get_by_role("alert")).to_have_text("105 is the extension of Anna Orlova already")


async def test_the_state_is_drawn_anew_and_moves_nothing(site: Site, opened: Opened) -> None:
    page = await opened("root")
    await page.goto(f"{site.address}/pbx")
    select = page.get_by_label("Whose phone is PJSIP/105?")
    await select.select_option(label="Anna Orlova")
    before = await select.bounding_box()
    site.desk.more = {"state": "down", "reason": "no connection: " + "far away " * 40, "drift": 3}
    site.connect_pbx(False)
    await expect(page.get_by_text("not connected")).to_be_visible()
    await expect(page.locator(".figures")).to_contain_text("Drift")
    assert await select.bounding_box() == before
    await expect(select.locator("option:checked")).to_have_text("Anna Orlova")


async def test_a_link_is_made_anew_by_a_click(site: Site, opened: Opened) -> None:
    page = await opened("root")
    await page.goto(f"{site.address}/pbx")
    await page.get_by_role("button", name="Connect anew").click()
    await expect(page.get_by_role("heading", name="Telephone system")).to_be_visible()
    assert site.desk.retries == 1


async def test_the_trace_of_a_call_is_read_and_downloaded(site: Site, opened: Opened) -> None:
    each = recording("asterisk22/blind_transfer_dtmf")
    view = await site.happened(*site.desk.tell(each.data, each.numbering))
    assert view is not None
    page = await opened("root")
    await page.goto(f"{site.address}/calls")
    await page.get_by_role("link", name="Trace").click()
    await expect(page.get_by_text("the call begins: inbound")).to_be_visible()
    await page.get_by_text("BlindTransfer").first.click()
    await expect(page.get_by_text("Result: Success")).to_be_visible()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download, numbers masked").click()
    path = await (await downloading.value).path()
    data = await asyncio.to_thread(path.read_bytes)
    (call,) = calls_in(read_stream(data), replace(each.numbering, outside={}))
    assert call.answered_by == view.call.answered_by
    assert call.number != view.call.number
