"""The dialplan's questions (FastAGI): whether they are answered, and how soon."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network

from zeoncrm.ami.agi import SCRIPT
from zeoncrm.config import AgiConfig, Config
from zeoncrm.doctor.findings import Finding, note, ok, problem
from zeoncrm.doctor.web import is_loopback

Say = Callable[[Finding], None]

PART = "agi"
SECONDS = 3.0
# As Asterisk asks; 0 is nobody's number.
_QUESTION = f"agi_network: yes\nagi_network_script: {SCRIPT}\nagi_callerid: 0\nagi_arg_1: 0\n\n"
_LAST = "ZEON_OK"


async def examine_agi(config: Config, *, serving: bool, say: Say) -> None:
    """Ask as the dialplan does. `serving`: whether the daemon runs."""
    if not config.agi.port:
        return
    away = [pbx.name for pbx in config.pbx if not is_loopback(pbx.host)]
    if away and all(ip_network(network).is_loopback for network in config.agi.networks):
        say(note(PART, "agi-loopback", f"only this machine may ask, but {', '.join(away)} is another"))
    if serving:
        say(await _asked(config.agi))


async def _asked(agi: AgiConfig) -> Finding:
    address = f"{agi.host}:{agi.port}"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(agi.host, agi.host)  # noqa: S104 - compared, not listened on
    begun = time.monotonic()
    try:
        async with asyncio.timeout(SECONDS):
            from_here = await _ask(host, agi.port)
    except TimeoutError:
        return problem(PART, "agi-silent", f"{address} does not answer within {SECONDS:g} s")
    except OSError as error:
        return problem(PART, "agi-away", f"{address}: {error.strerror or error}")
    except ValueError:
        return problem(PART, "agi-silent", f"{address} sends a line that does not end: another program answers there")
    if from_here is None:
        return ok(PART, f"{address} answers the dialplan in {(time.monotonic() - begun) * 1000:.0f} ms")
    if not any(ip_address(from_here) in ip_network(network) for network in agi.networks):
        return note(PART, "agi-untried", f"{from_here} is not in agi.networks, so that it can't be tried from here")
    return problem(PART, "agi-silent", f"{address} ended the connection without an answer")


async def _ask(host: str, port: int) -> str | None:
    """None when the answer came; otherwise the address from which it was asked. Raises OSError, ValueError for a
    line that is too long for any answer."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_QUESTION.encode())
        answered = False
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():  # to the end: one that is broken off is worth a warning there
                answered = answered or _LAST in line.decode(errors="replace")
                writer.write(b"200 result=1\n")
                await writer.drain()
        return None if answered else str(writer.get_extra_info("sockname")[0])
    finally:
        writer.close()
