"""Which calls a person may see. `scope` is that person; None sees all."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from zeoncrm.store.tables import calls, deals, legs


def visible(scope: int | None, call: Any = calls) -> sa.ColumnElement[bool]:
    """A rep sees the calls that are theirs, rang at them, or are of their deals. `call`: the table, or an alias."""
    if scope is None:
        return sa.true()
    own_leg = sa.exists().where(legs.c.call_id == call.c.id, legs.c.person_id == scope)
    own_deal = sa.exists().where(deals.c.id == call.c.deal_id, deals.c.owner_id == scope)
    return sa.or_(
        call.c.owner_id == scope,
        call.c.requested_by == scope,
        own_leg.correlate(call),
        own_deal.correlate(call),
    )
