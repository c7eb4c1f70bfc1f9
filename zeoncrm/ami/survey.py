"""Asks a PBX what endpoints it has, with the rights that the account needs in any case.

The lists of device states and hints, and `Getvar` of what the channel drivers know of a device, need the right to
write `call`; the list of queue members needs none. The drivers' own lists (`PJSIPShowEndpoints`, `SIPpeers`,
`IAXpeerlist`) need `system` or `reporting`, and tell no more than this but for devices that have never registered;
that of outbound registrations gives the carriers' passwords away. None of them is asked for.
Tried on Asterisk 16 and 22.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from zeoncrm.ami.actions import Asked
from zeoncrm.ami.endpoints import Evidence, is_phone_technology, is_telephone
from zeoncrm.ami.errors import ActionRefused
from zeoncrm.ami.headers import Fields
from zeoncrm.ami.rights import getvar

# A comma or a bracket would change what is asked.
_NAME = re.compile(r"[A-Za-z0-9_.+@-]{1,80}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_NUMBER_IN_BRACKETS = re.compile(r"<\+?([0-9]{1,20})>\s*\Z")
# More than any PBX has; what is beyond it stays unknown.
_MOST = 20_000
# Devices that are asked about at a time: a PBX far away takes its time for each answer.
_AT_ONCE = 50


async def survey(pbx: Asked, known: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """What is known of each device now; what the drivers know of it is asked once, unless it is not in `known`.

    Raises AmiError when the link is lost meanwhile. A list that is refused is taken for empty.
    """
    states = await _states(pbx)
    hints, alone = await _hints(pbx)
    members = await _members(pbx)
    devices = sorted({*filter(is_phone_technology, {*states, *members, *known}), *hints})[:_MOST]
    new = [device for device in devices if device not in known]
    asked = dict(known)
    for start in range(0, len(new), _AT_ONCE):
        some = new[start : start + _AT_ONCE]
        asked |= zip(some, await asyncio.gather(*(_asked_about(pbx, device) for device in some)), strict=True)
    return {
        device: replace(
            asked[device],
            reachable=states.get(device),
            hints=frozenset(hints.get(device, ())),
            alone=frozenset(alone.get(device, ())),
            queue_member=device in members,
        )
        for device in devices
    }


async def _states(pbx: Asked) -> dict[str, bool | None]:
    words = {"UNAVAILABLE": False, "INVALID": False, "UNKNOWN": None}
    entries = await _listed(pbx, "DeviceStateList")
    return {each.get("Device") or "": words.get(each.get("State") or "UNKNOWN", True) for each in entries}


async def _hints(pbx: Asked) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """As which numbers the dialplan watches each device (`105 => PJSIP/desk-anna&Custom:DND105`), and as which of them
    no other device."""
    hints: dict[str, set[str]] = {}
    alone: dict[str, set[str]] = {}
    for each in await _listed(pbx, "ExtensionStateList"):
        number, hint = each.get("Exten") or "", each.get("Hint") or ""
        devices = [part for part in re.split("[&,]", hint) if is_telephone(part)]
        if not _NUMBER.fullmatch(number):
            continue
        for device in devices:
            hints.setdefault(device, set()).add(number)
            if len(devices) == 1:
                alone.setdefault(device, set()).add(number)
    return hints, alone


async def _members(pbx: Asked) -> set[str]:
    """Devices that queues call, or watch for the members that they call by a Local channel."""
    entries = [each for each in await _listed(pbx, "QueueStatus") if each.get("Event") == "QueueMember"]
    return {each.get("StateInterface") or each.get("Location") or "" for each in entries}


async def _listed(pbx: Asked, action: str) -> Iterable[Fields]:
    try:
        return [Fields(frame) for frame in await pbx.listing({"Action": action})]
    except ActionRefused:
        return ()


async def _asked_about(pbx: Asked, device: str) -> Evidence:
    technology, _, name = device.partition("/")
    if not _NAME.fullmatch(name):
        return Evidence(device)
    if technology == "PJSIP":
        return await _pjsip(pbx, device, name)
    if technology == "SIP":
        return await _peer(pbx, device, f"SIPPEER({name}", "callerid_num")
    if technology == "IAX2":
        return await _peer(pbx, device, f"IAXPEER({name}", "callerid_num")
    return Evidence(device)


async def _pjsip(pbx: Asked, device: str, name: str) -> Evidence:
    aors = (await _value(pbx, f"PJSIP_ENDPOINT({name},aors)")).split(",")
    told = [await _registers(pbx, aor) for aor in aors if _NAME.fullmatch(aor)]
    caller = _NUMBER_IN_BRACKETS.search(await _value(pbx, f"PJSIP_ENDPOINT({name},callerid)"))
    return Evidence(
        device,
        registers=next((answer for answer in (True, False) if answer in told), None),
        logs_in_there=bool(await _value(pbx, f"PJSIP_ENDPOINT({name},outbound_auth)")),
        own_number=caller[1] if caller else None,
    )


async def _registers(pbx: Asked, aor: str) -> bool | None:
    """Whether phones register for this address of record; a contact of the configuration is written `NAME@@...`."""
    if "@@" in await _value(pbx, f"PJSIP_AOR({aor},contact)"):
        return False
    most = await _value(pbx, f"PJSIP_AOR({aor},max_contacts)")
    return most.strip("0") != "" if most.isascii() and most.isdigit() else None


async def _peer(pbx: Asked, device: str, function: str, caller: str) -> Evidence:
    dynamic = await _value(pbx, f"{function},dynamic)")
    own = (await _value(pbx, f"{function},{caller})")).lstrip("+")
    return Evidence(device, registers={"yes": True, "no": False}.get(dynamic), own_number=own or None)


async def _value(pbx: Asked, function: str) -> str:
    """What a function of the dialplan gives, evaluated on no channel; empty when the PBX does not tell."""
    return (await getvar(pbx.action, function) or "").strip()
