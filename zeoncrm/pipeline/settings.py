"""What a supervisor decides about incoming calls and dialling."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from zeoncrm.pipeline.events import SettingsChanged
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import settings as store
from zeoncrm.store.database import Database

_KEY = "calls"


class DealCreation(StrEnum):
    """When a call makes a deal."""

    ANSWERED = "answered"
    INBOUND = "inbound"
    NEVER = "never"


class CallSettings(BaseModel):
    """The settings of calls. Prefixes are the beginnings of numbers in E.164 that may be dialled (`+7`)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    create_deals: DealCreation = DealCreation.ANSWERED
    create_deals_on_outbound: bool = False
    allowed_prefixes: tuple[str, ...] = Field(default=(), max_length=100)
    currency: str = Field(default="RUB", pattern=r"\A[A-Z]{3}\z")

    @field_validator("allowed_prefixes")
    @classmethod
    def _prefixes(cls, prefixes: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in prefixes:
            if not re.fullmatch(r"\+[0-9]{1,14}", prefix):
                raise ValueError(f"a prefix is + and digits, not {prefix[:20]!r}")
        return tuple(dict.fromkeys(prefixes))


async def load_settings(database: Database) -> CallSettings:
    """The settings as they are now."""
    async with database.read() as connection:
        return CallSettings.model_validate(await store.get(connection, _KEY) or {})


async def save_settings(database: Database, viewer: Viewer, settings: CallSettings) -> None:
    """Keep the settings; raises Forbidden for a rep."""
    viewer.must_supervise()
    async with database.write() as tx:
        await store.put(tx, _KEY, settings.model_dump(mode="json"))
        tx.emit(SettingsChanged(people=frozenset()))
