"""What a test has left behind: asyncio tasks, sockets, pipes and files."""

from __future__ import annotations

import asyncio
import gc
import os
import time

# A thread or a transport that is closing needs a moment; whatever is left after this was forgotten.
GRACE_SECONDS = 2.0
# Opened once by libraries, and kept for the life of the process.
KEPT = ("/dev/null", "/dev/urandom", "/proc/", "/sys/")

Descriptor = tuple[int, str]


def open_descriptors() -> set[Descriptor]:
    """The process's open descriptors as (number, what it points to)."""
    found: set[Descriptor] = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:  # the listing's own descriptor, closed by now
            continue
        if not target.startswith(KEPT):
            found.add((int(number), target))
    return found


def descriptors_left(before: set[Descriptor], grace: float = GRACE_SECONDS) -> set[Descriptor]:
    """Descriptors opened since `before` that do not close within the grace time.

    What a library's own error holds in a circle may close when the garbage collector comes by: aiosqlite's, of a
    statement that failed, keeps the statement and so the file of a connection that was closed. Whatever of ours closes
    only then is told by its ResourceWarning.
    """
    if _left_after(before, grace):
        gc.collect()
    return _left_after(before, grace)


def _left_after(before: set[Descriptor], seconds: float) -> set[Descriptor]:
    deadline = time.monotonic() + seconds
    while (left := open_descriptors() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


async def tasks_left(before: set[asyncio.Task[object]], grace: float = GRACE_SECONDS) -> set[asyncio.Task[object]]:
    """Tasks of the running loop, started since `before`, that do not end within the grace time."""
    current = asyncio.current_task()
    started = {task for task in asyncio.all_tasks() if task is not current} - before
    if not started:
        return set()
    _, pending = await asyncio.wait(started, timeout=grace)
    return pending
