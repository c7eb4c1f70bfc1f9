"""What the documentation points at is there."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASTERISK = ROOT / "docs/operator/asterisk.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(other), f"{page.name}: {target}"


def test_the_call_records_of_the_operators_guide_are_set_where_asterisk_reads_it() -> None:
    """The lab's PBX runs with the same file."""
    [block] = re.findall(
        r"in `/etc/asterisk/cdr\.conf`.*?```ini\n(.*?)```", ASTERISK.read_text(encoding="utf-8"), re.DOTALL
    )
    told, real = ConfigParser(), ConfigParser(comment_prefixes=(";",))
    told.read_string(block)
    real.read(ROOT / "tests/pbx/config/pbx/cdr.conf")

    assert told.sections() == ["general", "csv"]
    for section in told.sections():
        assert set(told.items(section)) <= set(real.items(section))
