"""Call detail records as values, whether they come as lines of `Master.csv`, as rows of a table or as AMI events.

Asterisk 12 and later write one record for each pair of channels that were dialled or bridged, and one for what a
channel did alone (https://docs.asterisk.org/Configuration/Reporting/Call-Detail-Records-CDR/CDR-Specification/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from zeoncrm.ami.cdr.mikopbx import as_asterisk_writes

# The columns of `Master.csv` that are always there. Then come, each if cdr.conf asks for it, `uniqueid`, `userfield`,
# and the three of `newcdrcolumns`.
_CSV = (
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
)
_NEW = ("peeraccount", "linkedid", "sequence")
# The AMI event's own names for the columns.
_EVENT = {
    "source": "src",
    "destination": "dst",
    "destinationcontext": "dcontext",
    "callerid": "clid",
    "destinationchannel": "dstchannel",
    "lastapplication": "lastapp",
    "starttime": "start",
    "answertime": "answer",
    "endtime": "end",
    "billableseconds": "billsec",
}
# An id is the second at which the channel was made and a counter, perhaps after the system's name; a click-to-call's is
# the one that we chose.
_UNIQUEID = re.compile(r"(?:.*-)?\d{9,11}\.\d+|zeoncrm-\w+")
# When the channel was made, in an id that Asterisk chose.
_MADE_AT = re.compile(r"(?:.*-)?(\d{9,11})\.(\d+)")
_CLOCKS = timedelta(minutes=15)
# Times are cut to the second, lengths rounded, some by themselves.
_ROUNDED = timedelta(minutes=1)
_LONGEST = 1000
_LONGEST_CALL = timedelta(days=2)


class BadRow(ValueError):
    """A record that can't be read; the text says why, without what stands in it."""


@dataclass(frozen=True, slots=True)
class CdrRow:
    """One record. Times in UTC, whole seconds; empty texts for what is not known.

    `answer` is when `channel` was answered, perhaps by the PBX itself. `line`: the number that was called, where the
    PBX keeps it, and `recording` the file in which it recorded (FreePBX's columns `did` and `recordingfile`).
    """

    start: datetime
    end: datetime
    channel: str
    answer: datetime | None = None
    peer: str = ""
    src: str = ""
    dst: str = ""
    context: str = ""
    clid: str = ""
    app: str = ""
    data: str = ""
    disposition: str = ""
    uniqueid: str = ""
    linkedid: str = ""
    sequence: int = 0
    line: str = ""
    recording: str = ""

    @property
    def answered(self) -> bool:
        """Whether the two channels talked; of a channel alone, whether it was let in."""
        return self.disposition == "ANSWERED"

    @property
    def made(self) -> tuple[int, int] | None:
        """When the record's channel was made, in seconds since 1970, and as which since the PBX was started, from 0 on;
        None when its id does not tell."""
        return made_by(self.uniqueid)

    @property
    def is_before_its_channel(self) -> bool:
        """Whether it begins well before its channel was made: its times are read in a wrong zone."""
        return self.made is not None and self.start + _CLOCKS < datetime.fromtimestamp(self.made[0], UTC)


def made_by(uniqueid: str) -> tuple[int, int] | None:
    """What the id of a channel tells of when it was made; None for one that Asterisk did not choose."""
    made = _MADE_AT.fullmatch(uniqueid)
    return None if made is None else (int(made[1]), int(made[2]))


def csv_row(fields: Sequence[str], zone: tzinfo | None) -> CdrRow:
    """The record in a line of `Master.csv`; raises BadRow."""
    extra = len(fields) - len(_CSV)
    if not 0 <= extra <= 5:
        raise BadRow(f"{len(fields)} columns instead of 16 to 21")
    named = dict(zip(_CSV, fields, strict=False))
    rest = list(fields[len(_CSV) :])
    if len(rest) >= len(_NEW):
        named |= dict(zip(_NEW, rest[-len(_NEW) :], strict=True))
        rest = rest[: -len(_NEW)]
    if rest and _UNIQUEID.fullmatch(rest[0]):
        named["uniqueid"] = rest[0]
    return row_of(named, zone)


