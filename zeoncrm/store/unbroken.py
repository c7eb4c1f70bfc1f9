"""Work that a cancellation must not leave half done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def unbroken(work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for the work; a cancellation takes effect only once it has ended, and then as ever."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    try:
        if cancelled is None:
            return task.result()
        if not task.cancelled():
            # Looked at, so that it is not reported as forgotten: who asked for the work is going anyway.
            task.exception()
        raise cancelled
    finally:
        # An error's traceback holds this frame; were the frame to hold the error, whatever the work had open would stay
        # open until the garbage collector comes by.
        del task, cancelled
