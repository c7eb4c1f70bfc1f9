"""The headers of one AMI message, read the way Asterisk means them.

What comes from the wire is damaged at times: nothing here raises.
"""

from __future__ import annotations

import re
from typing import Protocol

Headers = dict[str, str]


class Lookup(Protocol):
    """Headers by name."""

    def get(self, name: str, /) -> str | None: ...


# Longer values are no names or numbers but an attack or damage; what is shown and stored stays bounded.
MAX_TEXT = 200

# What stands for bytes that are no UTF-8.
UNREADABLE = "\ufffd"

# Control characters, and the marks with which a name could turn the reading direction of the text around it.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

_NOTHING = frozenset({"", "<unknown>", "<none>", "(null)"})


class Fields:
    """Headers that are looked for when they are asked for: quicker than reading all when few of them are wanted.

    Of a repeated header it finds the first value.
    """

    __slots__ = ("_text",)

    def __init__(self, frame: bytes) -> None:
        self._text = f"\n{_decoded(frame)}\n"

    def get(self, name: str, /) -> str | None:
        """The header's value; None when there is no such header."""
        header = f"\n{name}: "
        start = self._text.find(header)
        if start < 0:
            return None
        start += len(header)
        return self._text[start : self._text.find("\n", start)]

    def search(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Where the pattern is found in the headers; each is a line of its own, after a line feed."""
        return pattern.search(self._text)


def read_headers(frame: bytes) -> Headers:
    """Name to value, of a repeated header the first value. Lines without a colon are passed over."""
    lines = _decoded(frame).split("\n")
    lines.reverse()
    try:
        return dict([line.split(": ", 1) for line in lines])
    except ValueError:  # a line without a colon; rare, so that it is not looked for in advance
        return dict([line.split(": ", 1) for line in lines if ": " in line])


def text_of(headers: Lookup, name: str) -> str | None:
    """The value as bounded plain text; None when the PBX has none."""
    return text(headers.get(name))


def text(value: str | None) -> str | None:
    """The same of a value."""
    return None if value is None or value in _NOTHING else plain(value)


def escaped(value: str | None) -> str | None:
    """The same of a name, which Asterisk C-escapes; None for one of which nothing can be read."""
    if value is not None and "\\" in value:
        value = _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), value[: 2 * MAX_TEXT])
    return None if value is not None and is_unreadable(value) else text(value)


def is_unreadable(name: str) -> bool:
    """Most of it was no UTF-8: a name in CP1251, say. One in which a letter or two are lost can still be read."""
    return UNREADABLE in name and 2 * name.count(UNREADABLE) >= len(name) - name.count(" ")


def number_of(headers: Lookup, name: str) -> int | None:
    """The value as a whole number; None when it is none."""
    value = (headers.get(name) or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def plain(value: str) -> str | None:
    """Without control and direction characters, bounded; None when nothing is left."""
    if value.isalnum() and len(value) <= MAX_TEXT:
        return value  # the usual number or name of one word
    if len(value) > MAX_TEXT:
        value = value[: 2 * MAX_TEXT]
    if not value.isprintable():
        value = _UNWANTED.sub("", value)
    return value.strip()[:MAX_TEXT] or None


def _decoded(frame: bytes) -> str:
    """The text is UTF-8; bytes that are not become replacement characters, in this message alone."""
    try:
        text = frame.decode()
    except UnicodeDecodeError:
        text = frame.decode("utf-8", "replace")
    return text.replace("\r", "")
