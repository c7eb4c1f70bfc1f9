"""One PBX: whether it is reached, lets us in, gives what is needed, and is one that we know."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

from zeoncrm.ami.errors import ActionRefused, AmiError, LinkLost, is_in_use
from zeoncrm.ami.link import PbxAccount
from zeoncrm.ami.rights import WRITE_CALL, Rights, getvar, learn_rights, own_setting
from zeoncrm.config import PbxConfig
from zeoncrm.doctor.call import ring
from zeoncrm.doctor.dialplan import examine_dialplan
from zeoncrm.doctor.findings import Finding, note, ok, problem
from zeoncrm.doctor.line import CONNECT, Line, line, who_answers
from zeoncrm.doctor.people import examine_phones
from zeoncrm.doctor.rights import right_findings
from zeoncrm.pipeline.people import Directory

Say = Callable[[Finding], None]

OLDEST, NEWEST = 13, 22
CLOCK_SECONDS = 10.0
_MAJOR = re.compile(r"(?:\A|/)([0-9]{1,2})[.-]")


async def examine_pbx(pbx: PbxConfig, people: Directory, region: str, call: str | None, say: Say) -> None:
    """Say what is found. `call`: the extension to ring at the end."""
    part = f"pbx {pbx.name}"
    async with line() as link:
        try:
            if await _reached(link, pbx, part, say) and await _let_in(link, pbx, part, say):
                rights = await _examine(link, pbx, people, region, say)
                if call is not None:
                    await ring(link, pbx, rights, call, say)
                link.must_stand()
        except AmiError as error:
            say(problem(part, "pbx-hangs", f"it stopped answering: {error}"))


async def _reached(link: Line, pbx: PbxConfig, part: str, say: Say) -> bool:
    try:
        async with asyncio.timeout(CONNECT):
            await asyncio.get_running_loop().getaddrinfo(pbx.host, pbx.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        say(problem(part, "pbx-host-unknown", f"the name {pbx.host} leads to no address"))
        return False
    try:
        greeting = await link.open(pbx.host, pbx.port)
    except LinkLost as error:
        say(await _unreached(pbx, part, error))
        return False
    say(ok(part, f"{pbx.host}:{pbx.port} answers as {greeting}"))
    return True


async def _unreached(pbx: PbxConfig, part: str, error: LinkLost) -> Finding:
    text = str(error)
    if isinstance(error.__cause__, ConnectionRefusedError):
        return problem(part, "pbx-refused", f"nothing listens on {pbx.host}:{pbx.port}")
    if text.startswith("no connection"):
        return problem(part, "pbx-unreachable", text)
    if "nothing came" in text:
        speaker = await who_answers(pbx.host, pbx.port)
        if speaker is None:
            return problem(part, "pbx-hangs", f"{pbx.host}:{pbx.port}: {text}")
        text = f"no AMI answers there, but {speaker}"
    return problem(part, "pbx-not-ami", f"{pbx.host}:{pbx.port}: {text}")


async def _let_in(link: Line, pbx: PbxConfig, part: str, say: Say) -> bool:
    account = PbxAccount(pbx.name, pbx.host, pbx.port, pbx.username, pbx.read_secret())
    address = link.address
    try:
        await link.log_in(account)
    except ActionRefused as refusal:
        if is_in_use(refusal):
            say(problem(part, "login-in-use", f"{pbx.username} is logged in already, and may be but once"))
            return False
        text = f"{pbx.username} is not let in from {address}: Asterisk says {str(refusal)!r}"
        say(problem(part, "login-refused", text))
        return False
    say(ok(part, f"logged in as {pbx.username}"))
    return True


async def _examine(link: Line, pbx: PbxConfig, people: Directory, region: str, say: Say) -> Rights:
    part = f"pbx {pbx.name}"
    rights = await learn_rights(link.action, pbx.username)
    written = await own_setting(link.action, pbx.username, "write") or None
    for finding in right_findings(part, rights, written, booted=link.booted):
        say(finding)
    await _write_timeout(link, pbx, part, say)
    await _version(link, part, say)
    await _clock(link, part, say)
    await examine_dialplan(link, pbx, people, region, rights, say)
    if rights.has(WRITE_CALL) is not False:
        await examine_phones(link, pbx, people, region, say)
    return rights


async def _write_timeout(link: Line, pbx: PbxConfig, part: str, say: Say) -> None:
    setting = await own_setting(link.action, pbx.username, "writetimeout")
    if setting is None:
        return
    milliseconds = int(setting) if setting.isascii() and setting.isdigit() else 100
    if milliseconds < 1000:
        say(problem(part, "write-timeout", f"writetimeout is {milliseconds} ms: a moment's stall cuts the link"))
    else:
        say(ok(part, f"writetimeout is {milliseconds} ms"))


async def _version(link: Line, part: str, say: Say) -> None:
    version = await getvar(link.action, "VERSION()")
    found = _MAJOR.search(version or "")
    if not version or found is None:
        return
    major = int(found[1])
    if major < OLDEST:
        say(problem(part, "asterisk-too-old", f"Asterisk {version}: at least {OLDEST} is needed"))
    elif major > NEWEST:
        say(note(part, "asterisk-untried", f"Asterisk {version} is newer than {NEWEST}, the newest that was tried"))
    else:
        say(ok(part, f"Asterisk {version}"))


async def _clock(link: Line, part: str, say: Say) -> None:
    sent = time.time()
    reply = await link.action({"Action": "Ping"})
    ours = (sent + time.time()) / 2
    try:
        theirs = float(reply.headers.get("Timestamp", ""))
    except ValueError:
        return
    ahead = theirs - ours
    if abs(ahead) <= CLOCK_SECONDS:
        say(ok(part, f"its clock agrees with ours to {abs(ahead):.1f} s"))
        return
    shown = datetime.fromtimestamp(theirs, UTC).isoformat(timespec="seconds")
    say(problem(part, "clock", f"its clock is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}: {shown}"))
