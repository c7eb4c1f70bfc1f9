"""PostgreSQL goes away under the recorder and comes back."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.firm import Firm, running, until
from tests.postgres import PostgresCluster
from zeoncrm.pipeline import events, recorder
from zeoncrm.store.errors import StoreError

pytestmark = [pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True), pytest.mark.postgres]


async def test_a_server_that_stops_and_starts_again_loses_nothing(
    firm: Firm, postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "LAST_RETRY", 0.1)
    call = firm.inbound()
    async with running(firm.recorder):
        assert await firm.recorder.recorded(call) is not None
        await asyncio.to_thread(postgres.stop)
        try:
            await firm.tell(firm.rang(call, "101"), firm.answered(call, "101"))
            await until(lambda: firm.recorder.trouble is not None)
            with pytest.raises(StoreError):
                await firm.database.check()
            assert firm.heard(events.CallAnswered) == []
        finally:
            await asyncio.to_thread(postgres.resume)
        assert await firm.recorder.recorded(firm.ended(call)) is not None
        await until(lambda: firm.recorder.trouble is None)
    await firm.database.check()
    row = await firm.call(call)
    assert (row.values["state"], row.owner, len(await firm.deals())) == ("ended", "anna", 1)
