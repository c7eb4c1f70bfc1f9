"""The dialplan of the lab's PBX, which many files make up: Asterisk takes the first of two that say the same."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).parent / "config/pbx"


def test_no_number_is_given_to_two_scenarios() -> None:
    steps: Counter[tuple[str, str, str]] = Counter()
    for file in sorted(FOLDER.glob("extensions*.conf")):
        context = ""
        for line in file.read_text().splitlines():
            if header := re.match(r"\[([^]]+)\]", line):
                context = header[1]
            elif step := re.match(r"exten => ([^,]+),([^,]+),", line):
                steps[context, step[1], step[2]] += 1
    assert [step for step, times in steps.items() if times > 1] == []
