"""Makes a recorded stream fit to be shown to others: numbers and names are replaced, each by the same stand-in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from zeoncrm.ami.traced_call import Traced, replay_options
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.numbers import normalise

# What tells one form of a number from another, and what is replaced of it.
_IDENTIFYING = 7
_REPLACED = 6
# A run of digits which is not the end of a channel's name (`-0000002b`).
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?!(?<=-)[0-9a-f]{8}(?![0-9A-Za-z]))([0-9]{7,20})(?![0-9A-Za-z])")
_IDS = re.compile(r"[A-Za-z]*(?:[Uu]nique|[Ll]inked)(?:id|ID)|Bridge[A-Za-z]*|ActionID|Timestamp")
_NAMES = re.compile(r"[A-Za-z]*(?:CallerIDName|ConnectedLineName)|MemberName")
_QUOTED = re.compile(r'"([^"]*)"')
_NOTHING = frozenset({"", "<unknown>", "<none>", "(null)"})
_ENDS = 10


class Mask:
    """Stand-ins for numbers and names; extensions stay as they are.

    A number keeps its beginning, its length and the form in which it is written, so that what was the same number, an
    outside number or a number of that region is so still.
    """

    def __init__(self, numbering: Numbering) -> None:
        self._numbering = numbering
        self._numbers: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def frames(self, frames: Iterable[Traced]) -> list[Traced]:
        """The frames with everything replaced."""
        return [replace(each, frame=self._frame(each.frame)) for each in frames]

    def numbering(self) -> Numbering:
        """The numbering with people's outside numbers replaced."""
        outside = {self.number(number): person for number, person in self._numbering.outside.items()}
        return replace(self._numbering, outside=outside)

    def number(self, text: str) -> str:
        """The text with the numbers in it replaced."""
        return _NUMBER.sub(lambda match: self._stand_in(match[1]), text)

    def _frame(self, frame: bytes) -> bytes:
        lines = frame.decode("utf-8", "replace").split("\n")
        return "\n".join(map(self._line, lines)).encode()

    def _line(self, line: str) -> str:
        name, colon, rest = line.partition(": ")
        if not colon or _IDS.fullmatch(name):
            return line
        value = rest.rstrip("\r")
        if _NAMES.fullmatch(name):
            masked = self._name(value)
        else:
            masked = self.number(_QUOTED.sub(lambda match: f'"{self._name(match[1])}"', value))
        return f"{name}: {masked}{rest[len(value) :]}"

    def _name(self, name: str) -> str:
        if name in _NOTHING or name in self._numbering.extensions:
            return name
        if re.fullmatch(r"\+?[0-9]+", name):
            return self.number(name)
        return self._names.setdefault(name, f"Name {len(self._names) + 1}")

    def _stand_in(self, digits: str) -> str:
        if digits in self._numbering.extensions or len(set(digits)) == 1:
            return digits  # one digit again and again: a withheld number
        key = digits[-_IDENTIFYING:]
        if key not in self._numbers:
            self._numbers[key] = self._end_for(digits)
        return digits[:-_REPLACED] + self._numbers[key]

    def _end_for(self, digits: str) -> str:
        """The last digits: with them it must be a number of the outside if it was one, and none if it was none."""
        region, count = self._numbering.region, len(self._numbers) + 1
        ends = [f"{(count + step * 100_000) % 10**_REPLACED:0{_REPLACED}}" for step in range(_ENDS)]
        beginning, is_none = digits[:-_REPLACED], normalise(digits, region) is None
        return next((end for end in ends if (normalise(beginning + end, region) is None) is is_none), ends[0])


def masked_options(frames: Iterable[Traced], numbering: Numbering) -> str:
    """With what `zeoncrm replay` must be told to read the masked frames."""
    mask = Mask(numbering)
    masked = mask.frames(frames)
    return replay_options([each.frame for each in masked], mask.numbering())
