"""What may be amiss although the link works."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tests.ami.linked import FAST, linked
from tests.ami.scripted_server import ScriptedServer
from tests.doctor.examined import well
from zeoncrm.ami.condition import Condition
from zeoncrm.ami.connection import LinkState

OFTEN = replace(FAST, snapshot_period=0.01, unproven_period=0.01)
WRITE_TIMEOUT = "AST_CONFIG(manager.conf,zeoncrm,writetimeout)"


@pytest.mark.parametrize(
    "condition, words",
    [
        (Condition(), ()),
        (Condition(5000, 9.0), ()),
        (
            Condition(100, -300.4),
            ("writetimeout is 100 ms: a moment's stall cuts the link", "its clock is 300 s behind"),
        ),
    ],
)
def test_what_is_amiss_has_words(condition: Condition, words: tuple[str, ...]) -> None:
    assert condition.words == words


async def test_it_is_logged_once_and_the_link_is_up_all_the_same() -> None:
    async with ScriptedServer(well(variables={WRITE_TIMEOUT: ""}, clock_ahead=300.0)) as pbx:
        with capture_logs() as logs:
            async with linked(pbx.port, timings=OFTEN) as link:
                connection = link.connection
                await link.state(LinkState.UP)
                for _ in range(3):
                    await pbx.sessions[0].action("Status")
    assert (connection.condition.write_timeout, connection.condition.clocks_differ) == (100, True)
    told = [each["reason"] for each in logs if each["event"] == "pbx is connected, but not as it should be"]
    assert told == ["writetimeout is 100 ms: a moment's stall cuts the link", "its clock is 300 s ahead"]
