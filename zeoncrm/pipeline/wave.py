"""What the header of a wave file tells: whether the file is whole, and how long it plays.

Source: the RIFF container as Microsoft describes it. Asterisk leaves both sizes at 0 until it closes the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError
from struct import unpack

_MOST_CHUNKS = 32


@dataclass(frozen=True, slots=True)
class Wave:
    """`seconds` is None where the header does not tell. `empty`: there is no sound behind it, as yet or for ever."""

    whole: bool
    seconds: int | None
    empty: bool = False


def wave_of(path: Path) -> Wave:
    """What the file's header tells; raises OSError."""
    with path.open("rb") as file:
        size = path.stat().st_size
        try:
            riff, _, kind = unpack("<4sI4s", file.read(12))
            if (riff, kind) != (b"RIFF", b"WAVE"):
                return Wave(False, None)
            bytes_a_second = 0
            for _ in range(_MOST_CHUNKS):
                name, length = unpack("<4sI", file.read(8))
                if name == b"data":
                    sound = size - file.tell()
                    whole = 0 < length <= sound
                    seconds = round(length / bytes_a_second) if whole and bytes_a_second else None
                    return Wave(whole, seconds, empty=sound <= 0)
                if name == b"fmt ":
                    (bytes_a_second,) = unpack("<8xI", file.read(12))
                    length -= 12
                file.seek(length + length % 2, 1)
        except StructError:
            pass
        return Wave(False, None)
