"""Which call of ours it is that a PBX's records tell of: by an alias, else by number and time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from zeoncrm.pipeline.backfill import MADE_UP, CallsTold
from zeoncrm.pipeline.call_events import Source
from zeoncrm.pipeline.call_rows import view_of
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.events import CallView
from zeoncrm.store import calls
from zeoncrm.store.database import Transaction

# Which call an alias is of, by PBX and alias.
Aliases = dict[tuple[str, str], str]

# How far the clocks of the PBX and of the daemon may be apart for two calls of one number to be the same.
SAME_WITHIN = timedelta(seconds=30)


async def find_known(
    tx: Transaction, told: CallsTold, known: Mapping[str, CallView]
) -> tuple[dict[str, CallView], Aliases]:
    """The stored calls, but for those `known`, that the records may be of, and the aliases that are somebody's."""
    found = await calls.aliased(tx.connection, told.pbx, [alias for call in told.calls for alias in call.linkedids])
    unnamed = [call.started_at for call in told.calls if is_unnamed(call) and not call.linkedids & found.keys()]
    wanted = set(found.values())
    if unnamed:
        span = (min(unnamed) - SAME_WITHIN, max(unnamed) + SAME_WITHIN)
        wanted |= await calls.begun_between(tx.connection, told.pbx, *span)
    rows = await calls.some_whole(tx.connection, wanted - known.keys())
    views = {call_id: view_of(row) for call_id, row in rows.items()}
    return views, {(told.pbx, alias): call_id for alias, call_id in found.items()}


class Matching:
    """Finds the call for each of some that records tell of. No call is found twice without an alias."""

    def __init__(self, current: Mapping[str, CallView], aliases: Aliases) -> None:
        self._current = current
        heard = {(view.call.pbx, alias): call_id for call_id, view in current.items() for alias in view.call.linkedids}
        self._aliases = aliases | heard
        self._taken: set[str] = set()

    def take(self, told: Call) -> CallView | None:
        """The call as it is now; None when the records tell of a new one."""
        known = next(
            (self._aliases[told.pbx, alias] for alias in sorted(told.linkedids) if (told.pbx, alias) in self._aliases),
            None,
        )
        if known is None and is_unnamed(told):
            same = known_to(told, (view.call for view in self._current.values()), self._taken)
            known = same.id if same else None
        if known is not None:
            self._taken.add(known)
        return self._current.get(known or "")


def is_unnamed(call: Call) -> bool:
    """Whether the PBX wrote no ids with its records."""
    return all(alias.startswith(MADE_UP) for alias in call.linkedids)


def known_to(told: Call, known: Iterable[Call], taken: Iterable[str]) -> Call | None:
    """The call among those of about this time that records without ids are of; `taken` are others' already."""
    excluded = set(taken)
    same = [
        call
        for call in known
        if call.id not in excluded
        and (call.pbx, call.direction) == (told.pbx, told.direction)
        and (call.number or call.number_raw) == (told.number or told.number_raw)
        and abs(call.started_at - told.started_at) <= SAME_WITHIN
        and call.source is not Source.BACKFILLED  # which has an alias
    ]
    return min(same, key=lambda call: abs(call.started_at - told.started_at), default=None)
