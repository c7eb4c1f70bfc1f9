"""What a test has left behind: asyncio tasks, sockets, pipes and files."""

from __future__ import annotations

import asyncio
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
    """Descriptors opened since `before` that do not close within the grace time."""
    deadline = time.monotonic() + grace
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
