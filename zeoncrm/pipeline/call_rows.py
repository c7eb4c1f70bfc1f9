"""Calls as values and calls as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zeoncrm.pipeline.call_events import CallResult, Direction, LegOutcome, Reached, Source
from zeoncrm.pipeline.calls import Call, CallState, Leg, Progress, Screening
from zeoncrm.pipeline.events import CallView
from zeoncrm.store.calls import CallRow

_PLAIN = (
    "id",
    "pbx",
    "started_at",
    "number",
    "number_raw",
    "caller_name",
    "did",
    "queue",
    "answered_by",
    "last_extension",
    "answered_outside",
    "answered_at",
    "ended_at",
    "partly_heard",
    "erased",
    "contact_id",
    "deal_id",
    "owner_id",
    "requested_by",
    "rule",
)
_ENUMS: dict[str, Any] = {
    "direction": Direction,
    "state": CallState,
    "result": CallResult,
    "reached": Reached,
    "progress": Progress,
    "source": Source,
    "screened": Screening,
}


def call_of(row: CallRow) -> Call:
    """The call that a row keeps."""
    values = row.values
    legs = tuple(
        Leg(
            extension=leg["extension"],
            rang_at=leg["rang_at"],
            answered_at=leg["answered_at"],
            left_at=leg["left_at"],
            outcome=None if leg["outcome"] is None else LegOutcome(leg["outcome"]),
            rings=leg["rings"],
        )
        for leg in row.legs
    )
    plain: dict[str, Any] = {name: values[name] for name in _PLAIN}
    enums: dict[str, Any] = {
        name: None if values[name] is None else kind(values[name]) for name, kind in _ENUMS.items()
    }
    return Call(**plain, **enums, legs=legs, linkedids=row.linkedids)


def view_of(row: CallRow) -> CallView:
    """The call with what a person reads of it."""
    return CallView(
        call_of(row),
        row.owner,
        row.contact,
        row.contact_owner_id,
        row.deal_owner_id,
        tuple(row.recordings),
        frozenset(leg["person_id"] for leg in row.legs if leg["answered_at"] and leg["person_id"]),
    )


def row_of(call: Call) -> dict[str, Any]:
    """The columns of a call."""
    enums = {name: getattr(call, name) for name in _ENUMS}
    return {
        **{name: getattr(call, name) for name in _PLAIN},
        **{name: None if value is None else value.value for name, value in enums.items()},
    }


def leg_rows_of(call: Call, people: Mapping[str, int | None]) -> list[dict[str, Any]]:
    """The rows of a call's legs; `people` has the person of each extension."""
    return [
        {
            "call_id": call.id,
            "extension": leg.extension,
            "position": position,
            "person_id": people.get(leg.extension),
            "rang_at": leg.rang_at,
            "answered_at": leg.answered_at,
            "left_at": leg.left_at,
            "outcome": None if leg.outcome is None else leg.outcome.value,
            "rings": leg.rings,
        }
        for position, leg in enumerate(call.legs)
    ]
