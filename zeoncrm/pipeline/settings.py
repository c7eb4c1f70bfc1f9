"""What a supervisor decides about incoming calls and dialling."""

from __future__ import annotations

import re
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
    # The company's, an IANA name: rules by time of day and weekday go by its clock.
    time_zone: str = "UTC"

    @field_validator("allowed_prefixes")
    @classmethod
    def _prefixes(cls, prefixes: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in prefixes:
            if not re.fullmatch(r"\+[0-9]{1,14}", prefix):
                raise ValueError(f"a prefix is + and digits, not {prefix[:20]!r}")
        return tuple(dict.fromkeys(prefixes))

    @field_validator("time_zone")
    @classmethod
    def _time_zone(cls, name: str) -> str:
        if zone_named(name) is None:
            raise ValueError(f"there is no time zone {name[:40]!r}")
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.time_zone)


def zone_named(name: str) -> ZoneInfo | None:
    """The time zone of this IANA name, if there is one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


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
