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
# Numbers of a town have five digits at least; a shorter one is of a phone or a service.
_SHORTEST = 5
_NUMBER = re.compile(rf"(?<![0-9])[0-9]{{{_SHORTEST},20}}(?![0-9])")
# The end of a channel's name: `PJSIP/101-00000389`, perhaps a half of a Local one.
_CHANNEL_END = re.compile(r"(?:;[12])?(?![0-9A-Za-z.-])")
_WRITTEN_OUT = re.compile(r"\+?[0-9(][0-9 ().-]*[ ().-][0-9 ().-]*[0-9]")
_IDS = re.compile(r"[A-Za-z]*(?:[Uu]nique|[Ll]inked)(?:id|ID)|Bridge[A-Za-z]*|ActionID|Timestamp")
_NUMBERS = re.compile(r"[A-Za-z]*(?:CallerIDNum|ConnectedLineNum)|CallerID|Source|DNID|ANI")
_NAMES = re.compile(r"[A-Za-z]*(?:CallerIDName|ConnectedLineName|AccountCode|PeerAccount)|MemberName")
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
        self._literals: dict[str, str] = {}

    def frames(self, frames: Iterable[Traced]) -> list[Traced]:
        """The frames with everything replaced. What is a number in one of them is one wherever it stands."""
        kept = list(frames)
        for each in kept:
            for line in each.frame.decode("utf-8", "replace").split("\n"):
                self._learn(line)
        return [replace(each, frame=self._frame(each.frame)) for each in kept]

    def _learn(self, line: str) -> None:
        name, _, value = line.rstrip("\r").partition(": ")
        if _NUMBERS.fullmatch(name):
            if _WRITTEN_OUT.fullmatch(value):
                self._written_out(value)
            for digits in _NUMBER.findall(value):
                self._stand_in(digits)

    def numbering(self) -> Numbering:
        """The numbering with people's outside numbers replaced."""
        outside = {self.number(number): person for number, person in self._numbering.outside.items()}
        return replace(self._numbering, outside=outside)

    def number(self, text: str) -> str:
        """The text with the numbers in it replaced."""
        for written, stand_in in self._literals.items():
            text = text.replace(written, stand_in)
        return _NUMBER.sub(self._replaced, text)

    def _replaced(self, match: re.Match[str]) -> str:
        """One that is known is replaced also where it is glued to letters or looks like the end of a channel's name."""
        digits, text = match[0], match.string
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        if _key(digits) not in self._numbers:
            is_glued = before.isalnum() or after.isalnum()
            is_channel = before == "-" and len(digits) == 8 and _CHANNEL_END.match(text, match.end())
            if len(digits) < _IDENTIFYING or is_glued or is_channel:
                return digits
        return self._stand_in(digits)

    def _written_out(self, value: str) -> None:
        """A number with blanks, dashes or brackets in it keeps them."""
        digits = "".join(filter(str.isdigit, value))
        if _SHORTEST <= len(digits) <= 20 and (stand_in := self._stand_in(digits)) != digits:
            left = iter(stand_in)
            self._literals[value] = "".join(next(left) if letter.isdigit() else letter for letter in value)

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
        key = _key(digits)
        if key not in self._numbers:
            self._numbers[key] = self._end_for(digits)
        return digits[:-_REPLACED] + self._numbers[key]

    def _end_for(self, digits: str) -> str:
        """The last digits: with them it must be a number of the outside if it was one, and none if it was none."""
        region, count, length = self._numbering.region, len(self._numbers) + 1, min(_REPLACED, len(digits))
        ends = [f"{(count + step * 10 ** (length - 1)) % 10**length:0{length}}" for step in range(_ENDS)]
        beginning, is_none = digits[:-_REPLACED], normalise(digits, region) is None
        return next((end for end in ends if (normalise(beginning + end, region) is None) is is_none), ends[0])


def _key(digits: str) -> str:
    return digits[-_IDENTIFYING:]


def masked_options(frames: Iterable[Traced], numbering: Numbering) -> str:
    """With what `zeoncrm replay` must be told to read the masked frames."""
    mask = Mask(numbering)
    masked = mask.frames(frames)
    return replay_options([each.frame for each in masked], mask.numbering())
