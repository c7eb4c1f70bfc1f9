"""The tests that share something costly are run by one process."""

from __future__ import annotations

import pytest

from tests.together import shared_by


@pytest.mark.parametrize(
    "nodeid, shared",
    [
        ("tests/pbx/test_scenarios.py::test_a_scenario[ring_group-22]", "asterisk 22 scenarios"),
        ("tests/pbx/test_scenarios.py::test_a_main_scenario[ring_group-16]", "asterisk 16 scenarios"),
        ("tests/pbx/test_scenarios.py::test_a_scenario[ring_group-22 pbx1]", "asterisk 22 pbx1 scenarios"),
        ("tests/pbx/test_lab.py::test_every_phone_can_be_called[16]", "asterisk 16"),
        ("tests/browser/test_board.py::test_a_card_is_dragged", "browser"),
        ("tests/store/test_calls.py::test_a_page[sqlite-22]", None),
        ("tests/pbx/test_roots.py::test_a_root", None),
    ],
)
def test_what_a_test_shares(nodeid: str, shared: str | None) -> None:
    assert shared_by(nodeid) == shared
