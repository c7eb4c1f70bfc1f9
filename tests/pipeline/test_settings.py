"""What a supervisor decides, and the default funnel."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.pipeline.firm import Firm
from zeoncrm.pipeline import events
from zeoncrm.pipeline.errors import Forbidden, NotFound
from zeoncrm.pipeline.settings import CallSettings, DealCreation, load_settings, save_settings
from zeoncrm.pipeline.stages import DEFAULT_STAGES, ensure_default_pipeline, get_pipeline, list_pipelines
from zeoncrm.store import settings as store


async def test_settings_are_kept_and_told(firm: Firm) -> None:
    assert await load_settings(firm.database) == CallSettings()
    chosen = CallSettings(create_deals=DealCreation.NEVER, allowed_prefixes=("+44", "+44", "+1900"), currency="EUR")
    await save_settings(firm.database, firm.person("sveta"), chosen)
    assert await load_settings(firm.database) == chosen
    assert chosen.allowed_prefixes == ("+44", "+1900")
    assert len(firm.heard(events.SettingsChanged)) == 1


async def test_a_rep_decides_nothing(firm: Firm) -> None:
    with pytest.raises(Forbidden):
        await save_settings(firm.database, firm.person("anna"), CallSettings(create_deals=DealCreation.NEVER))
    assert await load_settings(firm.database) == CallSettings()


@pytest.mark.parametrize("prefix", ["", "+", "44", "+44 20", "+x", "+123456789012345", "٤٤"])
def test_a_prefix_is_a_plus_and_digits(prefix: str) -> None:
    with pytest.raises(ValidationError):
        CallSettings(allowed_prefixes=(prefix,))


async def test_settings_of_another_version_are_read_as_far_as_they_are_known(firm: Firm) -> None:
    async with firm.database.write() as tx:
        await store.put(tx, "calls", {"create_deals": "inbound", "of_a_later_version": True})
    assert (await load_settings(firm.database)).create_deals is DealCreation.INBOUND


async def test_the_default_funnel_is_made_once(firm: Firm) -> None:
    await ensure_default_pipeline(firm.database)
    (pipeline,) = await list_pipelines(firm.database)
    assert [(stage.name, stage.kind) for stage in pipeline.stages] == [(name, kind) for name, kind in DEFAULT_STAGES]
    assert await get_pipeline(firm.database, None) == await get_pipeline(firm.database, pipeline.id) == pipeline
    with pytest.raises(NotFound):
        await get_pipeline(firm.database, pipeline.id + 1)
