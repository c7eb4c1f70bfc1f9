"""The web address: whether the daemon serves there, or could."""

from __future__ import annotations

import asyncio
import base64
import errno
import ipaddress
import re
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from zeoncrm.config import WebConfig
from zeoncrm.doctor.findings import Finding, note, ok, problem

Say = Callable[[Finding], None]

PART = "web"
SECONDS = 10.0
_MOST = 1 << 16
# So much is shown of an error, in which may stand all that was sent.
_SHOWN = 200
_FILES = {"recordings": "the recordings", "cdr": "the call records"}
# By what doctor names the same when it meets it.
_SAME = {"recordings": ("recordings-folder",), "cdr": ("cdr-away", "cdr-not-understood", "cdr-timezone")}
_TROUBLE = re.compile(r'^zeoncrm_(recordings|cdr)_trouble\{pbx="([A-Za-z0-9_.-]+)"\} 1', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the running daemon can't read, as it counts: `recordings` or `cdr` of a PBX."""

    kind: str
    pbx: str


class LinkTold(BaseModel):
    """What the daemon says of its own link to a PBX."""

    model_config = ConfigDict(strict=True)

    state: str
    reason: str | None = None


class Ready(BaseModel):
    """What /readyz says, as far as doctor reads it."""

    model_config = ConfigDict(strict=True)

    database: str
    pbx: dict[str, LinkTold]


async def examine_web(web: WebConfig, say: Say) -> Sequence[Trouble] | None:
    """Say who answers at the address, and at the one by which browsers come; gives the troubles of the daemon, None
    when it does not run."""
    troubles = None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(web.host, web.host)  # noqa: S104 - compared, not listened on
    address = f"http://{f'[{host}]' if ':' in host else host}:{web.port}"
    if web.port == 0:
        say(note(PART, "web-port-any", "port 0: each start takes another one"))
    else:
        troubles = await _at_home(web, address, say)
    if web.public_url is not None:
        for finding in await _in_public(web.public_url.rstrip("/")):
            say(finding)
    elif not is_loopback(web.host):
        say(note(PART, "web-in-the-clear", f"{web.host} is open to the network, without HTTPS"))
    return troubles


async def _at_home(web: WebConfig, address: str, say: Say) -> Sequence[Trouble] | None:
    try:
        ready = await _ready(address)
    except aiohttp.ClientConnectorError as error:
        say(await asyncio.to_thread(_free, web, address, error))
        return None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        say(problem(PART, "web-not-ours", f"{address} does not answer as zeoncrm does: {_why(error)}"))
        return None
    if ready is None:
        say(problem(PART, "web-not-ours", f"another program answers at {address}"))
        return None
    if ready.database == "ok":
        say(ok(PART, f"zeoncrm serves at {address}"))
    else:
        say(problem(PART, "web-not-ready", f"zeoncrm at {address} is not ready: database: {ready.database}"))
    for name, link in ready.pbx.items():
        say(_link(name, link))
    return [Trouble(kind, pbx) for kind, pbx in dict.fromkeys(_TROUBLE.findall(await _metrics(address)))]


def trouble_findings(troubles: Sequence[Trouble], told: Sequence[Finding]) -> list[Finding]:
    """The daemon's troubles that doctor has not met itself: it may be another user, and systemd hides folders."""
    known = {(each.part, each.id) for each in told}
    return [
        problem(PART, "daemon-files", f"the running daemon has trouble with {_FILES[each.kind]} of {each.pbx}")
        for each in troubles
        if not any((f"pbx {each.pbx}", id) in known for id in _SAME[each.kind])
    ]


def _link(name: str, link: LinkTold) -> Finding:
    """The daemon's own link: its rights are those of its last log-in."""
    text = f"the daemon's link to {name} is {link.state}"
    if link.state == "up" and not link.reason:
        return ok(PART, text)
    return problem(PART, "link-not-up", f"{text}: {link.reason}" if link.reason else text)


def _free(web: WebConfig, address: str, error: aiohttp.ClientConnectorError) -> Finding:
    """Nobody answers: could the daemon listen there?"""
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((web.host, web.port))
    except OSError as refusal:
        word = "is taken" if refusal.errno == errno.EADDRINUSE else f"can't be had: {refusal.strerror or refusal}"
        return problem(PART, "web-port", f"{web.host}:{web.port} {word}")
    return note(PART, "web-not-running", f"{address} is free: the daemon does not run")


async def _in_public(url: str) -> list[Finding]:
    found = []
    if not url.startswith("https://") and not is_loopback(urlsplit(url).hostname or ""):
        found.append(note(PART, "web-in-the-clear", f"public_url {url} is without HTTPS"))
    try:
        ready = await _ready(url)
        socket_passes = ready is not None and await _takes_sockets(url)
    except aiohttp.ClientConnectorCertificateError as error:
        text = f"{url}: the certificate is not accepted: {error.certificate_error}"
        return [*found, problem(PART, "public-url", text)]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return [*found, note(PART, "public-url", f"{url} can't be reached from here: {_why(error)}")]
    if ready is None:
        return [*found, problem(PART, "public-url", f"{url} leads to another program")]
    if not socket_passes:
        return [*found, problem(PART, "public-socket", f"{url} leads here, but no live socket gets through: no pop-up")]
    return [*found, ok(PART, f"{url} leads here, live socket too")]


async def _takes_sockets(url: str) -> bool:
    """Whether the handshake of a live socket, as a browser sends it, comes through whole. It is refused: nobody is
    logged in."""
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Origin": url,
    }
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=False) as http,
        http.get(f"{url}/api/v1/live", headers=handshake, allow_redirects=False) as answer,
    ):
        return "live socket" in answer.headers.get("WWW-Authenticate", "")


async def _ready(address: str) -> Ready | None:
    """What /readyz says; None when it is not ours."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=False) as http,
        http.get(f"{address}/readyz", allow_redirects=False) as answer,
    ):
        try:
            await answer.content.readexactly(_MOST)
        except asyncio.IncompleteReadError as end:
            body = end.partial
        else:
            return None
    try:
        return Ready.model_validate_json(body)
    except ValidationError:
        return None


async def _metrics(address: str) -> str:
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as http,
            http.get(f"{address}/metrics") as answer,
        ):
            return await answer.text(errors="replace")
    except (aiohttp.ClientError, TimeoutError, OSError):
        return ""  # what has just answered has gone: the next line to be looked at says so


def is_loopback(host: str) -> bool:
    """Whether the address or name is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why(error: BaseException) -> str:
    return str(error)[:_SHOWN] or type(error).__name__
