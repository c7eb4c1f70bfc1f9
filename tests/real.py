"""Tests on real programs: left out by name where the program is missing, or failed where it is required."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from tools.real_parts import PARTS


def require_real(part: str, reason: str) -> NoReturn:
    """Leave the test out, saying why and which command helps; with ZEONCRM_REQUIRE_REAL=1 fail it instead.

    `part` is a name in `tools.real_parts.PARTS`: browser, postgres or pbx.
    """
    message = f"{PARTS[part].covers}: {reason}. To add it: {PARTS[part].command}"
    if os.environ.get("ZEONCRM_REQUIRE_REAL") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def need(part: str) -> None:
    """Go on only where the part can be used on this machine."""
    if reason := PARTS[part].missing():
        require_real(part, reason)
