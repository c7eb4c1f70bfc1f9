"""Which call of ours it is that a PBX's records tell of: by an alias, else by number and time.

An id that it shares with others, of a channel that all of them met, tells with number and time only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    named = [alias for call in told.calls for alias in call.linkedids | call.shared_ids]
    found = await calls.aliased(tx.connection, told.pbx, named)
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
        known = next(self._known_by(told, told.linkedids), None)
        if known is None:
            known = next(filter(lambda each: self._may_be(each, told), self._known_by(told, told.shared_ids)), None)
        if known is None and is_unnamed(told):
            same = known_to(told, (view.call for view in self._current.values()), self._taken)
            known = same.id if same else None
        if known is not None:
            self._taken.add(known)
        return self._current.get(known or "")

    def _known_by(self, told: Call, aliases: Iterable[str]) -> Iterator[str]:
        """The calls that have one of the aliases."""
        found = (self._aliases.get((told.pbx, alias)) for alias in sorted(aliases))
        return (call_id for call_id in found if call_id is not None)

    def _may_be(self, call_id: str, told: Call) -> bool:
        """Whether the records may tell of this call by its number and time, and of no other before."""
        view = self._current.get(call_id)
        return view is not None and call_id not in self._taken and is_alike(view.call, told)


def is_unnamed(call: Call) -> bool:
    """Whether the PBX wrote no ids with its records."""
    return all(alias.startswith(MADE_UP) for alias in call.linkedids)


def is_alike(known: Call, told: Call) -> bool:
    """Whether a call was with the same party, as far as that is known, and at the same time as one of the records."""
    numbers = [call.number or call.number_raw for call in (known, told)]
    before = told.ended_at is not None and told.ended_at < known.started_at - SAME_WITHIN
    after = known.ended_at is not None and told.started_at > known.ended_at + SAME_WITHIN
    return not (before or after) and (None in numbers or numbers[0] == numbers[1])


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
