"""Debian's Chromium, driven by playwright."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.site import Site
from tests.patience import PATIENCE
from zeoncrm.web.cookies import COOKIE

WIDE = (1440, 900)
PHONE = (390, 844)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without a window."""
    expect.set_options(timeout=PATIENCE * 1000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


async def log_in(
    browser: Browser,
    site: Site,
    login: str,
    *,
    size: tuple[int, int] = WIDE,
    language: str = "en-GB",
    **options: Any,
) -> Page:
    """A page of somebody's own browser, at the board."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=language,
        timezone_id="Europe/Moscow",
        has_touch=size[0] < 720,
        reduced_motion="reduce",
        **options,
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    key = await site.session_of(login)
    await context.add_cookies([{"name": COOKIE, "value": key, "url": site.address}])
    await page.goto(f"{site.address}/board")
    return page
