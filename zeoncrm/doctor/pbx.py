"""One PBX: whether it is reached, lets us in, gives what is needed, and is one that we know."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from zeoncrm.ami.condition import Condition, learn_condition
from zeoncrm.ami.errors import ActionRefused, AmiError, LinkLost, is_in_use
from zeoncrm.ami.link import PbxAccount
from zeoncrm.ami.rights import WRITE_CALL, Rights, getvar, learn_rights, own_setting
from zeoncrm.config import PbxConfig
from zeoncrm.doctor.dialplan import examine_dialplan
from zeoncrm.doctor.everywhere import Look, elsewhere
from zeoncrm.doctor.findings import Finding, note, ok, problem
from zeoncrm.doctor.line import CONNECT, Line, who_answers
from zeoncrm.doctor.people import ABSENT, States, examine_phones, phone_states
from zeoncrm.doctor.rights import right_findings
from zeoncrm.pipeline.people import Directory

Say = Callable[[Finding], None]

OLDEST, NEWEST = 13, 22
_MAJOR = re.compile(r"(?:\A|/)([0-9]{1,2})[.-]")


@dataclass(frozen=True, slots=True)
class Who:
    """Whose phones are looked for. `call`: an extension that is to be rung; `several`: there are other PBXs."""

    people: Directory
    region: str
    call: str | None = None
    several: bool = False


async def examine_pbx(link: Line, pbx: PbxConfig, who: Who, say: Say) -> Look | None:
    """Say what is found. Gives what was looked at, None when the PBX could not be asked to the end."""
    part = f"pbx {pbx.name}"
    try:
        if await _reached(link, pbx, part, say) and await _let_in(link, pbx, part, say):
            look = await _examine(link, pbx, who, say)
            link.must_stand()
            return look
    except AmiError as error:
        say(problem(part, "pbx-hangs", f"it stopped answering: {error}"))
    return None


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


async def _examine(link: Line, pbx: PbxConfig, who: Who, say: Say) -> Look:
    part = f"pbx {pbx.name}"
    rights = await learn_rights(link.action, pbx.username)
    written = await own_setting(link.action, pbx.username, "write") or None
    for finding in right_findings(part, rights, written, booted=link.booted):
        say(finding)
    await _version(link, part, say)
    for finding in condition_findings(part, await learn_condition(link.action, pbx.username)):
        say(finding)
    return Look(pbx, link, rights, await _dialplan_and_phones(link, pbx, who, rights, say))


async def _dialplan_and_phones(link: Line, pbx: PbxConfig, who: Who, rights: Rights, say: Say) -> States:
    numbering = who.people.numbering(pbx.name, who.region, pbx.trunks)
    away = elsewhere(who.people, pbx.name) if who.several else frozenset()
    may_ask = rights.has(WRITE_CALL) is not False
    wanted = numbering.extensions | ({who.call} if who.call else set())
    states = await phone_states(link, pbx, wanted) if may_ask else {}
    there = [each for each in numbering.extensions if each not in away or states.get(each) != ABSENT]
    await examine_dialplan(link, pbx, there, who.region, rights, say)
    if may_ask:
        of_people = {each: state for each, state in states.items() if each in numbering.extensions}
        names = {each.name for each in await examine_phones(link, pbx, numbering, of_people, away, say)}
        # Those of another technology than a click would ring have been told of.
        states = {each: None if state == ABSENT and each in names else state for each, state in states.items()}
    return states


def condition_findings(part: str, condition: Condition) -> list[Finding]:
    """What is to be said of the write timeout and the clock."""
    found = []
    if condition.write_timeout is not None:
        text = f"writetimeout is {condition.write_timeout} ms"
        short = problem(part, "write-timeout", f"{text}: a moment's stall cuts the link")
        found.append(short if condition.cuts_soon else ok(part, text))
    if condition.clock_ahead is not None:
        far = abs(condition.clock_ahead)
        way = "ahead" if condition.clock_ahead > 0 else "behind"
        shown = (datetime.now(UTC) + timedelta(seconds=condition.clock_ahead)).isoformat(timespec="seconds")
        differs = problem(part, "clock", f"its clock is {far:.0f} s {way}: {shown}")
        found.append(differs if condition.clocks_differ else ok(part, f"its clock agrees with ours to {far:.1f} s"))
    return found


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
