"""What a person proves themselves with: a session or an API token, known by its hash."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from zeoncrm.pipeline.passwords import secret_hash
from zeoncrm.pipeline.people import Role, Viewer
from zeoncrm.store import sessions
from zeoncrm.web.context import bearer_token
from zeoncrm.web.cookies import session_key
from zeoncrm.web.services import Services


@dataclass(frozen=True, slots=True)
class Credential:
    """The hash of a session's key or of a token."""

    secret_hash: str
    is_token: bool


def credential_of(request: web.Request) -> Credential:
    """What the request came with."""
    token = bearer_token(request)
    if token is not None:
        return Credential(secret_hash(token), is_token=True)
    return Credential(secret_hash(session_key(request) or ""), is_token=False)


async def person_with(services: Services, credential: Credential) -> Viewer | None:
    """Whose it is, if it holds and the person is active; raises StoreError."""
    database, given, now = services.database, credential.secret_hash, services.now()
    if credential.is_token:
        return as_viewer(await database.look_up(lambda connection: sessions.token_holder(connection, given)))
    session = await database.look_up(lambda connection: sessions.load(connection, given, now))
    return None if session is None else as_viewer(session.holder)


def as_viewer(holder: sessions.Holder | None) -> Viewer | None:
    """The person as somebody who looks at things."""
    if holder is None:
        return None
    return Viewer(holder.id, holder.login, holder.name, Role(holder.role), holder.language)
