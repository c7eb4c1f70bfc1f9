"""A file that grows and is rotated: what it was before, compressed or not, and pieces of any of it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from errno import EINVAL, ENOENT
from glob import escape
from pathlib import Path
from typing import Any

_OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# What logrotate's `compresscmd` may also have made of a file.
_UNREADABLE = frozenset({".zst", ".lz4", ".lzo", ".Z", ".zip", ".7z"})


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes from a place in a file on, and some of those before it. `damage`: why what follows can't be read."""

    path: Path
    offset: int
    before: bytes = b""
    data: bytes = b""
    damage: str | None = None


def piece_of(path: Path, offset: int, most: int, most_before: int) -> Piece:
    """At most so many bytes; offsets in a compressed file are those of its content. Raises OSError."""
    if path.suffix in _UNREADABLE:
        return Piece(path, offset, damage=f"a file compressed otherwise than as {', '.join(_OPENERS)} ({path.name})")
    before = data = b""
    _refuse_pipe(path)
    try:
        with _OPENERS.get(path.suffix, _plain)(path) as file:
            file.seek(max(0, offset - most_before))
            before = file.read(min(offset, most_before))
            while len(data) < most and (more := file.read1(most - len(data))):
                data += more
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return Piece(path, offset, before, data, f"a file that is cut short or damaged ({path.name})")
    return Piece(path, offset, before, data)


def older_files(path: Path) -> list[Path]:
    """What the file was before it was rotated, the oldest first. Raises OSError."""
    found = {each for each in path.parent.glob(f"{escape(path.name)}[.-]*") if each.is_file()}
    # While a file is compressed both are there, and the compressed one is not whole yet.
    whole = {each for each in found if each.suffix not in _OPENERS or each.with_suffix("") not in found}
    return sorted(whole, key=lambda each: each.stat().st_mtime_ns)


def file_after(path: Path, newest: Path) -> Path:
    """The one that was begun when this one was rotated. Raises OSError."""
    older = older_files(newest)
    if path not in older:
        raise FileNotFoundError(ENOENT, f"{path.name} was renamed while it was read")
    return [*older, newest][older.index(path) + 1]


def _refuse_pipe(path: Path) -> None:
    """Whoever opens a pipe waits for somebody at its other end, and what is read from a device has no end."""
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise OSError(EINVAL, "a pipe or a device, where a file should be")


def _plain(path: Path) -> Any:
    return path.open("rb")
