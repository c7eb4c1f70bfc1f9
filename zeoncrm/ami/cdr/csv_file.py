"""`Master.csv`, to which Asterisk appends a line for each record, and which is rotated under its hands.

A mark is an offset, and a print of the bytes before it by which a file is known again, whatever it is called by then
and however it is compressed. The end of a rotated file is the beginning of the next.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b
from pathlib import Path

from zeoncrm.ami.cdr.rotated import Piece, file_after, older_files, piece_of
from zeoncrm.ami.cdr.rows import BadRow, CdrRow, csv_row
from zeoncrm.ami.cdr.sources import CdrError, Mark, Read, Reading
from zeoncrm.ami.headers import UNREADABLE

MOST_BYTES = 1 << 20
_PRINTED = 200
# A file that was written to the last time so long before the last call that was read has nothing new.
_STALE = timedelta(hours=1)


class CsvFile:
    """A source; `zone` is that of the times in it, None for this machine's."""

    def __init__(self, path: Path, zone: tzinfo | None, *, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._zone = zone
        self._most_bytes = most_bytes
        self._last = path

    @property
    def name(self) -> str:
        """The file's."""
        return f"csv://{self._path}"

    def written_at(self) -> datetime | None:
        """When the file was last written to (UTC); None when there is none or it can't be told."""
        try:
            return datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except OSError:
            return None

    async def begin(self, now: datetime) -> Mark:
        """The end of the file, or the beginning of one that is still to come."""
        return await asyncio.to_thread(self._begin)

    async def read(self, mark: Mark) -> Reading:
        """The next lines; after a rotation those left in the file that was."""
        try:
            return await asyncio.to_thread(self._read, mark)
        except OSError as error:
            raise CdrError(f"{self._path}: {error.strerror or error}") from error

    def _begin(self) -> Mark:
        try:
            size = self._path.stat().st_size
            piece = piece_of(self._path, size, 0, _PRINTED)
        except FileNotFoundError:
            return _mark(0, b"")
        except OSError as error:
            raise CdrError(f"{self._path}: {error.strerror or error}") from error
        return _mark(size, piece.before)

    def _read(self, mark: Mark) -> Reading:
        begins = {name: mark[name] for name in ("offset", "print") if name in mark}
        piece = self._goes_on(begins) if mark.get("offset") else None
        piece = piece or self._piece(self._first(mark), 0)
        bad, why = 0, ""
        # The end of a file that was rotated stays the mark until there is something in those after it.
        while not (lines := self._lines(piece)) and piece.path != self._path:
            if piece.damage is not None:
                bad, why = bad + 1, piece.damage
            piece = self._piece(file_after(piece.path, self._path), 0)
        reading = self._reading(piece, lines, begins)
        return replace(reading, bad=reading.bad + bad, why=reading.why or why)

    def _reading(self, piece: Piece, lines: bytes, begins: Mark) -> Reading:
        records, bad, why = [], 0, ""
        for at, line in _split(lines):
            try:
                row = self._row(line)
            except BadRow as error:
                bad, why = bad + 1, str(error)
                continue
            if UNREADABLE in row.clid:
                bad, why = bad + 1, "a name that is not in UTF-8, and can't be read"
            mark = _mark(piece.offset + at, piece.before + lines[:at]) if piece.offset + at else begins
            records.append(Read(row, mark))
        end = _mark(piece.offset + len(lines), piece.before + lines) if lines else begins
        more = piece.path != self._path or len(piece.data) == self._most_bytes
        return Reading(records, end, more=more, bad=bad, why=why)

    def _lines(self, piece: Piece) -> bytes:
        """The whole lines. One without an end is passed over, as one that is not understood, when it is very long; in
        a file to which nothing is added any more it is whole."""
        whole = piece.data[: piece.data.rfind(b"\n") + 1]
        ended = len(piece.data) == self._most_bytes or (piece.path != self._path and piece.damage is None)
        return whole or (piece.data if ended else b"")

    def _row(self, line: bytes) -> CdrRow:
        """What is not UTF-8 can only be in names, of which the call keeps what can be read."""
        if b"\0" in line:
            raise BadRow("it holds NUL bytes: no text in UTF-8, but in another encoding, or none")
        try:
            (fields,) = csv.reader([line.decode(errors="replace")], strict=True)
        except (csv.Error, ValueError) as error:
            raise BadRow("no line of comma-separated values") from error
        return csv_row(fields, self._zone)

    def _goes_on(self, mark: Mark) -> Piece | None:
        """What follows the mark, in the file that is the same up to there; None when there is none such any more."""
        offset, print_ = int(mark["offset"]), mark.get("print")
        newest_first = [self._path, *reversed(older_files(self._path))]
        # One that is read bit by bit is looked at first.
        for path in sorted(newest_first, key=lambda each: each != self._last):
            piece = self._piece(path, offset)
            if _mark(offset, piece.before)["print"] == print_:
                self._last = path
                return piece
        return None

    def _first(self, mark: Mark) -> Path:
        """Where to begin when no file goes on from the mark: the oldest with anything that ended since `until`."""
        if "until" in mark:
            earliest = (datetime.fromisoformat(mark["until"]) - _STALE).timestamp()
            for path in older_files(self._path):
                if path.stat().st_mtime >= earliest:
                    return path
        return self._path

    def _piece(self, path: Path, offset: int) -> Piece:
        """Of a file that is not there it is nothing: Asterisk makes a new one with its next record."""
        try:
            return piece_of(path, offset, self._most_bytes, _PRINTED)
        except FileNotFoundError:
            if path != self._path or (offset and not older_files(path)):
                raise
            path.parent.stat()  # a folder that is not there is a mistake
            return Piece(path, offset)


def _split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each line that is not empty, and where it begins."""
    at = 0
    for line in data.splitlines(keepends=True):
        if line.strip():
            yield at, line.rstrip(b"\r\n")
        at += len(line)


def _mark(offset: int, before: bytes) -> Mark:
    return {"offset": offset, "print": blake2b(before[-_PRINTED:], digest_size=16).hexdigest()}
