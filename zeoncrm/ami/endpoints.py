"""Which of the PBX's own endpoints are phones of ours, and which are trunks: decided by evidence, never by a length."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from zeoncrm.ami.channels import DOWN, RING
from zeoncrm.ami.messages import ChannelSeen, DialBegan, Message
from zeoncrm.ami.parties import HELPERS, PHONES, device_of, dialled_number, is_trunk
from zeoncrm.pipeline.endpoints import Endpoint, EndpointKind, EndpointSign
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.numbers import normalise

_NUMBER = re.compile(r"[0-9]{1,20}")
_CALLER = re.compile(r"\+?[0-9]{1,20}")
# In which states a technology makes the channel of whoever calls the PBX, when not in RING. chan_sip makes those that
# the PBX calls in the same state, but with no number or their own.
_NEW_CALLERS = {"SIP": {DOWN, RING}}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one device. None: the PBX did not tell.

    `registers`: its address comes from its registration (False: it is fixed). `logs_in_there`: the PBX has a log-in
    for it. `own_number`: the caller's number that the PBX puts on its calls. `hints`: the numbers as which the dialplan
    watches it, `alone` those of them as which it watches nothing else.
    """

    device: str
    reachable: bool | None = None
    hints: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    queue_member: bool = False
    registers: bool | None = None
    logs_in_there: bool | None = None
    own_number: str | None = None
    carries_calls: bool = False

    @property
    def name(self) -> str:
        """The device without its technology."""
        return self.device.partition("/")[2]


def judged(evidence: Evidence, numbering: Numbering) -> Endpoint:
    """What the endpoint is.

    The first of these that holds decides:
    1. somebody's extension: a phone; 2. named by `trunks` of the configuration: a trunk; 3. calls of other numbers
    came or went through it: a trunk; 4. the PBX logs in to it: a trunk; 5. its name is no number that could be
    dialled: a trunk when its address is fixed, unclear when the dialplan does not watch it as an extension either;
    6. it registers with the PBX, the dialplan watches it, or it is a member of a queue: a phone; 7. its address is
    fixed: a trunk; 8. unclear.

    A trunk that is taken for a phone would hide its callers; a phone that is taken for the outside shows a call too
    many. So a phone needs a sign, and what is unclear counts as outside.
    """
    device = evidence.device
    extension = _extension(evidence, numbering)
    sign = _sign(evidence, extension, numbering)
    phone = {EndpointSign.PERSON, EndpointSign.REGISTERS, EndpointSign.HINT, EndpointSign.QUEUE_MEMBER}
    unclear = {EndpointSign.NOTHING, EndpointSign.NO_NUMBER}
    kind = EndpointKind.TRUNK
    if sign in phone:
        kind = EndpointKind.PHONE
    elif sign in unclear:
        kind = EndpointKind.UNCLEAR
    return Endpoint(device, kind, sign, evidence.reachable, extension)


def _extension(evidence: Evidence, numbering: Numbering) -> str:
    """Of which extension it is if it is a phone; its name when nothing tells of another.

    Several phones watched as one number are that extension's only when it is somebody's: the number may be a group's.
    So is a port of a card: there may be a line of the telephone company at it, and a lamp for that.
    """
    own = evidence.name
    is_named = is_phone_technology(evidence.device)
    peoples = evidence.hints & numbering.extensions
    if is_named and own in numbering.extensions:
        return own
    if peoples:
        return min(peoples)
    if not is_named or own in evidence.hints or len(evidence.alone) != 1:
        return own
    return min(evidence.alone)


def _sign(evidence: Evidence, extension: str, numbering: Numbering) -> EndpointSign:
    fixed = evidence.registers is False
    may_be_named = is_phone_technology(evidence.device)
    is_named = may_be_named and bool(_NUMBER.fullmatch(evidence.name))
    hinted = extension in evidence.hints and (may_be_named or extension in numbering.extensions)
    rules = (
        (extension in numbering.extensions and (hinted or is_named), EndpointSign.PERSON),
        (is_trunk(evidence.device, evidence.device, numbering.trunks), EndpointSign.CONFIG),
        (evidence.carries_calls, EndpointSign.CARRIES_CALLS),
        (evidence.logs_in_there, EndpointSign.LOGS_IN_THERE),
        (not is_named and fixed, EndpointSign.FIXED_ADDRESS),
        (not is_named and not hinted, EndpointSign.NO_NUMBER),
        (evidence.registers and is_named, EndpointSign.REGISTERS),
        (hinted, EndpointSign.HINT),
        (evidence.queue_member, EndpointSign.QUEUE_MEMBER),
        (fixed, EndpointSign.FIXED_ADDRESS),
    )
    return next((sign for holds, sign in rules if holds), EndpointSign.NOTHING)


def phones_of(endpoints: Iterable[Endpoint]) -> frozenset[str]:
    """The extensions of those that are phones."""
    return frozenset(endpoint.extension for endpoint in endpoints if endpoint.kind is EndpointKind.PHONE)


def named_otherwise(endpoints: Iterable[Endpoint]) -> dict[str, str]:
    """The phones of which the device alone does not tell the extension, with it."""
    phones = (endpoint for endpoint in endpoints if endpoint.kind is EndpointKind.PHONE)
    return {
        each.device: each.extension
        for each in phones
        if each.extension != each.name or not is_phone_technology(each.device)
    }


def device_used_as_trunk(message: Message, own_numbers: Mapping[str, Collection[str]], region: str) -> str | None:
    """The device by which a call of another number comes in or goes out, as the message shows.

    `own_numbers`: the devices that are asked about, each with the numbers that its own calls may have: its name, its
    extension, and the caller's number that the PBX gives it. Coming in, the number counts before the dialplan may have
    changed it; going out, only a full number does: a phone's address may hold anything.
    """
    if isinstance(message, ChannelSeen):
        device, number = "/".join(device_of(message.channel.name)), message.channel.number
        if not message.created or message.channel.state not in _NEW_CALLERS.get(device.partition("/")[0], {RING}):
            return None
        if device not in own_numbers or number is None or not _CALLER.fullmatch(number):
            return None
        own = own_numbers[device]
        return None if number in own or number.removeprefix("+") in own else device
    if isinstance(message, DialBegan):
        device, number = "/".join(device_of(message.target.name)), dialled_number(message.dialled)
        if device in own_numbers and number != device.partition("/")[2] and normalise(number, region) is not None:
            return device
    return None


def is_telephone(device: str) -> bool:
    """Whether it is a device of a technology that has telephones or lines, and not one that only helps: `DAHDI/5`."""
    technology, _, name = device.partition("/")
    return technology not in HELPERS and bool(name)


def is_phone_technology(device: str) -> bool:
    """Whether its technology is one whose device names may be extensions."""
    return device.partition("/")[0] in PHONES
