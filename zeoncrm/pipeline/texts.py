"""Texts as they are kept: what strangers and people may put into them, and how long they may be.

The one place where texts are cleaned. A caller's name is what a stranger chose: it may be endless, break lines, turn
the direction of what stands beside it, or hold what no database takes. Nothing is escaped here: that is the page's.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any, TypeVar

from zeoncrm.pipeline.call_events import CallEvent
from zeoncrm.pipeline.calls import Call

# Line and paragraph separators and control characters part words, as spaces do.
_PARTING = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
# Half surrogate pairs, marks that turn the direction of text, invisible ones; joiners stay, several scripts need them.
_UNSEEN = re.compile(
    "[\ud800-\udfff\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# What the columns hold of the texts in call events and calls.
_LONGEST = {
    "pbx": 64,
    "linkedid": 150,
    "number": 20,
    "number_raw": 64,
    "caller_name": 200,
    "did": 80,
    "queue": 80,
    "extension": 20,
    "answered_by": 20,
    "last_extension": 20,
}
_LONGEST_OTHER = 64

Told = TypeVar("Told", bound=CallEvent | Call)


def one_line(text: str) -> str:
    """The text in one line, without what nobody sees."""
    return _PARTING.sub(" ", _UNSEEN.sub("", text)).strip()


def lines(text: str) -> str:
    """The text with its lines, without what nobody sees."""
    return _CONTROL_BUT_LINES.sub("", _UNSEEN.sub("", text.replace("\r\n", "\n"))).strip()


def bounded(event: Told) -> Told:
    """The event or call with its texts cleaned and cut to what is kept; nothing left of an optional one is None."""
    changed: dict[str, Any] = {}
    for name, longest, optional in _TEXTS[type(event)]:
        text = getattr(event, name)
        if not isinstance(text, str):
            continue
        kept = one_line(text[: longest * 4])[:longest].rstrip()
        if kept != text or (optional and not kept):
            changed[name] = kept or (None if optional else "")
    return replace(event, **changed) if changed else event


def _texts_of(kind: type[Any]) -> tuple[tuple[str, int, bool], ...]:
    """The texts of a kind of event, or of a call: name, longest, whether it may be None."""
    return tuple(
        (field.name, _LONGEST.get(field.name, _LONGEST_OTHER), "None" in str(field.type))
        for field in fields(kind)
        # A file is found by its very name, or not at all.
        if str(field.type).startswith("str") and field.name != "file"
    )


_TEXTS = {kind: _texts_of(kind) for kind in (*CallEvent.__subclasses__(), Call)}
