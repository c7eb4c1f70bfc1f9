"""Files with recordings, in the folder where a PBX puts them. Everything here waits for the disk: call it in a thread.

Names come from the PBX, which names them after what callers send: whatever a name says, nothing outside of the folder
is looked at, whatever links lie in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path, PurePosixPath

from zeoncrm.pipeline.wave import wave_of

# What browsers play, and what can only be taken along: Asterisk's WAV is GSM in a wave file, which none plays.
PLAYED = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".m4a": "audio/mp4",
          ".flac": "audio/flac", ".webm": "audio/webm"}  # fmt: skip
TAKEN_ALONG = {".WAV": "audio/x-wav", ".gsm": "audio/x-gsm"}
TYPES = PLAYED | TAKEN_ALONG
MOST_ENTRIES = 50_000
DEEPEST = 12
_DAYS_BACK = 7
# An id of Asterisk's in a file's name: the second at which the channel was made, and its number.
_UNIQUEID = re.compile(r"(?<![0-9])([0-9]{9,11}\.[0-9]{1,9})(?![0-9])")


@dataclass(frozen=True, slots=True)
class Archive:
    """Where a PBX keeps recordings, for how many days they are listened to (0: always), and whether we delete them."""

    root: Path
    days: int = 0
    delete: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """A file as it is now. `whole`: its header says that it is (None: this kind has no such header). `empty`: there is
    nothing to hear in it."""

    path: str
    size: int
    whole: bool | None
    seconds: int | None
    empty: bool = False


def is_played(name: str) -> bool:
    """Whether browsers play this kind of file."""
    return PurePosixPath(name).suffix in PLAYED


def inside(root: Path, path: str) -> Path | None:
    """The real file of this path below the folder; None when there is none, it lies elsewhere or is no audio."""
    if not path or "\0" in path or PurePosixPath(path).is_absolute():
        return None
    try:
        real_root = root.resolve(strict=True)
        real = (real_root / path).resolve(strict=True)
        known = real.suffix in TYPES and PurePosixPath(path).suffix in TYPES
        return real if known and real.is_relative_to(real_root) and real.is_file() else None
    except (OSError, ValueError, RuntimeError):  # not there, a name that no file can have, links in a circle
        return None


def look_for(root: Path, file: str, at: datetime) -> Look | None:
    """The file that the PBX names so, recorded at this time (UTC), if it is there."""
    for path in _candidates(file, at):
        real = inside(root, path) if os.path.exists(root / path) else None
        if real is None:
            continue
        try:
            wave = wave_of(real) if real.suffix == ".wav" else None
            size = real.stat().st_size
            if wave is None:
                return Look(path, size, None, None, empty=size == 0)
            return Look(path, size, wave.whole, wave.seconds, wave.empty)
        except OSError:
            continue
    return None


def unreadable(root: Path, today: date) -> str | None:
    """Why recordings can't be listened to, with the path in question; None when nothing is amiss.

    Looked at are the folder, those of the last days, and the newest recording in the newest of them that has any.
    """
    days = (today + timedelta(days=shift) for shift in range(1, -_DAYS_BACK, -1))
    try:
        os.listdir(root)
        for folder in (*(name for day in days for name in _folders_of(day)), ""):
            newest = _newest_in(root / folder)
            if newest is not None:
                newest.open("rb").close()
                return None
    except OSError as error:
        return f"{error.filename or root}: {error.strerror or error}"
    return None


def holds_anything(root: Path) -> bool:
    """Whether the folder is there with something in it: where one of another machine is not mounted, it is empty."""
    try:
        with os.scandir(root) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def search(root: Path, wanted: Mapping[str, str], days: Iterable[date]) -> dict[str, str]:
    """Files that have one of the ids in their names: path by call. `wanted` has the call of each id.

    Looked through are the folder itself and those of the days as FreePBX and others name them, and not deeper.
    """
    found: dict[str, str] = {}
    for folder in dict.fromkeys(["", *(name for day in days for name in _folders_of(day))]):
        for name in _names_in(root, folder):
            for uniqueid in _UNIQUEID.findall(name):
                if uniqueid in wanted and PurePosixPath(name).suffix in TYPES:
                    found.setdefault(wanted[uniqueid], f"{folder}/{name}" if folder else name)
    return found


def uniqueids_in(text: str) -> list[str]:
    """The ids in a linkedid, which may have the system's name before it."""
    return _UNIQUEID.findall(text)


def days_around(at: datetime) -> list[date]:
    """The days that it may be where the PBX is."""
    return [(at + timedelta(days=shift)).date() for shift in (0, 1, -1)]


def _candidates(file: str, at: datetime) -> Iterator[str]:
    """Where a file may lie that the PBX names so: it may see the folder by another path, or name no folder at all. A
    file that was packed afterwards has another ending."""
    parts = [part for part in PurePosixPath(file).parts if part != "/"]
    if not parts or ".." in parts or "\0" in file:
        return
    tails = ["/".join(parts[start:]) for start in range(max(0, len(parts) - DEEPEST), len(parts))]
    dated = [f"{folder}/{parts[-1]}" for day in days_around(at) for folder in _folders_of(day)]
    for path in (*tails, *dated):
        stem = path.removesuffix(PurePosixPath(path).suffix) if PurePosixPath(path).suffix in TYPES else path
        yield from dict.fromkeys((path, *(stem + ending for ending in TYPES)))


def _folders_of(day: date) -> tuple[str, ...]:
    return day.strftime("%Y/%m/%d"), day.strftime("%Y-%m-%d"), day.strftime("%Y%m%d"), day.strftime("%Y/%m-%d")


def _names_in(root: Path, folder: str) -> Iterator[str]:
    try:
        real_root = root.resolve(strict=True)
        real = (real_root / folder).resolve(strict=True)
        if not real.is_relative_to(real_root):
            return
        with os.scandir(real) as entries:
            for _, entry in zip(range(MOST_ENTRIES), entries, strict=False):
                if _is_text(entry.name):
                    yield entry.name
    except (OSError, RuntimeError):
        return


def _newest_in(folder: Path) -> Path | None:
    """The newest recording; None when there is none, or no such folder. Raises OSError for one that may not be read."""
    try:
        with os.scandir(folder) as entries:
            some = [each for _, each in zip(range(MOST_ENTRIES), entries, strict=False)]
    except (FileNotFoundError, NotADirectoryError):
        return None
    sounds = (each for each in some if PurePosixPath(each.name).suffix in TYPES and not each.is_symlink())
    files = [(each.stat().st_mtime, each.path) for each in sounds]
    return Path(max(files)[1]) if files else None


def _is_text(name: str) -> bool:
    """Whether a file's name is UTF-8: callers send what goes into it, and no database keeps other bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
