"""Log-in sessions, kept in the database so that they can be revoked. The browser has the key, we have its hash."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import structlog
from aiohttp import web
from aiohttp_session import AbstractStorage, Session

from zeoncrm.pipeline.passwords import new_secret, secret_hash
from zeoncrm.store import sessions as store
from zeoncrm.store.errors import StoreError
from zeoncrm.store.sessions import SessionRow
from zeoncrm.web.context import VIEWER, request_services
from zeoncrm.web.cookies import COOKIE, cookie_name, session_key
from zeoncrm.web.credentials import as_viewer
from zeoncrm.web.security import client_address, is_https

PERSON = "person_id"
LONGEST = timedelta(days=7)
IDLE = timedelta(hours=12)
# A session is prolonged once in a while, not with each request: that would be a write a click.
PROLONG_EVERY = timedelta(minutes=10)

log = structlog.get_logger(__name__)


class DatabaseSessions(AbstractStorage):
    """Sessions for aiohttp-session. Only people who are logged in have one; loading it says who they are."""

    def __init__(self) -> None:
        super().__init__(cookie_name=COOKIE, httponly=True, samesite="Lax")

    async def load_session(self, request: web.Request) -> Session:
        """The session of the request's cookie; a new, empty one when it has none that holds."""
        key = session_key(request)
        services = request_services(request)
        if key is None:
            return await self.new_session()
        hashed, now = secret_hash(key), services.now()
        row = await services.database.look_up(lambda connection: store.load(connection, hashed, now))
        person = None if row is None else as_viewer(row.holder)
        if row is None or person is None:
            return await self.new_session()
        request[VIEWER] = person
        data = {PERSON: row.person_id, **row.data}
        session = Session(key, data={"created": int(row.created_at.timestamp()), "session": data}, new=False)
        if row.expires_at < _expiry(row.created_at, services.now()) - PROLONG_EVERY:
            session.changed()
        return session

    async def save_session(self, request: web.Request, response: web.StreamResponse, session: Session) -> None:
        """Keep a session under its key, a new one under a new key; forget an empty one and the one before."""
        key = session.identity or new_secret()
        try:
            kept = await self._save(request, session, key)
        except StoreError as error:
            if session.new or session.empty:
                raise
            # Only to be prolonged: a database that can't be written to must not keep people from reading.
            log.warning("a session could not be prolonged", reason=str(error))
            return
        if kept:
            self._set_cookie(request, response, key)
        else:
            response.del_cookie(cookie_name(request), path="/")

    async def _save(self, request: web.Request, session: Session, key: str) -> bool:
        """Write what is to be kept of the session; whether it goes on. What was revoked meanwhile stays so."""
        services, old = request_services(request), session_key(request)
        now = services.now()
        async with services.database.write() as tx:
            if old is not None and (old != key or session.empty):
                await store.revoke(tx, secret_hash(old))
            known = None if session.new else await store.load(tx.connection, secret_hash(key), now)
            goes_on = not session.empty and (session.new or known is not None)
            if goes_on:
                created_at = known.created_at if known else now
                await store.save(tx, _row(session, key, created_at, now), client_address(request)[:64])
        return goes_on

    def _set_cookie(self, request: web.Request, response: web.StreamResponse, key: str) -> None:
        response.set_cookie(
            cookie_name(request),
            key,
            max_age=int(LONGEST.total_seconds()),
            path="/",
            secure=is_https(request),
            httponly=True,
            samesite="Lax",
        )


def csrf_of(key: str) -> str:
    """The session's token against forged requests: known to whoever has the key, not to who reads the database."""
    return hashlib.sha256(b"csrf:" + key.encode()).hexdigest()


def _row(session: Session, key: str, created_at: datetime, now: datetime) -> SessionRow:
    data = {name: value for name, value in session.items() if name != PERSON}
    return SessionRow(secret_hash(key), session[PERSON], data, created_at, _expiry(created_at, now))


def _expiry(created_at: datetime, now: datetime) -> datetime:
    return min(created_at + LONGEST, now + IDLE)
