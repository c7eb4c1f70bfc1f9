"""One daemon at a time for each database: two would each make a call and a deal of the same ringing phone."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from zeoncrm.store.engines import driver_url
from zeoncrm.store.errors import StoreError
from zeoncrm.store.held_server import ServerHold

Keep = Callable[[], Coroutine[Any, Any, None]]


@asynccontextmanager
async def held(url: str) -> AsyncIterator[Keep]:
    """Hold the database of this URL while the block lasts; what it gives keeps at it, until cancelled.

    Raises:
        StoreError: another process holds it, or it can't be held; the text names it. `Keep` raises it when a server
            was away and another process was faster when it was back.
    """
    target = driver_url(url)
    if target.get_backend_name() == "sqlite":
        descriptor = _locked(str(target.database))
        try:
            yield _nothing_to_do
        finally:
            # The file stays: whoever removes it could remove the one that the next process has just locked.
            os.close(descriptor)
        return
    hold = ServerHold(target)
    try:
        await hold.take()
        yield hold.keep
    finally:
        await hold.close()


async def _nothing_to_do() -> None:
    """A file stays locked as long as it is open."""
    await asyncio.Event().wait()


def _locked(file: str) -> int:
    """A lock beside the file: closing a second descriptor of the file itself would take SQLite's own locks away."""
    try:
        descriptor = os.open(f"{file}.lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(f"database {file}: {error.strerror}: {file}.lock") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StoreError(f"database {file}: a zeoncrm daemon is using it; stop it first") from error
    return descriptor
