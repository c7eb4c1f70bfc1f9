"""`zeoncrm demo`: try it without a PBX."""

from __future__ import annotations

from zeoncrm import log
from zeoncrm.demo.run import run_demo


async def demo(port: int) -> int:
    """Run the demo until it is interrupted."""
    log.configure("warning", "console")
    await run_demo(port)
    return 0
