"""Doctor before and behind a real nginx, with the site that we ship."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.config.debian import SHIPPED, Debian, made_debian
from tests.daemon.process import DaemonProcess, environment
from tests.doctor.examined import ids
from tests.ports import free_port
from zeoncrm.config import WebConfig
from zeoncrm.doctor.findings import Finding
from zeoncrm.doctor.web import examine_web

pytestmark = pytest.mark.pbx


@pytest.fixture
def debian() -> Iterator[Debian]:
    with made_debian() as debian:
        yield debian


@asynccontextmanager
async def behind_nginx(debian: Debian, port: int, *left_out: str) -> AsyncIterator[str]:
    """Our site, without encryption and without some of its lines, before the daemon at the port; gives its address."""
    public = free_port()
    site = (SHIPPED / "nginx.conf").read_text()
    *_, server = site.rpartition("server {")
    upstream = site[: site.index("server {\n    listen 80")]
    unwanted = ("ssl_certificate", *left_out)
    lines = [line for line in f"{upstream}server {{{server}".splitlines() if not any(each in line for each in unwanted)]
    text = "\n".join(lines).replace("listen 443 ssl http2", f"listen 127.0.0.1:{public}")
    (debian.folder / "site.conf").write_text(text.replace("127.0.0.1:8080", f"127.0.0.1:{port}"))
    async with debian.nginx():
        yield f"http://127.0.0.1:{public}"


async def found_at(address: str, port: int) -> list[Finding]:
    found: list[Finding] = []
    await examine_web(WebConfig(port=port, public_url=address), found.append)
    return found


async def test_our_site_passes_all_on_and_one_that_forgets_the_live_socket_is_told(
    debian: Debian, tmp_path: Path
) -> None:
    environ = environment(f"sqlite:///{tmp_path}/zeoncrm.db", None)
    async with DaemonProcess(environ) as daemon:
        port = int(daemon.address.rpartition(":")[2])
        async with behind_nginx(debian, port) as address:
            found = await found_at(address, port)
            assert (ids(found), found[-1].text) == ([], f"{address} leads here, live socket too")
        for forgotten in ("proxy_set_header Upgrade", "proxy_set_header Host"):
            async with behind_nginx(debian, port, forgotten) as address:
                assert ids(await found_at(address, port)) == ["public-socket"]
