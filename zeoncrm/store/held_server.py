"""A PostgreSQL database that one daemon holds: by an advisory lock, on a connection of its own.

The lock goes with its connection. So when the server has been away it is taken again; and the server is asked to look
soon after a machine that went silent, lest the lock of a dead daemon keeps the next one out for hours.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc
import structlog
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from zeoncrm.store.engines import DISCREET, server_url
from zeoncrm.store.errors import StoreError, translated
from zeoncrm.store.unbroken import unbroken

# How long to wait for one that is about to go, as the last process does when it is started anew.
PATIENCE = "3s"
LOOK_SECONDS = 5.0
ANSWER_SECONDS = 10.0
FIRST_RETRY, LAST_RETRY = 0.2, 3.0
_NOT_IN_TIME = "55P03"
_APPLICATION = "zeoncrm daemon"
# Databases with several schemas may serve several firms.
_KEY = "hashtext('zeoncrm daemon'), hashtext(coalesce(current_schema(), ''))"
_LOCK = sa.text(f"SELECT pg_advisory_lock({_KEY})")
_HOLDER = sa.text(
    """
    SELECT holder.pid, holder.application_name FROM pg_locks AS lock JOIN pg_stat_activity AS holder USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 2
    AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND lock.classid = hashtext('zeoncrm daemon')::oid AND lock.objid = hashtext(coalesce(current_schema(), ''))::oid
    """
)

log = structlog.get_logger(__name__)


class Taken(StoreError):
    """Another daemon has the database; `where`: which, as far as that is known."""

    def __init__(self, text: str, where: str) -> None:
        super().__init__(text)
        self.where = where


class ServerHold:
    """The hold on one database: `take` it, `keep` at it, `close`."""

    def __init__(self, url: URL) -> None:
        self.name = url.set(drivername="postgresql").render_as_string(hide_password=True)
        # By its name on the server a process knows its own connections.
        self._own = f"{_APPLICATION} {secrets.token_hex(4)}"
        where = f"{self._own} process {os.getpid()} on {socket.gethostname()}"
        alive = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
        settings = {"application_name": where, "lock_timeout": PATIENCE, **alive}
        self._engine = create_async_engine(
            server_url(url),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": 10, "command_timeout": ANSWER_SECONDS, "server_settings": settings},
            **DISCREET,
        )
        self._connection: AsyncConnection | None = None
        self._driver: Any = None
        self._ended = asyncio.Event()

    async def take(self) -> None:
        """Raises Taken, StoreError: the text names the database."""
        try:
            with translated():
                await self._lock(await unbroken(self._connected()))
        except Taken:
            await self._drop()
            raise
        except StoreError as error:
            await self._drop()
            raise StoreError(f"database {self.name}: {error}") from error

    async def keep(self) -> None:
        """Take it again whenever the server was away, until cancelled; raises Taken."""
        while True:
            reason = await self._lost()
            log.warning("the database is away", reason=reason)
            await self._take_again()
            log.warning("the database is back")

    async def close(self) -> None:
        """Let go."""
        await self._drop()
        await self._engine.dispose()

    async def _take_again(self) -> None:
        delay = FIRST_RETRY
        if self._driver is not None:
            self._driver.terminate()  # a good-bye might never be answered
        while True:
            await self._drop()
            try:
                await self.take()
            except Taken as taken:
                text = f"while it was away another zeoncrm daemon took it{taken.where}: this one stops"
                raise Taken(f"database {self.name}: {text}", taken.where) from None
            except StoreError:
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY)
            else:
                return

    async def _connected(self) -> AsyncConnection:
        # Kept at once: a cancellation that waits for this gives nothing back.
        connection = self._connection = await self._engine.connect()
        ended = self._ended = asyncio.Event()
        self._driver = (await connection.get_raw_connection()).driver_connection
        self._driver.add_termination_listener(lambda _: ended.set())
        return connection

    async def _lock(self, connection: AsyncConnection) -> None:
        while True:
            try:
                await connection.execute(_LOCK)
            except sqlalchemy.exc.DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != _NOT_IN_TIME:
                    raise
            else:
                return
            holder = (await connection.execute(_HOLDER)).first()
            if holder is None:
                continue  # it has just let go
            if not (holder.application_name or "").startswith(self._own):
                where = _where(holder.application_name)
                text = f"database {self.name}: a zeoncrm daemon is using it{where}; stop it first"
                raise Taken(text, where)
            # Our own from before, of which the server has not noticed that it broke.
            await connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": holder.pid})

    async def _lost(self) -> str:
        """Wait until the connection is, with the lock."""
        while (connection := self._connection) is not None and not self._ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), LOOK_SECONDS)
                break
            try:
                with translated():
                    await connection.execute(sa.text("SELECT 1"))
            except StoreError as error:
                return str(error)
        return "the server ended the connection"

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlalchemy.exc.SQLAlchemyError, OSError):
                await unbroken(connection.close())


def _where(application: str | None) -> str:
    """`application`: the name that the holder has on the server, if it may be known."""
    where = (application or "").removeprefix(_APPLICATION).strip().partition(" ")[2]
    return f" ({where})" if where else ""
