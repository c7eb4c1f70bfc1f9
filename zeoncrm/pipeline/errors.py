"""What a use case refuses, in words for a person. The web turns them into answers, once, at its edge."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """Base of all refusals, told to the person who asked.

    `message` is an English message id, which the web translates; `values` are put into it, as in `%(number)s`.
    """

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message % values if values else message)
        self.message = message
        self.values = values


class NotFound(Refused):
    """There is no such thing, or it is not this person's to see: the two look alike on purpose."""


class Forbidden(Refused):
    """The person's role does not allow it."""


class Invalid(Refused):
    """A value can't be taken; `field` names it."""

    def __init__(self, field: str, message: str, **values: object) -> None:
        super().__init__(message, **values)
        self.field = field


class Stale(Refused):
    """The thing was changed by somebody else meanwhile; `current` is how it is now."""

    def __init__(self, current: Any) -> None:
        super().__init__("changed by somebody else meanwhile")
        self.current = current


class Unavailable(Refused):
    """It can't be done now (the PBX is not connected): nothing was done, and nothing will be done later."""


class TooMany(Refused):
    """Asked for too often; `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
