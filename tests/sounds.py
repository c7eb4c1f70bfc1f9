"""Sound files for tests."""

from __future__ import annotations

from struct import pack


def wave(seconds: float, *, finished: bool = True, rate: int = 8000) -> bytes:
    """A wave file as Asterisk writes it: 16 bits, one channel; its sizes are 0 until it is finished."""
    sound = b"".join(pack("<h", 8000 if step // 10 % 2 else -8000) for step in range(int(seconds * rate)))
    sizes = (36 + len(sound), len(sound)) if finished else (0, 0)
    head = pack("<4sI4s4sIHHIIHH", b"RIFF", sizes[0], b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return head + pack("<4sI", b"data", sizes[1]) + sound
