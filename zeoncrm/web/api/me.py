"""Who asks."""

from __future__ import annotations

from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.schemas import MeOut


async def read_me(ask: Ask[None, None]) -> MeOut:
    """The person of the session or token."""
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
    )


ENDPOINTS = (Endpoint(method="GET", path="/me", handle=read_me, summary="Who asks", answer=MeOut),)
