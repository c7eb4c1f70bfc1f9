"""Rights, class by class."""

from __future__ import annotations

from zeoncrm.ami.rights import NEEDED, Right, Rights, classes
from zeoncrm.doctor.findings import Finding, note, ok, problem

# Events that are most of a busy PBX's traffic and tell us nothing, and actions with which the secret is the whole PBX.
_HEAVY = frozenset({"all", "dialplan", "verbose", "dtmf", "reporting", "agi", "command", "log"})
_MIGHTY = frozenset({"all", "command", "config", "system"})


def right_findings(part: str, rights: Rights, written: str | None, *, booted: bool) -> list[Finding]:
    """What the account may do, and what it lacks. `written`: the line `write` of manager.conf, None if not known."""
    found = [_lacked(part, right) for right in NEEDED if rights.has(right) is False]
    held = [right.key for right in NEEDED if rights.has(right)]
    if held:
        found.insert(0, ok(part, f"rights: {', '.join(held)}"))
    if rights.read is None:
        known = ", but for read = system, which it has" if booted else ""
        found.append(note(part, "rights-unknown", f"what the account may read can't be learned{known}"))
    found += _too_many(part, rights)
    if rights.write is not None and written is not None and _differs(rights.write, classes(written)):
        text = f"manager.conf says write = {written}, but the account was given {_listed(rights.write)}"
        found.append(problem(part, "rights-not-reloaded", text))
    return found


def _lacked(part: str, right: Right) -> Finding:
    return problem(part, f"right-{right.kind}-{right.name}", f"the account lacks {right.key}: {right.cost}")


def _too_many(part: str, rights: Rights) -> list[Finding]:
    more = [f"read = {name}" for name in sorted((rights.read or frozenset()) & _HEAVY)]
    more += [f"write = {name}" for name in sorted((rights.write or frozenset()) & _MIGHTY)]
    return [note(part, "rights-too-many", f"more rights than needed: {', '.join(more)}")] if more else []


def _differs(given: frozenset[str], written: frozenset[str]) -> bool:
    """Of the classes that are needed: of others no action may exist by which they could be told."""
    needed = {right.name for right in NEEDED if right.kind == "write"}
    return "all" not in written and given & needed != written & needed


def _listed(names: frozenset[str]) -> str:
    return ",".join(sorted(names)) or "nothing"
