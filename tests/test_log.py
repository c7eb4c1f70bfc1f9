"""No secret and no personal number gets into a log."""

from __future__ import annotations

from typing import Any

import pytest

from zeoncrm.log import redact


def redacted(**entry: Any) -> dict[str, Any]:
    return dict(redact(None, "info", entry))


@pytest.mark.parametrize("key", ["secret", "password_hash", "api_token", "Authorization", "csrf_token", "cookie"])
def test_secrets_are_hidden_by_their_key(key: str) -> None:
    assert redacted(**{key: "hush"}) == {key: "[hidden]"}


@pytest.mark.parametrize(
    "text, shown",
    [
        ("call from +79031112233 failed", "call from 79…33 failed"),
        ("call from 8 903 111-22-33", "call from 89…33"),
        ("extension 101 on port 5038", "extension 101 on port 5038"),
        ("revision 0001", "revision 0001"),
    ],
)
def test_telephone_numbers_are_shortened(text: str, shown: str) -> None:
    assert redacted(event=text, reason=text) == {"event": shown, "reason": shown}


def test_times_and_ids_stay() -> None:
    entry = {"timestamp": "2026-11-21T22:00:00Z", "call_id": "01JD0000000000000000000000", "since": "2026-11-21"}

    assert redacted(**entry) == entry
