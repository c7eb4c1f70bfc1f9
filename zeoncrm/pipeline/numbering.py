"""Which numbers are ours: what the PBX side needs to know to tell our people from the outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Numbering:
    """The extensions and outside numbers of one PBX, as a value that is replaced when people or phones change.

    `extensions` are the people's, and those of phones of the PBX that are nobody's yet. `outside` maps a number in
    E.164 (a mobile that is a person's own) to that person's extension. `trunks` are channel patterns
    (`PJSIP/carrier*`); when empty, whatever is not a known extension's device is outside. `devices` says of phones that
    are not named by their extension which one they are of: `PJSIP/desk-anna` of 101.
    """

    region: str
    extensions: frozenset[str] = frozenset()
    outside: Mapping[str, str] = field(default_factory=dict)
    trunks: tuple[str, ...] = ()
    devices: Mapping[str, str] = field(default_factory=dict)
