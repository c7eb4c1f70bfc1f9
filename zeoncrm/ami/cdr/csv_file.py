"""`Master.csv`, to which Asterisk appends a line for each record, and which is rotated under its hands.

A mark is an offset, and a print of the bytes before it by which a file is known again, whatever it is called by then.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator
from datetime import datetime, tzinfo
from hashlib import blake2b
from pathlib import Path
from typing import IO

from zeoncrm.ami.cdr.rows import BadRow, CdrRow, csv_row
from zeoncrm.ami.cdr.sources import CdrError, Mark, Read, Reading

MOST_BYTES = 1 << 20
_PRINTED = 200
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


class CsvFile:
    """A source; `zone` is that of the times in it, None for this machine's."""

    def __init__(self, path: Path, zone: tzinfo | None, *, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._zone = zone
        self._most_bytes = most_bytes

    @property
    def name(self) -> str:
        """The file's."""
        return f"csv://{self._path}"

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
            with self._path.open("rb") as file:
                return _mark_in(file, file.seek(0, 2))
        except FileNotFoundError:
            return _mark(0, b"")
        except OSError as error:
            raise CdrError(f"{self._path}: {error.strerror or error}") from error

    def _read(self, mark: Mark) -> Reading:
        if not self._path.exists() and not mark.get("offset"):
            self._path.parent.stat()  # a folder that is not there is a mistake; a file may still come
            return Reading((), mark)
        path, offset = self._place(mark)
        with path.open("rb") as file:
            file.seek(max(0, offset - _PRINTED))
            before = file.read(offset - file.tell())
            data = file.read(self._most_bytes)
        whole = data[: data.rfind(b"\n") + 1]
        if not whole and len(data) == self._most_bytes:
            whole = data  # a line without an end: passed over as one that is not understood
        rotated = path != self._path
        if rotated and len(data) < self._most_bytes:
            newer = self._after(path)
            following = _mark(0, b"") if newer == self._path else {**_mark(0, b""), "file": newer.name}
            return self._reading(before, whole, offset, following, more=True)
        end = _mark(offset + len(whole), before + whole)
        return self._reading(before, whole, offset, end, more=len(data) == self._most_bytes)

    def _reading(self, before: bytes, data: bytes, offset: int, mark: Mark, *, more: bool) -> Reading:
        records, bad, why = [], 0, ""
        whole = before + data
        for at, line in _lines(data):
            try:
                row = self._row(line)
            except BadRow as error:
                bad, why = bad + 1, str(error)
                continue
            records.append(Read(row, _mark(offset + at, whole[: len(before) + at])))
        return Reading(records, mark, more=more, bad=bad, why=why)

    def _row(self, line: bytes) -> CdrRow:
        """What is not UTF-8 can only be in names: these are shown as far as they can be."""
        if b"\0" in line:
            raise BadRow("it holds NUL bytes: no text in UTF-8, but in another encoding, or none")
        try:
            (fields,) = csv.reader([line.decode(errors="replace")], strict=True)
        except (csv.Error, ValueError) as error:
            raise BadRow("no line of comma-separated values") from error
        return csv_row(fields, self._zone)

    def _place(self, mark: Mark) -> tuple[Path, int]:
        """The file that goes on from the mark, and where. When none does, what is there is all new."""
        offset, print_ = int(mark.get("offset", 0)), mark.get("print", "")
        named = self._path.with_name(str(mark.get("file", self._path.name)))
        if not offset:
            return (named if named.exists() else self._path), 0
        older = self._older()
        # Just after a rotation there is no file of this name: Asterisk makes it with its next record.
        newest = (self._path,) if self._path.exists() or not older else ()
        for path in (*newest, *reversed(older)):
            with path.open("rb") as file:
                if file.seek(0, 2) >= offset and _mark_in(file, offset)["print"] == print_:
                    return path, offset
        return self._path, 0

    def _older(self) -> list[Path]:
        """What the file was before it was rotated, the oldest first."""
        names = self._path.parent.glob(f"{self._path.name}[.-]*")
        plain = [path for path in names if path.suffix not in _COMPRESSED and path.is_file()]
        return sorted(plain, key=lambda path: path.stat().st_mtime)

    def _after(self, path: Path) -> Path:
        older = self._older()
        place = older.index(path) + 1 if path in older else len(older)
        return older[place] if place < len(older) else self._path


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each line that is not empty, and where it begins."""
    at = 0
    for line in data.splitlines(keepends=True):
        if line.strip():
            yield at, line.rstrip(b"\r\n")
        at += len(line)


def _mark_in(file: IO[bytes], offset: int) -> Mark:
    file.seek(max(0, offset - _PRINTED))
    return _mark(offset, file.read(min(offset, _PRINTED)))


def _mark(offset: int, before: bytes) -> Mark:
    return {"offset": offset, "print": blake2b(before[-_PRINTED:], digest_size=16).hexdigest()}
