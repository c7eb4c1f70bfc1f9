"""Recorded streams carry no times: where people take theirs is read from the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from random import Random

from zeoncrm.ami.headers import Headers


class Beat(Enum):
    """What people are doing before an event comes."""

    RINGING = auto()  # until somebody takes the call
    GIVING_UP = auto()  # nobody does
    CHOOSING = auto()  # the PBX has taken the call: a menu, a transfer on its way
    TALKING = auto()


# From and to, in seconds.
Tempo = Mapping[Beat, tuple[float, float]]

HUMAN: Tempo = {
    Beat.RINGING: (4, 8),
    Beat.GIVING_UP: (8, 15),
    Beat.CHOOSING: (2, 4),
    Beat.TALKING: (15, 60),
}

# What ends a conversation, whichever of them comes first. A call record is written when its first party has left.
_ENDS = frozenset({"Hold", "BlindTransfer", "Cdr", "HangupRequest", "SoftHangupRequest", "BridgeLeave"})


def beats(frames: Sequence[Headers]) -> tuple[Beat | None, ...]:
    """For each event what is waited for before it comes; None when it follows at once."""
    reader = _Reader()
    return tuple(reader.read(headers) for headers in frames)


def pauses(rhythm: Sequence[Beat | None], tempo: Tempo, random: Random) -> list[float]:
    """Seconds before each event."""
    return [0.0 if beat is None else random.uniform(*tempo[beat]) for beat in rhythm]


class _Reader:
    """Follows one call."""

    def __init__(self) -> None:
        self._dialled: set[str] = set()
        self._ringing = False
        self._talking = False
        self._answered_by_pbx = False

    def read(self, headers: Headers) -> Beat | None:
        event, state = headers["Event"], headers.get("ChannelState")
        if event == "DialState":
            self._ringing = True
        elif event == "DialBegin":
            self._dialled.add(headers["DestUniqueid"])
        elif event == "BridgeEnter" and headers["BridgeNumChannels"] == "2":
            self._talking = True
        elif event == "Newchannel":
            return self._new_channel(state)
        elif event == "Newstate" and state == "6":
            return self._taken(headers["Uniqueid"])
        elif event in _ENDS:
            return self._ended(event)
        return None

    def _new_channel(self, state: str | None) -> Beat | None:
        if state == "4" and self._ringing:  # somebody picks the call up
            self._ringing = False
            return Beat.RINGING
        if state == "0" and self._answered_by_pbx:
            self._answered_by_pbx = False
            return Beat.CHOOSING
        return None

    def _taken(self, uniqueid: str) -> Beat | None:
        if uniqueid not in self._dialled:
            # The PBX takes the call itself, or tells the caller that somebody has.
            self._answered_by_pbx = not self._talking and not self._ringing
            return None
        if not self._ringing:
            return None
        self._ringing = False
        return Beat.RINGING

    def _ended(self, event: str) -> Beat | None:
        if self._talking:
            self._talking = False
            return Beat.TALKING
        if self._ringing and event == "HangupRequest":
            self._ringing = False
            return Beat.GIVING_UP
        return None
