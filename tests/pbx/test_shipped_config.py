"""A real Asterisk takes the stanza and the queue of config/ as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.ami.linked import linked
from tests.pbx.lab import Lab
from tests.pbx.roots import RELEASES
from zeoncrm.ami.connection import LinkState
from zeoncrm.ami.rights import own_setting

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", RELEASES, indirect=True),
]

SHIPPED = Path(__file__).parents[2] / "config"


@contextmanager
def appended(file: Path, text: str) -> Iterator[None]:
    """The file with more in it while the block lasts."""
    before = file.read_text()
    file.write_text(f"{before}\n{text}")
    try:
        yield
    finally:
        file.write_text(before)


async def test_the_stanza_gives_an_account_that_lacks_nothing(lab: Lab) -> None:
    stanza = (SHIPPED / "manager.conf").read_text().replace("[zeoncrm]", "[shipped]")
    with appended(lab.pbx.etc / "manager.conf", stanza):
        await lab.pbx.client.action("Command", Command="manager reload")
        async with linked(lab.pbx.ami_port, username="shipped", secret="CHANGE-ME") as link:
            assert (await link.state(LinkState.UP)).reason is None
    await lab.pbx.client.action("Command", Command="manager reload")


async def test_a_write_timeout_is_added_to_an_account_that_a_form_has_made(lab: Lab) -> None:
    with appended(lab.pbx.etc / "manager.conf", "[deaf](+)\nwritetimeout = 5000\n"):
        await lab.pbx.client.action("Command", Command="manager reload")
        async with linked(lab.pbx.ami_port, username="deaf", secret=lab.secret) as link:
            await link.state(LinkState.UP)
            timeout = await own_setting(partial(link.connection.action, timeout=5), "deaf", "writetimeout")
    await lab.pbx.client.action("Command", Command="manager reload")
    assert (link.connection.rights.read, timeout) == (frozenset({"system", "cdr"}), "5000")


async def test_the_queue_has_its_members(lab: Lab) -> None:
    queue = (SHIPPED / "queues.conf").read_text().replace("[sales]", "[shipped]")
    with appended(lab.pbx.etc / "queues.conf", queue):
        await lab.pbx.client.action("Command", Command="queue reload all")
        shown = await lab.pbx.client.action("Command", Command="queue show shipped")
    await lab.pbx.client.action("Command", Command="queue reload all")
    assert "rrmemory" in shown["Output"]
