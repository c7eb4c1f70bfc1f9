"""What a stranger is called, whether a rule or a person makes the contact."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from zeoncrm.pipeline.call_events import Direction
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.calls_to_deals import NAMELESS, name_of_caller


@pytest.mark.parametrize(
    "name, number, raw, called",
    [
        ("Ivan", "+79031112233", "79031112233", "Ivan"),
        ("79031112233", "+79031112233", "79031112233", "8 (903) 111-22-33"),
        ("8 (903) 111-22-33", "+79031112233", "79031112233", "8 (903) 111-22-33"),
        ("+7 916 555-66-77", "+79031112233", "79031112233", "8 (903) 111-22-33"),
        (None, None, "0911", "0911"),
        (None, None, None, NAMELESS),
    ],
)
def test_a_number_in_the_name_is_no_name(name: str | None, number: str | None, raw: str | None, called: str) -> None:
    call = Call(
        id="1",
        pbx="main",
        direction=Direction.INBOUND,
        started_at=datetime.now(UTC),
        caller_name=name,
        number=number,
        number_raw=raw,
    )

    assert name_of_caller(call, "RU") == called
