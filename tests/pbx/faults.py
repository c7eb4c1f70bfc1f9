"""What each fault of the link to the PBX does to the people, and for how long: tried on the real PBX.

While the link is at fault one call ends and another begins to ring. Right again means: the link is up, the first call
has ended, and the second is on the screen.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.pbx.daemon import Daemon
from tests.pbx.faulty_link import FaultyLink, Quality
from tests.pbx.lab import Lab

LONG = 14.0  # seconds: longer than a silent PBX is believed to be alive
_calls = itertools.count(1)


@dataclass(frozen=True)
class Fault:
    """`lasts` seconds until the network is healed; 0: it does not wait for that."""

    name: str
    begin: Callable[[FaultyLink], None]
    lasts: float = 0.0


def _quality(quality: Quality) -> Callable[[FaultyLink], None]:
    def begin(link: FaultyLink) -> None:
        link.quality = quality

    return begin


FAULTS = (
    Fault("latency of 0.5 s", _quality(Quality(delay=0.5)), lasts=4),
    Fault("2 kB a second", _quality(Quality(rate=2000)), lasts=8),
    Fault("pieces of one byte", _quality(Quality(piece=1)), lasts=4),
    Fault("short hang", FaultyLink.hang, lasts=4),
    Fault("long hang", FaultyLink.hang, lasts=LONG),
    Fault("reset", FaultyLink.reset),
    Fault("cut in a message", FaultyLink.truncate),
    Fault("half-open", FaultyLink.lose, lasts=LONG),
)


@dataclass(frozen=True)
class Outcome:
    """`seen`: what the pages said of the link, None when nothing. Seconds: until they said it, after the fault began;
    until all was right again, after the second call rang and the network was healed."""

    fault: str
    seen: str | None
    noticed: float | None
    right: float

    def __str__(self) -> str:
        noticed = "" if self.noticed is None else f"{self.noticed:5.1f} s"
        return f"{self.fault:20} {noticed:8} {self.right:5.1f} s   {self.seen or 'nothing'}"


HEAD = f"{'fault':20} {'noticed':8} {'right':7}   what the pages say of the link"


async def suffer(lab: Lab, daemon: Daemon, link: FaultyLink, fault: Fault) -> Outcome:
    """Try a fault; raises AssertionError when it does not come right again."""
    number = next(_calls)
    ending, coming = f"7930{number:07}", f"7931{number:07}"
    await _talk(lab, daemon, ending)
    daemon.forget()
    begin = time.monotonic()
    watching = asyncio.create_task(_first_trouble(daemon, begin))
    fault.begin(link)
    await lab.hang_up(ending)
    await lab.call_in(coming, did="4952150102")
    await lab.rings("102")
    rang = time.monotonic()
    healing = asyncio.create_task(_heal(link, begin + fault.lasts))
    await daemon.event("call.ended", number=f"+{ending}", patience=LONG + 15)
    await daemon.event("call.rang", number=f"+{coming}", patience=LONG + 15)
    if watching.done():
        await daemon.until(lambda: daemon.pbx_state == "up", "the link coming up", patience=LONG + 15)
    right = time.monotonic()
    await healing
    watching.cancel()
    await asyncio.wait([watching])
    seen, noticed = (None, None) if watching.cancelled() else watching.result()
    await _end(lab, daemon, coming)
    # What came right while the fault lasted needed no healing.
    since = rang if right < begin + fault.lasts else max(rang, begin + fault.lasts)
    return Outcome(fault.name, seen, noticed, max(0.0, right - since))


async def _heal(link: FaultyLink, at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.monotonic()))
    link.heal()


async def _first_trouble(daemon: Daemon, begin: float) -> tuple[str, float]:
    def trouble() -> dict[str, str] | None:
        states = (event["pbx"] for event in daemon.events if event["type"] == "pbx.changed")
        return next((state for state in states if state["state"] != "up"), None)

    found = await daemon.until(trouble, "trouble", patience=3600)
    return f"{found['state']}: {found['reason']}", time.monotonic() - begin


async def _talk(lab: Lab, daemon: Daemon, number: str) -> None:
    await lab.talk_in(number, "101", did="4952150101")
    await daemon.event("call.answered", number=f"+{number}")


async def _end(lab: Lab, daemon: Daemon, number: str) -> None:
    await lab.hang_up(number)
    await lab.quiet()
    await daemon.event("call.ended", number=f"+{number}")
    await daemon.quiet()
