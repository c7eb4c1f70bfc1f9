"""Each finding that is not ok has its remedy and its paragraph, and no paragraph is left over."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from zeoncrm.ami.rights import NEEDED
from zeoncrm.doctor.remedies import PARAGRAPHS, REMEDIES

ROOT = Path(__file__).parents[2]


def used() -> set[str]:
    """The ids that the code gives to `problem` and `note`."""
    found = {f"right-{right.kind}-{right.name}" for right in NEEDED}
    for file in (ROOT / "zeoncrm" / "doctor").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("problem", "note"):
                id = node.args[1]
                if isinstance(id, ast.Constant):
                    found.add(str(id.value))
    return found


def test_each_finding_has_a_remedy_and_each_remedy_a_finding() -> None:
    assert used() == set(REMEDIES)


def test_each_finding_has_a_paragraph_and_each_paragraph_a_finding() -> None:
    text = (ROOT / PARAGRAPHS).read_text(encoding="utf-8")
    headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert sorted(headings) == sorted(REMEDIES)


def test_each_paragraph_says_something() -> None:
    text = (ROOT / PARAGRAPHS).read_text(encoding="utf-8")
    empty = re.findall(r"^### (.+)\n+(?=#)", text, re.MULTILINE)
    assert not empty


def test_each_remedy_is_a_line() -> None:
    assert all("\n" not in remedy and len(remedy) < 160 for remedy in REMEDIES.values())
