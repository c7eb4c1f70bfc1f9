"""How many of the hard cases the CRM got right on a real PBX, by kind and version of Asterisk: the table at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest

from tests.pbx.scenarios.scenario import Scenario


class Case(NamedTuple):
    """A scenario that was played."""

    kind: str
    version: str
    right: bool


def properties_of(scenario: Scenario, version: str) -> list[tuple[str, object]]:
    """What a test's report says of the scenario that it plays."""
    return [("hard_case", scenario.kind), ("asterisk", version)]


def cases_in(reports: Iterable[object]) -> Iterator[Case]:
    """The scenarios among the reports of a run."""
    for report in reports:
        if isinstance(report, pytest.TestReport) and report.when == "call":
            said = dict(report.user_properties)
            if "hard_case" in said:
                yield Case(str(said["hard_case"]), str(said["asterisk"]), report.passed)


def table(cases: Iterable[Case]) -> list[str]:
    """The share that is right, a line a kind and a column a version; empty without cases."""
    known = list(cases)
    versions = sorted({case.version for case in known}, reverse=True)
    kinds = list(dict.fromkeys(sorted(case.kind for case in known)))
    rows = [(kind, [case for case in known if case.kind == kind]) for kind in kinds]
    rows += [("all", known)] if known else []
    width = max((len(kind) for kind in kinds), default=0)
    head = [f"{'':{width}}" + "".join(f"{f'Asterisk {version}':>14}" for version in versions)] if known else []
    return head + [f"{kind:{width}}" + "".join(_share(row, version) for version in versions) for kind, row in rows]


def _share(cases: list[Case], version: str) -> str:
    played = [case.right for case in cases if case.version == version]
    return f"{f'{sum(played)}/{len(played)}' if played else '-':>14}"
