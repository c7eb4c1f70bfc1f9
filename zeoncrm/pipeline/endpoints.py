"""What a PBX has at its ends: phones of ours, and trunks to the outside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EndpointKind(StrEnum):
    """What an endpoint is. Callers at a trunk, and at what is `unclear`, are outside parties."""

    PHONE = "phone"
    TRUNK = "trunk"
    UNCLEAR = "unclear"


class EndpointSign(StrEnum):
    """By what the kind was told."""

    PERSON = "person"  # it is somebody's extension
    CONFIG = "config"  # `trunks` in the configuration names it
    CARRIES_CALLS = "carries_calls"  # calls of other numbers came or went through it
    LOGS_IN_THERE = "logs_in_there"  # the PBX logs in to it
    NO_NUMBER = "no_number"  # its name can't be dialled
    REGISTERS = "registers"  # it registers with the PBX, as phones do
    HINT = "hint"  # the dialplan watches it as an extension
    QUEUE_MEMBER = "queue_member"
    FIXED_ADDRESS = "fixed_address"  # it never registers: the PBX knows where it is
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One device of a PBX: `PJSIP/105`. `reachable` is None when the PBX does not tell. `extension`: of which it is, if
    it is a phone: its own name, or what the dialplan watches it as."""

    device: str
    kind: EndpointKind
    sign: EndpointSign
    reachable: bool | None = None
    extension: str = ""

    @property
    def name(self) -> str:
        """`105`: the device without its technology."""
        return self.device.partition("/")[2]
