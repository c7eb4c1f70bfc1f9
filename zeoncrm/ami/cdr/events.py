"""The call records that AMI tells as events: for a PBX whose file and database can't be reached.

They come while the link is up only. So a call that was found in progress becomes whole when it ends, but what ended
while the link was away stays unknown. cdr_manager.conf has to say `enabled = yes`.
"""

from __future__ import annotations

import secrets
from collections import deque
from datetime import datetime, tzinfo

from zeoncrm.ami.cdr.rows import BadRow, CdrRow, row_of
from zeoncrm.ami.cdr.sources import Mark, Read, Reading
from zeoncrm.ami.headers import read_headers

MOST_ROWS = 20_000
_EVENT = b"Event: Cdr\r\n"


class CdrEvents:
    """A source; `zone` is that of the times in the events, None for this machine's. The oldest records go first."""

    name = "AMI events"

    def __init__(self, zone: tzinfo | None, *, most_rows: int = MOST_ROWS) -> None:
        self._zone = zone
        # Places count anew with each process: those of another mean nothing here.
        self._process = secrets.token_hex(4)
        self._rows: deque[CdrRow] = deque(maxlen=most_rows)
        self._count = 0
        self._bad = 0
        self._why = ""

    def keep(self, frame: bytes) -> None:
        """Note the record in an AMI message, if there is one."""
        if not frame.startswith(_EVENT):
            return
        try:
            self._rows.append(row_of(read_headers(frame), self._zone))
            self._count += 1
        except BadRow as error:
            self._bad, self._why = self._bad + 1, str(error)

    async def begin(self, now: datetime) -> Mark:
        """After all that came until now."""
        return self._mark(self._count)

    async def read(self, mark: Mark) -> Reading:
        """What came since, as far as it is still there."""
        first = self._count - len(self._rows)
        place = max(first, int(mark.get("place", 0)) if mark.get("process") == self._process else 0)
        rows = list(self._rows)[place - first :]
        reads = [Read(row, self._mark(place + index)) for index, row in enumerate(rows)]
        bad, self._bad = self._bad, 0
        return Reading(reads, self._mark(self._count), bad=bad, why=self._why)

    def _mark(self, place: int) -> Mark:
        return {"process": self._process, "place": place}
