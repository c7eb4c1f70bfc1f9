"""A simulated PBX for the demo's three people, which hardly loses time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import pytest

from tests.demo.ami_client import AmiClient, connected
from zeoncrm.demo.simulated_pbx import SimulatedPbx

NAMES = {"101": "Anna Petrova", "102": "Boris Orlov", "103": "Svetlana Kim"}


@pytest.fixture
async def pbx() -> AsyncIterator[SimulatedPbx]:
    async with SimulatedPbx(NAMES, pace=1e-6, random=Random(1)).running() as running:
        yield running


@pytest.fixture
async def client(pbx: SimulatedPbx) -> AsyncIterator[AmiClient]:
    async with connected(pbx) as logged_in:
        yield logged_in
