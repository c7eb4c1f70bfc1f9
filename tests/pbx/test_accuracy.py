"""The table of hard cases, from reports alone: no PBX is needed for it."""

from __future__ import annotations

import pytest

from tests.pbx.accuracy import Case, cases_in, properties_of, table
from tests.pbx.scenarios import SCENARIOS


def report(name: str, version: str, outcome: str, when: str = "call") -> pytest.TestReport:
    said = properties_of(SCENARIOS[name], version)
    return pytest.TestReport("test", ("file", 1, "test"), {}, outcome, None, when, user_properties=said)  # type: ignore[arg-type]


def test_the_table_has_the_share_of_each_kind_on_each_version() -> None:
    cases = [
        Case("queues", "22", True),
        Case("queues", "22", False),
        Case("queues", "16", True),
        Case("conferences", "22", True),
    ]

    assert [line.split() for line in table(cases)] == [
        ["Asterisk", "22", "Asterisk", "16"],
        ["conferences", "1/1", "-"],
        ["queues", "1/2", "1/1"],
        ["all", "2/3", "1/1"],
    ]


def test_the_table_is_written_at_the_end_of_a_run(pytestconfig: pytest.Config) -> None:
    writers = pytestconfig.pluginmanager.hook.pytest_terminal_summary.get_hookimpls()

    assert any("conftest" in writer.plugin_name for writer in writers)


def test_a_run_without_a_pbx_has_no_table() -> None:
    assert table([]) == []


def test_a_case_is_right_when_its_test_passed() -> None:
    reports = [
        report("direct_answered", "22", "passed"),
        report("direct_answered", "16", "failed"),
        report("direct_answered", "22", "passed", "teardown"),
        pytest.TestReport("other", ("file", 1, "other"), {}, "passed", None, "call"),
        "something that is no report",
    ]

    assert list(cases_in(reports)) == [Case("inbound", "22", True), Case("inbound", "16", False)]
