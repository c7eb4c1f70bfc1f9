"""What a caller is called, in what dialplans make of names."""

from __future__ import annotations

import re

# The name of a group, a queue or a line without a colon at its end: `[Sales] `, `Sales - `. A full stop ends a title.
_PREFIX = re.compile(r".*[^\w\s.]\s*")
# What is shorter may end a name by chance.
_DIGITS = 5


def own_name(shown: str | None, number: str | None, before: str | None = None) -> str | None:
    """The caller's own name in the one that the PBX shows; None when there is none, or it is still the one from before.

    Dialplans put the name of a group, a queue or a line before it, which says who is called: FreePBX's "CID name
    prefix", by custom with a colon (`Sales:Ivan Petrov`). `number` is as the PBX writes it: where a caller has no name,
    dialplans write that in its place.
    """
    name = (shown or "").rpartition(":")[2].strip()
    digits = (number or "").lstrip("+")
    if not name or name == before or name.casefold().lstrip("+") == digits.casefold():
        return None
    if len(digits) >= _DIGITS and name.endswith(digits):
        return None
    if before and name.endswith(before) and _PREFIX.fullmatch(name[: -len(before)]):
        return None
    return name
