"""Which URLs are understood, and in whose words they go on."""

from __future__ import annotations

import pytest

from zeoncrm.store import schema
from zeoncrm.store.database import Database
from zeoncrm.store.engines import driver_url, server_url
from zeoncrm.store.errors import StoreError


@pytest.mark.parametrize("option", ["ssl", "sslmode"])
def test_the_mode_of_encryption_is_understood_by_either_name(option: str) -> None:
    url = driver_url(f"postgresql://crm@host/zeoncrm?{option}=verify-full")
    assert dict(url.query) == {"sslmode": "verify-full"}
    assert dict(server_url(url).query) == {"ssl": "verify-full"}


def test_an_option_that_is_unknown_is_named() -> None:
    with pytest.raises(StoreError, match=r"unknown option 'sslmod' in the URL: .*sslmode"):
        driver_url("postgresql://crm@host/zeoncrm?sslmod=require")


@pytest.mark.postgres
async def test_a_server_is_asked_for_encryption(postgres_database_url: str) -> None:
    database = Database(f"{postgres_database_url}&sslmode=prefer")
    await schema.upgrade(database)
    await database.check()
    await database.close()
