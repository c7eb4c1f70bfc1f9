"""Whatever the PBX tells in whatever order and however often: one contact and one deal a number, and no complaint."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.pipeline.firm import Firm
from zeoncrm.pipeline.call_events import (
    AnsweredOutside,
    CallEnded,
    CallEvent,
    CallIdentified,
    CallLinked,
    CallMerged,
    CallQueued,
    CallResult,
    CallStarted,
    LegAnswered,
    LegEnded,
    LegOutcome,
    LegRang,
    OutsideDialled,
    OutsideRang,
)
from zeoncrm.pipeline.settings import DealCreation

CALLS = 3
EXTENSIONS = ("101", "102", "199")
examples = itertools.count(1)

Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("start", "start", "link", "identify", "queue", "ring", "dial", "ring-there", "answer", "answer"),
                *("outside", "leave", "end", "merge", "commit"),
            ]
        ),
        st.integers(0, CALLS - 1),
        st.integers(0, len(EXTENSIONS) - 1),
    ),
    max_size=40,
)


def _makers(firm: Firm, starts: list[CallStarted]) -> dict[str, Callable[[int, int], CallEvent]]:
    def common(call: int) -> dict[str, object]:
        return {"call_id": starts[call].call_id, "at": firm.tick()}

    return {
        "start": lambda call, _: starts[call],
        "link": lambda call, n: CallLinked(**common(call), linkedid=f"more-{starts[n].call_id}"),  # type: ignore[arg-type]
        "identify": lambda call, _: CallIdentified(**common(call), caller_name="Ivan"),  # type: ignore[arg-type]
        "queue": lambda call, _: CallQueued(**common(call), queue="sales"),  # type: ignore[arg-type]
        "ring": lambda call, n: LegRang(**common(call), extension=EXTENSIONS[n]),  # type: ignore[arg-type]
        "dial": lambda call, n: OutsideDialled(**common(call), extension=EXTENSIONS[n]),  # type: ignore[arg-type]
        "ring-there": lambda call, _: OutsideRang(**common(call)),  # type: ignore[arg-type]
        "answer": lambda call, n: LegAnswered(**common(call), extension=EXTENSIONS[n]),  # type: ignore[arg-type]
        "outside": lambda call, _: AnsweredOutside(**common(call), number="+79165556677"),  # type: ignore[arg-type]
        "leave": lambda call, n: LegEnded(
            **common(call),  # type: ignore[arg-type]
            extension=EXTENSIONS[n],
            outcome=LegOutcome.NO_ANSWER,
        ),
        "end": lambda call, _: CallEnded(**common(call), result=CallResult.ANSWERED),  # type: ignore[arg-type]
        "merge": lambda call, n: CallMerged(**common(call), into=starts[n].call_id),  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("create", DealCreation)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, outbound=st.lists(st.booleans(), min_size=CALLS, max_size=CALLS))
async def test_any_order_and_repetition_makes_one_contact_and_one_deal_a_number(
    firm: Firm, create: DealCreation, steps: list[Step], outbound: list[bool]
) -> None:
    firm.set(create, on_outbound=True)
    number = f"+7903{next(examples):07}"
    starts = [firm.outbound(number) if out else firm.inbound(number) for out in outbound]
    makers = _makers(firm, starts)
    with capture_logs() as logs:
        for kind, call, n in steps:
            if kind == "commit":
                await firm.recorder.drain()
            elif kind != "merge" or call != n:
                await firm.tell(makers[kind](call, n))
        await firm.recorder.drain()
        await firm.record(*(makers["end"](call, 0) for call in range(CALLS)))
    assert [entry for entry in logs if entry["log_level"] not in ("debug", "info")] == []
    assert list(firm.recorder.live()) == []
    contacts = Counter(phone.number for contact in await firm.contacts() for phone in contact.phones)
    deals = Counter(deal.contact_id for deal in await firm.deals())
    assert set(contacts.values()) | set(deals.values()) <= {1}
    kept = await firm.calls()
    assert {call.values["state"] for call in kept} <= {"ended"}
    ours = [call.values for call in kept if call.values["number"] == number]
    deal_ids = {values["deal_id"] for values in ours if values["answered_at"] is not None}
    assert create is DealCreation.NEVER or None not in deal_ids, "a call lost the deal that its answer made"
