"""The records of one call as a whole: who is at its channels, who called whom, who talked with whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from zeoncrm.ami.cdr.groups import in_order
from zeoncrm.ami.cdr.rows import CdrRow
from zeoncrm.ami.parties import Kind, Party, dial_string, dialled_number, party_at, whole
from zeoncrm.pipeline.numbering import Numbering

# What a record of a channel that the PBX called gives as its application.
CALLED = frozenset({"AppDial", "AppDial2", "AppQueue"})
# The name of a caller who withholds the number, RFC 3323. When the dialplan sends one out again it sets our number, but
# seldom another name.
_ANONYMOUS = re.compile(r'\s*"?anonymous\b', re.IGNORECASE)
# Where channels meet of which neither called the other: the older one's record names both, and begins when that one
# came, or when whom it met before had left.
MEETING = frozenset({"AgentLogin", "AgentRequest", "ConfBridge", "MeetMe"})


class Story:
    """The records of one call, in order. `callers`: the outside parties that called us; `lines`: those we called."""

    def __init__(self, rows: Sequence[CdrRow], numbering: Numbering) -> None:
        self.rows = rows
        self.parties: dict[str, Party] = {}
        self._heard: dict[str, set[str]] = {}
        self._dialled_by = {whole(row.peer): row for row in reversed(rows) if row.peer and row.app not in MEETING}
        called = self._called = _called(rows)
        for row in rows:
            at_peer = party_at(row.peer, (_dialled(row),), numbering) if row.peer else None
            sent_out = at_peer is not None and at_peer.kind is Kind.OUTSIDE and row.app not in MEETING
            if not sent_out or row.channel not in self.parties:
                hides = sent_out and _ANONYMOUS.match(row.clid)
                self._meet(row.channel, party_at(row.channel, ("anonymous" if hides else row.src,), numbering))
            if at_peer is not None:
                self._meet(row.peer, at_peer)
                if row.answered:
                    self._connect(whole(row.channel), whole(row.peer))
        outside = [name for name, party in self.parties.items() if party.kind is Kind.OUTSIDE]
        # Of whoever met somebody their own record tells who they are; it may have been read before.
        own = {row.channel for row in rows}
        self.callers = [name for name in outside if name not in called and name in own]
        self.lines = [name for name in outside if name in called]

    def _meet(self, name: str, party: Party) -> None:
        known = self.parties.get(name)
        if known is None or (known.kind is Kind.OUTSIDE and known.number is None):
            self.parties[name] = party

    def _connect(self, one: str, other: str) -> None:
        self._heard.setdefault(one, set()).add(other)
        self._heard.setdefault(other, set()).add(one)

    @property
    def people(self) -> dict[str, str]:
        """The extension at each channel of our people."""
        return {
            name: party.extension
            for name, party in self.parties.items()
            if party.kind is Kind.PERSON and party.extension is not None
        }

    def of(self, name: str) -> list[CdrRow]:
        """The records in which the channel has a part."""
        return [row for row in self.rows if name in (row.channel, row.peer)]

    def own(self, name: str) -> list[CdrRow]:
        """The same but for those of whoever was there before: they begin before the channel came."""
        return [row for row in self.of(name) if row.app not in MEETING or row.channel == name]

    def hearing(self, centers: Iterable[str]) -> set[str]:
        """The channels that talked with these, over nothing but Local channels (by their whole names)."""
        found = set(centers)
        pending = list(found)
        while pending:
            for near in self._heard.get(pending.pop(), ()):
                if near not in found:
                    found.add(near)
                    if near not in self.parties or self.parties[near].kind is Kind.HELPER:
                        pending.append(near)
        return found

    def never_answered(self, name: str) -> bool:
        """Of a phone from which the call was picked up a record says that it answered; its own denies that."""
        own = [row for row in self.rows if row.channel == name]
        alone = any(not row.peer for row in own)
        return alone and name in self._called and not any(row.answered for row in own)

    def dial_of(self, row: CdrRow) -> tuple[str, str]:
        """The dial or queue, at the far end of Local channels, by which the record's peer was called."""
        seen = set()
        while whole(row.channel) in self._dialled_by and row.channel not in seen and row.channel.endswith(";2"):
            seen.add(row.channel)
            row = self._dialled_by[whole(row.channel)]
        return (row.channel, row.data)

    def went_on(self, row: CdrRow) -> bool:
        """Whether its channel did something else after this: so it was not the caller who gave up."""
        return any(
            other.channel == row.channel and other.start >= row.end and not (other.peer and other.data == row.data)
            for other in self.rows
            if in_order(other) > in_order(row)
        )

    def answered_at(self, row: CdrRow) -> datetime:
        """When the peer answered. Of a channel that talked with the PBX before, that is not told; others who rang
        with it stopped then. Who meets somebody answers by coming."""
        if row.app in MEETING:
            came = [other.start for other in self.own(row.peer) if other.app in MEETING and other.start >= row.start]
            return min(came, default=row.start)
        if row.answer is not None and row.answer > row.start:
            return row.answer
        stopped = (
            other.end
            for other in self.rows
            if other.channel == row.channel and other.start == row.start and not other.answered and other.peer
        )
        return max((end for end in stopped if end <= row.end), default=row.start)


def lacks_whom_they_met(rows: Sequence[CdrRow]) -> bool:
    """Whether somebody came to where others may have been, whose records tell of it once they leave."""
    met = {name for row in rows if row.app in MEETING and row.peer for name in (row.channel, row.peer)}
    return any(row.app in MEETING and row.channel not in met for row in rows)


def _dialled(row: CdrRow) -> str | None:
    """The number by which the record's peer was called."""
    return None if row.app in MEETING else dialled_number(dial_string(row.data, row.peer) or row.dst)


def _called(rows: Sequence[CdrRow]) -> set[str]:
    """The channels that the PBX called: the first record of one that called the PBX is its own. Who met somebody was
    not called by them."""
    seen: set[str] = set()
    called: set[str] = set()
    for row in rows:
        peer = "" if row.app in MEETING else row.peer
        if peer and peer not in seen:
            called.add(peer)
        if row.app in CALLED:
            called.add(row.channel)
        seen.update((row.channel, peer))
    return called
