"""A real Chromium for the whole run, and a site of its own for each test."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser import chromium as chromium_module
from tests.browser.site import FILE, Site, prepare, running_site
from tests.real import need

ARTIFACTS = Path("artifacts/browser")

Opened = Callable[..., Awaitable[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them need the browser, share its loop, and leave what it keeps to it."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.leaks_allowed("the browser of the whole run"))


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    need("browser")
    async with chromium_module.chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that every site begins with."""
    return await prepare(tmp_path_factory.mktemp("site"))


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, prepared: Path) -> AsyncIterator[Site]:
    """A site with four people and an empty board."""
    shutil.copyfile(prepared, tmp_path / FILE)
    async with running_site(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def opened(browser: Browser, site: Site, request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    """Opens somebody's own browser at the board. What any of their pages complains of fails the test."""
    pages: list[Page] = []
    complaints: list[str] = []

    async def open_page(login: str, **options: Any) -> Page:
        page = await chromium_module.log_in(browser, site, login, **options)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _is_bad(message.text) else None)
        pages.append(page)
        return page

    yield open_page
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    for number, page in enumerate(pages):
        await page.screenshot(path=ARTIFACTS / f"{name}-{number}.png")
        await page.context.close()
    assert not complaints


def _is_bad(text: str) -> bool:
    """What the content policy refuses, or a script throws; a refused request is what some tests ask for."""
    return "Content Security Policy" in text or "Error:" in text
