"""Who asks."""

from __future__ import annotations

from typing import Any

from zeoncrm.pipeline.people import set_away
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.schemas import MeOut
from zeoncrm.web.inputs import Flag, Input


class MeChange(Input):
    """What a person says of themselves. `away`: not at the phone, whatever the phone says."""

    away: Flag


async def read_me(ask: Ask[None, None]) -> MeOut:
    """The person of the session or token."""
    row = ask.services.directory().by_id.get(ask.viewer.id)
    return _me(ask, away=row is not None and row.away)


async def change_me(ask: Ask[None, MeChange]) -> MeOut:
    """Go away, or come back."""
    await set_away(ask.services.database, ask.viewer, ask.body.away)
    return _me(ask, away=ask.body.away)


def _me(ask: Ask[Any, Any], *, away: bool) -> MeOut:
    viewer = ask.viewer
    row = ask.services.directory().by_id.get(viewer.id)
    extensions = [] if row is None else [number for _, number in row.extensions]
    return MeOut(
        id=viewer.id,
        login=viewer.login,
        name=viewer.name,
        role=viewer.role,
        language=viewer.language,
        extensions=extensions,
        away=away,
    )


ENDPOINTS = (
    Endpoint(method="GET", path="/me", handle=read_me, summary="Who asks", answer=MeOut),
    Endpoint(
        method="PATCH",
        path="/me",
        handle=change_me,
        summary="Say that one is away from the phone, or back",
        body=MeChange,
        answer=MeOut,
        errors={422: "`away` is missing or neither true nor false."},
    ),
)
