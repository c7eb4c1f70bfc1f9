"""People against phones: who has none, which are nobody's, which lines lead outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from zeoncrm.ami.control import channel_for
from zeoncrm.ami.endpoints import judged
from zeoncrm.ami.errors import BadHeader
from zeoncrm.ami.parties import is_trunk
from zeoncrm.ami.rights import getvar
from zeoncrm.ami.survey import survey
from zeoncrm.config import PbxConfig
from zeoncrm.doctor.findings import Finding, note, ok, problem
from zeoncrm.doctor.line import Line
from zeoncrm.pipeline.endpoints import Endpoint, EndpointKind
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.people import Directory, Role

Say = Callable[[Finding], None]

# Of each extension that is looked for, Asterisk's word for its device.
States = Mapping[str, str | None]
Away = Collection[str]
# Asterisk's word for a device that it does not have.
ABSENT = "INVALID"
_LISTED = 12
# What may stand in a question about a device: a comma or a bracket would change it.
_DEVICE = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9_.+@:/-]{1,100}")


def people_findings(people: Directory) -> list[Finding]:
    """What the people alone tell, whatever the PBXs are."""
    part = "people"
    active = [row for row in people.rows if row.active]
    if not active:
        return [problem(part, "people-none", "there is nobody yet: no one can log in, and no call is anybody's")]
    found = [ok(part, f"{len(active)} people, {sum(bool(row.extensions) for row in active)} of them with an extension")]
    if phoneless := [row.login for row in active if row.role == Role.REP and not row.extensions]:
        found.append(note(part, "person-without-phone", f"reps without an extension get no pop-up: {few(phoneless)}"))
    for each in people.contested():
        text = f"{each.extension} is {each.everywhere}'s on every PBX, and {each.there}'s on {each.pbx}"
        found.append(problem(part, "extension-claimed-twice", f"{text}, whose calls it counts as there"))
    return found


def pbx_findings(people: Directory, pbxs: Collection[str]) -> list[Finding]:
    """Extensions on a PBX that the config does not name: nothing ever comes of them."""
    rows = (row for row in people.rows if row.active)
    lost = [
        f"{number}@{pbx} ({row.login})" for row in rows for pbx, number in row.extensions if pbx and pbx not in pbxs
    ]
    return [problem("people", "extension-elsewhere", f"no [[pbx]] has the name: {few(lost)}")] if lost else []


async def phone_states(link: Line, pbx: PbxConfig, extensions: Iterable[str]) -> States:
    """Of each extension Asterisk's word for its device; None when it tells none."""
    return {each: await _state(link, pbx, each) for each in sorted(extensions)}


async def examine_phones(
    link: Line, pbx: PbxConfig, numbering: Numbering, states: States, away: Away, say: Say
) -> Sequence[Endpoint]:
    """Say what the PBX knows of the people's phones, and what else it has; gives all that it has.

    `away`: extensions that may be on another PBX instead; that they are not on this one is no fault.
    """
    endpoints = [judged(each, numbering) for each in (await survey(link, {})).values()]
    for finding in phone_findings(pbx, states, endpoints, away):
        say(finding)
    for finding in trunk_findings(pbx, endpoints):
        say(finding)
    return endpoints


def phone_findings(pbx: PbxConfig, states: States, endpoints: Sequence[Endpoint], away: Away) -> list[Finding]:
    """What is to be said of the people's phones, and of those that are nobody's."""
    part = f"pbx {pbx.name}"
    found = []
    of_others = {each.name for each in endpoints}
    unknown = [each for each, state in states.items() if state == ABSENT and (each in of_others or each not in away)]
    if unknown:
        found.append(_unknown(pbx, unknown, endpoints))
    if gone := [each for each, state in states.items() if state == "UNAVAILABLE"]:
        found.append(note(part, "phone-unreachable", f"not registered, or not answering: {few(gone)}"))
    if fine := [each for each, state in states.items() if state not in (ABSENT, "UNAVAILABLE", None)]:
        found.append(ok(part, f"{len(fine)} of the people's phones {'is' if len(fine) == 1 else 'are'} reachable"))
    phones = (each for each in endpoints if each.kind is EndpointKind.PHONE and each.extension not in states)
    if strangers := [each.device for each in phones]:
        found.append(note(part, "phone-without-person", f"phones that are nobody's: {few(strangers)}"))
    return found


def _unknown(pbx: PbxConfig, unknown: list[str], endpoints: Sequence[Endpoint]) -> Finding:
    part = f"pbx {pbx.name}"
    others = [each.device for each in endpoints if each.extension in unknown]
    if others:
        text = f"originate_channel makes {pbx.originate_channel} of them, but the PBX has {few(others)}"
        return problem(part, "originate-channel", text)
    devices = [pbx.originate_channel.replace("{extension}", each) for each in unknown]
    return problem(part, "extension-unknown", f"the PBX has no {few(devices)}")


def trunk_findings(pbx: PbxConfig, endpoints: Iterable[Endpoint]) -> list[Finding]:
    """Which lines lead outside."""
    part = f"pbx {pbx.name}"
    known = list(endpoints)
    found = []
    lines = [each for each in known if each.kind is EndpointKind.TRUNK]
    if lines:
        found.append(ok(part, f"lines to the outside: {few(each.device for each in lines)}"))
    elif known and not pbx.trunks:
        found.append(note(part, "trunk-none", "no line to the outside was recognised"))
    if away := [each.device for each in lines if each.reachable is False]:
        found.append(note(part, "trunk-unreachable", f"lines that are not reachable: {few(away)}"))
    devices = [each.device for each in known]
    if idle := [pattern for pattern in pbx.trunks if not any(is_trunk(each, each, (pattern,)) for each in devices)]:
        found.append(note(part, "trunk-unmatched", f"`trunks` names what was not found: {few(idle)}"))
    if unclear := [each.device for each in known if each.kind is EndpointKind.UNCLEAR]:
        found.append(note(part, "endpoint-unclear", f"phone or line is not clear, so outside: {few(unclear)}"))
    return found


async def _state(link: Line, pbx: PbxConfig, extension: str) -> str | None:
    """Asterisk's word for the device which a click rings; of a Local channel it says whether there is one."""
    try:
        device = channel_for(pbx.originate_channel, extension).removesuffix("/n")
    except BadHeader:
        return None
    return await getvar(link.action, f"DEVICE_STATE({device})") if _DEVICE.fullmatch(device) else None


def few(names: Iterable[str]) -> str:
    """Some of them, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more
