"""The states of the phones: Asterisk's device states.

The list needs the right to write `call` (or `reporting`), the changes that to read `call`. A PBX without
res_manager_devicestate tells nothing: then only calls show who is busy. A phone that put its caller on hold is in use
as before (that it did is told by events of calls); `ONHOLD` is the device of whoever waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from zeoncrm.ami.endpoints import is_telephone
from zeoncrm.ami.headers import Fields, Lookup
from zeoncrm.ami.link import Listing
from zeoncrm.ami.messages import Message
from zeoncrm.ami.parties import PHONES
from zeoncrm.pipeline.presence import PhoneState

# More than any PBX has; what is beyond it is not kept.
MOST_PHONES = 20_000
_STATES = {
    "NOT_INUSE": PhoneState.FREE,
    "INUSE": PhoneState.TALKING,
    "BUSY": PhoneState.TALKING,
    "ONHOLD": PhoneState.TALKING,
    "RINGINUSE": PhoneState.TALKING,
    "RINGING": PhoneState.RINGING,
    "UNAVAILABLE": PhoneState.UNREACHABLE,
    "INVALID": PhoneState.UNREACHABLE,
}
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class PhoneChanged(Message):
    """The state of a device that may be a phone: technology and name, as in `PJSIP/101`."""

    device: str
    state: PhoneState


@dataclass(frozen=True, slots=True)
class PhonesListed(Message):
    """The state of each phone. What is heard after it may be older than it, but the last word is the newest."""

    phones: Mapping[str, PhoneState]


class Phones:
    """The phones of one PBX."""

    def __init__(self) -> None:
        self._states: dict[str, PhoneState] = {}

    def by_extension(self, devices: Mapping[str, str]) -> Mapping[str, PhoneState]:
        """The state of each extension; of several devices the one that tells most. `devices`: those that are not named
        by their extension."""
        found: dict[str, PhoneState] = {}
        ranks = list(PhoneState)
        for device, state in self._states.items():
            extension = devices.get(device)
            if extension is None:
                technology, _, extension = device.partition("/")
                if technology not in PHONES:
                    continue
            found[extension] = max(state, found.get(extension, state), key=ranks.index)
        return found

    def feed(self, message: Message) -> bool:
        """Take the message if it is about phones; says whether anything is other than before."""
        if isinstance(message, PhonesListed):
            before, self._states = self._states, dict(message.phones)
            return before != self._states
        if not isinstance(message, PhoneChanged) or self._states.get(message.device) is message.state:
            return False
        if len(self._states) < MOST_PHONES or message.device in self._states:
            self._states[message.device] = message.state
        return True

    def forget(self) -> None:
        """The link is lost: nothing is known."""
        self._states.clear()


def _read(headers: Lookup, at: datetime) -> PhoneChanged | None:
    device = headers.get("Device") or ""
    if not is_telephone(device) or len(device) > _LONGEST:
        return None
    return PhoneChanged(at, device, _STATES.get(headers.get("State") or "", PhoneState.UNKNOWN))


def _listed(frames: Sequence[bytes], at: datetime) -> PhonesListed:
    changes = (_read(Fields(frame), at) for frame in frames)
    return PhonesListed(at, {each.device: each.state for each in changes if each is not None})


PARSERS = {b"DeviceStateChange": _read}
LISTING = Listing("DeviceStateList", _listed, "the states of phones are not known: only calls show who is busy")
