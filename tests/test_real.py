"""A real program that is missing is named with its remedy, and is an error where it is required."""

from __future__ import annotations

import pytest

from tests.real import require_real
from tools.real_parts import PARTS


def test_a_missing_part_is_left_out_by_name_with_the_command_that_adds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZEONCRM_REQUIRE_REAL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"real Chromium: it is away.*apt-get install chromium"):
        require_real("browser", "it is away")


def test_a_missing_part_fails_where_every_part_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEONCRM_REQUIRE_REAL", "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install postgresql"):
        require_real("postgres", "it is away")


def test_each_marker_of_a_real_part_is_known(pytestconfig: pytest.Config) -> None:
    markers = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert set(PARTS) <= markers
