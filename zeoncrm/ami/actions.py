"""What we ask of Asterisk, and its answers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from panoramisk.actions import Action
from panoramisk.message import Message

from zeoncrm.ami.errors import ActionRefused, BadHeader, OutcomeUnknown
from zeoncrm.ami.headers import read_headers

ActionHeaders = Mapping[str, str | tuple[str, ...]]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# Asterisk ends a line at a bare LF too, and a C string at NUL.
_FORBIDDEN = re.compile(r"[\r\n\0]")
# Asterisk throws a line away when it fills the 1,024 bytes of its buffer, and reads what follows as a new line.
_MAX_LINE = 1000
# More entries than any PBX has in a list of what we ask for.
MOST_ENTRIES = 50_000


@dataclass(frozen=True)
class Reply:
    """A successful answer. `message` is Asterisk's text; of a repeated header the first value is kept."""

    message: str
    headers: Mapping[str, str]


class Asked(Protocol):
    """A PBX that answers, over whatever link."""

    async def action(self, headers: ActionHeaders, *, timeout: float = 5) -> Reply: ...

    async def listing(self, headers: ActionHeaders, *, timeout: float = 15) -> list[bytes]: ...


def check_headers(headers: ActionHeaders) -> None:
    """Raises `BadHeader` for whatever Asterisk would not read as just this header with just this value."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise BadHeader(f"{name!r} is no name of a header")
        for text in (value,) if isinstance(value, str) else value:
            if _FORBIDDEN.search(text):
                raise BadHeader(f"{name} contains a line break or a NUL")
            try:
                line = f"{name}: {text}".encode()
            except UnicodeEncodeError:
                raise BadHeader(f"{name} is no text") from None
            if len(line) > _MAX_LINE:
                raise BadHeader(f"{name} is longer than {_MAX_LINE} bytes")


class Request(Action):  # type: ignore[misc]
    """One action under way.

    panoramisk waits for the OriginateResponse of an `Async` Originate and hides that event, and never ends a list
    which was refused. Here the first answer completes an action; with `on_list` given, the end of its list does,
    and `on_list` gets the raw entries at that very point of the stream.
    """

    def __init__(self, headers: ActionHeaders, on_list: Callable[[list[bytes]], None] | None = None) -> None:
        super().__init__(headers)
        self.on_list = on_list
        self.entries: list[bytes] = []
        self.reply: Reply | None = None

    def __repr__(self) -> str:
        return f"<Request {self['Action']}>"  # never the headers: one may be a secret

    def add_message(self, message: Message) -> bool:
        """Takes one message of the answer; says whether the answer is whole."""
        if self.future.done():
            return True
        try:
            self._take(message)
        except Exception as error:
            self.future.set_exception(error)
        return bool(self.future.done())

    def _take(self, message: Message) -> None:
        if "event" in message:
            self._take_entry(message)
        elif not message.success:
            raise ActionRefused(message.message or f"refused: {message.response}")
        else:
            self.reply = Reply(message.message, dict(message.items()))
            if self.on_list is None:
                self.future.set_result(self.reply)

    def _take_entry(self, message: Message) -> None:
        if message.eventlist != "Complete":
            if len(self.entries) == MOST_ENTRIES:
                raise OutcomeUnknown(f"the answer to {self['Action']} does not end")
            self.entries.append(message.frame)
        elif self.on_list is not None:
            self.on_list(self.entries)
            self.future.set_result(self.reply)


def read_message(frame: bytes) -> Message:
    """A message of an answer; it keeps its bytes as `frame`. Of a repeated header the first value counts."""
    message = Message(read_headers(frame))
    message.frame = frame
    return message
