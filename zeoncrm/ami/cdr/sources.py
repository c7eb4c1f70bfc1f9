"""Where call records are read from, and what that gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from zeoncrm.ami.cdr.rows import CdrRow

# A place in a source, as JSON.
Mark = Mapping[str, Any]

# A record that ends later than so long from now has been written while the PBX's clock was wrong.
AHEAD = timedelta(days=1)


class CdrError(Exception):
    """The records can't be read now; the text says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Read:
    """One record, and the mark from which it is read again; None when it is read with another of its call."""

    row: CdrRow
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Some records in the order in which the PBX wrote them, and the mark from which to go on; `more`: at once.

    `bad`: how many could not be understood, and why the last of them.
    """

    records: Sequence[Read]
    mark: Mark
    more: bool = False
    bad: int = 0
    why: str = ""


class CdrSource(Protocol):
    """Call records of one PBX. Reading changes nothing there, and takes neither long nor much."""

    @property
    def name(self) -> str:
        """What it is, for people; without a password."""
        ...

    async def begin(self, now: datetime) -> Mark:
        """The mark of what is not there yet; raises CdrError."""
        ...

    async def read(self, mark: Mark) -> Reading:
        """The next records from a mark on; raises CdrError."""
        ...
