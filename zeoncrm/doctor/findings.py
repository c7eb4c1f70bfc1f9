"""What doctor found, and how it is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from zeoncrm.doctor.remedies import PARAGRAPHS, REMEDIES


class State(StrEnum):
    """A note is worth knowing and may be meant so; a problem is not."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `id` names the paragraph of the operator's guide, for what is not ok; `part` what was looked at."""

    part: str
    state: State
    text: str
    id: str | None = None

    @property
    def remedy(self) -> str | None:
        """What to do about it."""
        return None if self.id is None else REMEDIES[self.id]


def ok(part: str, text: str) -> Finding:
    """It works."""
    return Finding(part, State.OK, text)


def note(part: str, id: str, text: str) -> Finding:
    """It may be meant so."""
    return Finding(part, State.NOTE, text, id)


def problem(part: str, id: str, text: str) -> Finding:
    """It does not work."""
    return Finding(part, State.PROBLEM, text, id)


_COLOURS = {State.OK: "32", State.NOTE: "33", State.PROBLEM: "31;1"}
_INDENT = " " * 9


def line(finding: Finding, *, colour: bool) -> str:
    """A finding for people: the state, the part, the text, and below it the remedy."""
    word = f"{finding.state:8}"
    if colour:
        word = f"\033[{_COLOURS[finding.state]}m{word}\033[0m"
    first = f"{word} {finding.part}: {_plain(finding.text)}"
    if finding.id is None:
        return first
    return f"{first}\n{_INDENT}{finding.remedy}\n{_INDENT}{PARAGRAPHS}#{finding.id}"


def show(finding: Finding) -> None:
    """Print it now: what hangs later must not hide what is known."""
    print(line(finding, colour=sys.stdout.isatty()), flush=True)


def json_text(findings: Iterable[Finding]) -> str:
    """All of it for a machine; fields are only added."""
    found = list(findings)
    listed: list[dict[str, Any]] = [
        asdict(each) | {"remedy": each.remedy, "see": None if each.id is None else f"{PARAGRAPHS}#{each.id}"}
        for each in found
    ]
    healthy = all(each.state is not State.PROBLEM for each in found)
    return json.dumps({"ok": healthy, "findings": listed}, ensure_ascii=False, indent=2)


def _plain(text: str) -> str:
    """What a PBX, a web server or a database says must not move the terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