def row_of(named: Mapping[str, Any], zone: tzinfo | None) -> CdrRow:
    """The record in columns of these names, however they are spelt; raises BadRow. `zone` None: this machine's.

    A table has its start in `calldate` (FreePBX) or `start` (cdr_adaptive_odbc), and perhaps no `answer` and `end`.
    """
    columns = {_EVENT.get(name.lower(), name.lower()): value for name, value in named.items()}
    if "lastapp" not in columns:
        columns |= as_asterisk_writes(columns)
    start = _time(columns.get("start") or columns.get("calldate"), zone, _made_at(columns))
    if start is None:
        raise BadRow("no start")
    reckoned = start + _seconds(columns.get("duration"))
    end = _time(columns.get("end"), zone, max(start, reckoned - _ROUNDED)) or reckoned
    disposition = _text(columns, "disposition").upper()
    channel = _text(columns, "channel")
    if not channel:
        raise BadRow("no channel")
    if not start <= end <= start + _LONGEST_CALL:
        raise BadRow("an end that can't be of this start")
    return CdrRow(
        start=start,
        end=end,
        channel=channel,
        answer=_answer(columns, zone, start, end, disposition),
        peer=_text(columns, "dstchannel"),
        src=_text(columns, "src") or _number_in(_text(columns, "clid")),
        dst=_text(columns, "dst"),
        context=_text(columns, "dcontext"),
        clid=_text(columns, "clid"),
        app=_text(columns, "lastapp"),
        data=_text(columns, "lastdata"),
        disposition=disposition,
        uniqueid=_text(columns, "uniqueid"),
        linkedid=_text(columns, "linkedid"),
        sequence=_whole(columns.get("sequence")),
        line=_text(columns, "did"),
        recording=_text(columns, "recordingfile"),
    )


def _made_at(columns: Mapping[str, Any]) -> datetime | None:
    """When the channel of a record was made, or at least the first of its call: so the record does not begin before."""
    made = (_MADE_AT.fullmatch(_text(columns, name)) for name in ("uniqueid", "linkedid"))
    return next((datetime.fromtimestamp(int(match[1]), UTC) - _ROUNDED for match in made if match), None)


def _number_in(clid: str) -> str:
    """The number in `"Name" <number>`."""
    return clid.rpartition("<")[2].rstrip(">").strip() if clid.endswith(">") else ""


def _answer(
    columns: Mapping[str, Any], zone: tzinfo | None, start: datetime, end: datetime, disposition: str
) -> datetime | None:
    """A table without the column has the seconds since."""
    talked = _seconds(columns.get("billsec"))
    if "answer" not in columns:
        return end - talked if disposition == "ANSWERED" else None
    return _time(columns["answer"], zone, max(start, end - talked - _ROUNDED) if talked else start)


def _time(value: Any, zone: tzinfo | None, since: datetime | None = None) -> datetime | None:
    """A time as a driver gives it, or as it is written; one without a zone is of the PBX's.

    In the night in which clocks go back an hour comes twice: what would lie before `since` is of the second. A record
    without ids that lies in the second as a whole is taken for one of the first.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip().rstrip(".")) if value.strip() else None
        except ValueError:
            raise BadRow("a time that is none") from None
    if not isinstance(value, datetime) or value.year < 2000:  # MySQL's 0000-00-00, and an answer that never came
        return None
    aware = value if value.tzinfo else value.replace(tzinfo=zone)
    if since is not None and aware.astimezone(UTC) < since and not value.tzinfo:
        aware = aware.replace(fold=1)
    return aware.astimezone(UTC).replace(microsecond=0)


def _seconds(value: Any) -> timedelta:
    return timedelta(seconds=_whole(value))


def _whole(value: Any) -> int:
    try:
        return max(0, min(int(float(value or 0)), 10**9))
    except (TypeError, ValueError, OverflowError):
        return 0


def _text(columns: Mapping[str, Any], name: str) -> str:
    value = columns.get(name)
    return "" if value is None else str(value).strip()[:_LONGEST]
