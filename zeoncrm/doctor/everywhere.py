"""What only a look at all PBXs tells: on which of them an extension is that somebody has wherever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zeoncrm.ami.rights import Rights
from zeoncrm.config import PbxConfig
from zeoncrm.doctor.findings import Finding, ok, problem
from zeoncrm.doctor.line import Line
from zeoncrm.doctor.people import ABSENT, States, few
from zeoncrm.pipeline.people import Directory

PART = "people"


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a PBX leaves. `phones` has nothing of an extension that was not looked for."""

    pbx: PbxConfig
    link: Line
    rights: Rights
    phones: States

    def has(self, extension: str) -> bool | None:
        """Whether there is a phone of that extension; None when the PBX does not tell."""
        state = self.phones.get(extension)
        return None if state is None else state != ABSENT


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom `--call` rings: an extension, and perhaps on which PBX. Written `105@branch`, as on the pages of people."""

    extension: str
    pbx: str | None = None

    def part(self, pbxs: int) -> str:
        """What its findings stand under, with so many PBXs."""
        return f"call {self.extension}" if pbxs < 2 or self.pbx is None else f"call {self.extension}@{self.pbx}"


def elsewhere(people: Directory, pbx: str) -> frozenset[str]:
    """Extensions that are somebody's on every PBX: they may be another one's."""
    rows = [row for row in people.rows if row.active]
    own = {number for row in rows for where, number in row.extensions if where == pbx}
    return frozenset(number for row in rows for where, number in row.extensions if not where) - own


def everywhere_findings(people: Directory, looks: Sequence[Look], away: Sequence[str]) -> list[Finding]:
    """Of such extensions: on which PBX each is found, and which are on none. `away`: PBXs that could not be asked."""
    owners = {number: row.login for row in people.rows if row.active for where, number in row.extensions if not where}
    found: dict[tuple[str, ...], list[str]] = {}
    untold = {number for number in owners for look in looks if look.has(number) is None}
    for number in sorted(owners):
        found.setdefault(tuple(look.pbx.name for look in looks if look.has(number)), []).append(number)
    lost = [number for number in found.pop((), []) if number not in untold]
    told = [ok(PART, f"on {' and '.join(where)}: {few(numbers)}") for where, numbers in sorted(found.items())]
    if lost:
        text = f"no PBX has a phone for {few(f'{number} ({owners[number]})' for number in lost)}"
        told.append(problem(PART, "extension-unknown", text + (f"; not asked: {few(away)}" if away else "")))
    return told


def ringing(wanted: Wanted, people: Directory, looks: Sequence[Look], pbxs: Sequence[PbxConfig]) -> PbxConfig | None:
    """The PBX on which to ring: the one that is named; else the first that has a phone for the extension.

    One on which it is somebody's goes before one on which it is nobody's, and that before one that does not tell.
    """
    if wanted.pbx is not None:
        return next((pbx for pbx in pbxs if pbx.name == wanted.pbx), None)
    has = {look.pbx.name: look.has(wanted.extension) for look in looks}

    def rank(pbx: PbxConfig) -> tuple[bool, bool, bool]:
        there, owned = has.get(pbx.name), people.person_with(wanted.extension, pbx.name) is not None
        return (there is not True, not owned, there is False)

    return min(pbxs, key=rank, default=None)
