"""Makes a recorded stream fit to be shown to others: numbers and names are replaced, each by the same stand-in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from zeoncrm.ami.headers import Fields
from zeoncrm.ami.parties import HELPERS, device_of, extension_of, user_dialled
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
# Whose values are words of the PBX and of those who set it up, as are the devices of channels.
_OF_PBX = re.compile(r"Event|Queue|Disposition|Bridge[A-Za-z]*|[A-Za-z]*(?:Context|Application|Status|StateDesc)")
_WORD = re.compile(r"[^\W_]+")
# What Asterisk and phones write where there is no number.
_NOBODY = frozenset({"anonymous", "asterisk", "private", "restricted", "unavailable", "unknown", "withheld"})
# A number that the dialplan put a mark before, or a wait into: `FMGL-79031112233#` of FreePBX, `9w79031112233`.
_MARKED = re.compile(r"(?:[A-Z]{1,6}-)?[0-9+*#]+(?:w+[0-9+*#]+)*")
_NAMES = re.compile(r"[A-Za-z]*(?:CallerIDName|ConnectedLineName|AccountCode|PeerAccount)|MemberName")
_QUOTED = re.compile(r'"([^"]*)"')
_NOTHING = frozenset({"", "<unknown>", "<none>", "(null)"})
_ENDS = 10


class Mask:
    """Stand-ins for numbers and names; extensions stay as they are.

    A number keeps its beginning, its length and the form in which it is written, so that what was the same number, an
    outside number or a number of that region is so still. A word that stands for a number somewhere, as users of SIP
    have it, is replaced wherever it stands.
    """

    def __init__(self, numbering: Numbering) -> None:
        self._numbering = numbering
        self._numbers: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._literals: dict[str, str] = {}
        # By the user's word in small letters.
        self._users: dict[str, str] = {}
        self._user: re.Pattern[str] | None = None
        self._words = {word for own in (*numbering.extensions, *numbering.devices) for word in _words(own)}

    def frames(self, frames: Iterable[Traced]) -> list[Traced]:
        """The frames with everything replaced. What is a number in one of them is one wherever it stands."""
        kept = list(frames)
        headers = dict.fromkeys(line.rstrip("\r").partition(": ") for each in kept for line in _lines(each.frame))
        for name, _, value in headers:
            self._words |= _words_of_pbx(name, value)
        for name, _, value in headers:
            if _NUMBERS.fullmatch(name):
                self._learn(value)
        for each in kept:
            self._learn_dialled(Fields(each.frame))
        if self._users:
            users = "|".join(map(re.escape, sorted(self._users, key=len, reverse=True)))
            self._user = re.compile(rf"(?<![^\W_])(?:{users})(?![^\W_])", re.IGNORECASE)
        return [replace(each, frame=self._frame(each.frame)) for each in kept]

    def _learn(self, value: str) -> None:
        if _WRITTEN_OUT.fullmatch(value):
            self._written_out(value)
        for digits in _NUMBER.findall(value):
            self._stand_in(digits)
        if value not in _NOTHING:
            user = _QUOTED.sub("", value).strip(" <>").removeprefix("sip:")
            self._learn_user(re.split("[@;]", user)[0])

    def _learn_dialled(self, headers: Fields) -> None:
        """Who is called by a trunk. What phones of ours and the dialplan are called by is no secret."""
        technology, device = device_of(headers.get("DestChannel") or "")
        dialled = headers.get("DialString")
        if dialled and technology not in HELPERS and extension_of(technology, device, self._numbering) is None:
            self._learn_user(user_dialled(dialled))

    def _learn_user(self, user: str) -> None:
        """Who is called by a word, unless it is one of the PBX's own. A word with a digit keeps having one: by that a
        number that was dialled is told from a trunk."""
        key = user.lower()
        is_word = len(key) > 1 and any(map(str.isalpha, key)) and not _MARKED.fullmatch(user)
        if is_word and key not in self._words | _NOBODY | self._users.keys():
            count = str(len(self._users) + 1)
            has_digit = any(map(str.isdigit, key))
            self._users[key] = "user" + (count if has_digit else "".join(chr(ord("a") + int(each)) for each in count))

    def numbering(self) -> Numbering:
        """The numbering with people's outside numbers replaced."""
        outside = {self.number(number): person for number, person in self._numbering.outside.items()}
        return replace(self._numbering, outside=outside)

    def number(self, text: str) -> str:
        """The text with the numbers in it replaced, and those who are called by words."""
        if self._user is not None:
            text = self._user.sub(lambda match: self._users.get(match[0].lower(), "user"), text)
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
        return "\n".join(map(self._line, _lines(frame))).encode()

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
        if name.lower() in self._users:
            return self._users[name.lower()]
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


def _lines(frame: bytes) -> list[str]:
    return frame.decode("utf-8", "replace").split("\n")


def _words_of_pbx(header: str, value: str) -> set[str]:
    """The words in what names no caller: nobody may be taken for one of them."""
    if header.endswith("Channel"):
        technology, device = device_of(value)
        return {technology.lower()} | (set() if technology in HELPERS else _words(device))
    return _words(value) if _OF_PBX.fullmatch(header) else set()


def _words(text: str) -> set[str]:
    """The text and the words in it, in small letters."""
    return {text.lower(), *_WORD.findall(text.lower())}


def _key(digits: str) -> str:
    return digits[-_IDENTIFYING:]


def masked_options(frames: Iterable[Traced], numbering: Numbering) -> str:
    """With what `zeoncrm replay` must be told to read the masked frames."""
    mask = Mask(numbering)
    masked = mask.frames(frames)
    return replay_options([each.frame for each in masked], mask.numbering())
