"""Whatever the network does between the daemon and the PBX, the calls are right again soon after."""

from __future__ import annotations

import pytest

from tests.pbx.daemon import Daemon
from tests.pbx.faults import FAULTS, Fault, suffer
from tests.pbx.faulty_link import FaultyLink
from tests.pbx.lab import Lab

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", ["22"], indirect=True),
    pytest.mark.leaks_allowed("the relay makes a new connection to the PBX for each of the daemon's"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_calls_are_right_again_after_a_fault(
    lab: Lab, distant_daemon: Daemon, faulty_link: FaultyLink, fault: Fault
) -> None:
    outcome = await suffer(lab, distant_daemon, faulty_link, fault)
    # Who looks at a page is told of a link that passes nothing or is gone; not of one that is merely slow.
    assert (outcome.seen is not None) == (fault.name in {"long hang", "reset", "cut in a message", "half-open"})
