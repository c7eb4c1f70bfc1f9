"""One daemon at a time for each SQLite file: two would each make a call and a deal of the same ringing phone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from zeoncrm.store.engines import driver_url
from zeoncrm.store.errors import StoreError


@contextmanager
def held(url: str) -> Iterator[None]:
    """Hold the SQLite file of this URL while the block lasts. Of PostgreSQL nothing is held.

    Raises:
        StoreError: another process holds it, or its folder can't be written; the text names it.
    """
    target = driver_url(url)
    if target.get_backend_name() != "sqlite":
        yield
        return
    descriptor = _locked(str(target.database))
    try:
        yield
    finally:
        # The file stays: whoever removes it could remove the one that the next process has just locked.
        os.close(descriptor)


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
