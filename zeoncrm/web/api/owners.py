"""Owners are logins outside and ids inside."""

from __future__ import annotations

from typing import Any

from zeoncrm.pipeline.errors import Invalid
from zeoncrm.web.api.endpoint import Ask

# No login can be this: it asks for what is nobody's.
NOBODY = "-"


def owner_id(ask: Ask[Any, Any], login: str) -> int:
    """The id of an active person; raises Invalid."""
    for row in ask.services.directory().rows:
        if row.login == login and row.active:
            return row.id
    raise Invalid("owner", "no such person")


def owner_wanted(ask: Ask[Any, Any], login: str | None) -> int | None:
    """The owner that a list is narrowed to: an id, 0 for nobody, None for all; raises Invalid."""
    if login is None:
        return None
    return 0 if login == NOBODY else owner_id(ask, login)


def owner_to_set(ask: Ask[Any, Any], login: str | None) -> int | None:
    """The owner that a new thing is given; raises Invalid when a rep names somebody else."""
    if login is None:
        return None
    if not ask.viewer.sees_all and login != ask.viewer.login:
        raise Invalid("owner", "only a supervisor gives this to somebody else")
    return owner_id(ask, login)


def with_owner_id(ask: Ask[Any, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The changes with `owner` turned into `owner_id`; raises Invalid."""
    if "owner" in changes:
        login = changes.pop("owner")
        changes["owner_id"] = None if login is None else owner_id(ask, login)
    return changes
