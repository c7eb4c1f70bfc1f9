"""The soak in its short form: what `make soak` does for half an hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pbx.lab import Lab
from tests.pbx.soak import soak

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", ["22"], indirect=True),
    pytest.mark.leaks_allowed("the PBX is started again, and with it the lab's connection to it"),
]
SECONDS = 110


async def test_no_call_is_lost_doubled_or_invented_while_everything_fails(lab: Lab, tmp_path: Path) -> None:
    result = await soak(lab, tmp_path, SECONDS, rate=2, seed=22)
    print(result)
    assert result.wrong == []
    assert result.faults.total() >= 5
    assert len(result.recorded) > SECONDS / 2
