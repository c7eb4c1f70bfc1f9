"""Cuts the bytes of an AMI stream into messages."""

import re

# Everything that Asterisk sends is far below this; what is above it is damage or an attack.
MAX_MESSAGE = 1 << 20

_GREETING = b"Asterisk Call Manager/"
_BLANK_LINE = re.compile(rb"\n\r?\n")


class Framer:
    """Takes a stream in chunks of any size, gives its messages whole and undecoded.

    A message ends at a blank line. Asterisk ends its lines with CRLF; a bare LF is understood too. One that
    grows above `MAX_MESSAGE` bytes is dropped up to the next blank line and counted in `dropped`.
    `greeting` is the first line that Asterisk sends on a connection, as soon as it has come.
    """

    __slots__ = ("_overlong", "_pending", "dropped", "greeting")

    def __init__(self) -> None:
        self.dropped = 0
        self.greeting: str | None = None
        self._pending = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes, each without the blank line that ended it."""
        pending = self._pending
        # A blank line is three bytes at most, two of which may have come before. What lies further back has
        # been searched already: searching it again would make long messages quadratic.
        start = max(0, len(pending) - 2)
        pending += data
        if pending.startswith(_GREETING):
            self._take_greeting()
            start = 0
        if pending.find(b"\n\r\n", start) < 0 and pending.find(b"\n\n", start) < 0:
            self._bound()
            return []
        return self._cut()

    def _cut(self) -> list[bytes]:
        stream = bytes(self._pending)
        # A plain split is several times faster than the expression that also knows bare line feeds.
        pieces = _BLANK_LINE.split(stream) if b"\n\n" in stream else stream.split(b"\n\r\n")
        self._pending = bytearray(pieces.pop())
        if self._overlong:
            # The end of what is already counted as dropped.
            self._overlong = False
            del pieces[0]
        messages = [message for piece in pieces if (message := piece.strip(b"\r\n"))]
        if len(stream) > MAX_MESSAGE:
            whole = len(messages)
            messages = [message for message in messages if len(message) <= MAX_MESSAGE]
            self.dropped += whole - len(messages)
        self._bound()
        return messages

    def _take_greeting(self) -> None:
        """The greeting is one line without a blank line after it: the first message follows at once."""
        end = self._pending.find(b"\n")
        if end >= 0:
            self.greeting = self._pending[:end].decode("ascii", "replace").strip()
            del self._pending[: end + 1]

    def _bound(self) -> None:
        """Keeps the unfinished message bounded: of an overlong one only what may begin its blank line."""
        if self._overlong or len(self._pending) > MAX_MESSAGE:
            self.dropped += not self._overlong
            self._overlong = True
            del self._pending[:-2]
