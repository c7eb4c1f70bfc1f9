"""What the dialplan is told of a caller: whose they are, what to show, whether to hang up.

The PBX waits while it asks, so an answer takes one indexed read and what is in memory, and always comes: when the
database does not, the caller is one whom nobody knows.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from zeoncrm.pipeline.calls import Screening
from zeoncrm.pipeline.calls_to_deals import Rules
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.pipeline.people import Directory
from zeoncrm.store import contacts
from zeoncrm.store.contacts import CallerRow
from zeoncrm.store.database import Database
from zeoncrm.store.errors import StoreError

READ_SECONDS = 0.5
LONGEST_NAME = 40
LONGEST_NUMBER = 64
# Besides letters and digits: what no dialplan function, header or telephone takes for something else.
_PLAIN = frozenset(" .-'")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The answer. `extension`: of the caller's responsible, who is there to take it; `name`: safe to be shown."""

    extension: str | None = None
    name: str | None = None
    vip: bool = False
    blocked: bool = False


class Router:
    """Answers the dialplan's questions, by API and by FastAGI alike."""

    def __init__(self, database: Database, rules: Callable[[], Rules], pbxs: tuple[str, ...]) -> None:
        """`pbxs`: the names of all, the first is meant when a question names none."""
        self._database = database
        self._rules = rules
        self._pbxs = pbxs
        self._is_away = False

    def knows(self, pbx: str) -> bool:
        """Whether there is a PBX of this name."""
        return pbx in self._pbxs

    async def route(self, number: str, pbx: str = "") -> Route:
        """Where a call from this number, as the PBX has it, is to go. `pbx`: whose extension is wanted."""
        rules, raw = self._rules(), number[:LONGEST_NUMBER].strip()
        number_read = normalise(raw, rules.region)
        caller = None if number_read is None else await self._caller(number_read)
        blocked = rules.incoming.screening(number_read, raw) is Screening.BLOCKED
        place = pbx or next(iter(self._pbxs), "")
        return route_of(caller, rules.directory, place, blocked=blocked)

    async def _caller(self, number: str) -> CallerRow | None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                found = await self._database.look_up(lambda connection: contacts.known_caller(connection, number))
        except (StoreError, TimeoutError) as error:
            if not self._is_away:
                log.error("the dialplan is told nothing of callers, the database does not answer", reason=str(error))
            self._is_away = True
            return None
        if self._is_away:
            log.warning("the dialplan is told of callers again")
        self._is_away = False
        return found


def route_of(caller: CallerRow | None, directory: Directory, pbx: str, *, blocked: bool) -> Route:
    """The answer for a caller whom we know, or not."""
    if caller is None:
        return Route(blocked=blocked)
    owner = directory.by_id.get(caller.owner_id) if caller.owner_id is not None else None
    extensions = directory.extensions_of(owner.id, pbx) if owner and owner.active and not owner.away else ()
    return Route(
        extension=next(iter(extensions), None), name=shown_name(caller.name) or None, vip=caller.vip, blocked=blocked
    )


def shown_name(name: str) -> str:
    """The name as a telephone and a dialplan can take it: letters, digits and a few signs, 40 characters at most."""
    kept = "".join(
        letter if letter.isalnum() or unicodedata.combining(letter) or letter in _PLAIN else " "
        for letter in unicodedata.normalize("NFC", name)
    )
    return " ".join(kept.split())[:LONGEST_NAME].strip()
