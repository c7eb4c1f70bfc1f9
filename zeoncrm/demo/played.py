"""Calls as the simulated PBX plays them: frames, and how long to wait before each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from zeoncrm.demo.pacing import HUMAN, Beat, Tempo, pauses
from zeoncrm.demo.recorded import NAME, Recording, Serials, cast, fresh, identities
from zeoncrm.demo.scenes import CLICK_TO_CALL, RECORDED, TRANSFER, recording_of

# The one who clicked expects the phone to ring at once, and has no time to wait for the other side.
_CLICKED: Tempo = {**HUMAN, Beat.RINGING: (2, 3), Beat.TALKING: (18, 22)}

Step = tuple[float, bytes]


@dataclass(eq=False)
class Call:
    """A call in progress: what is still to come of it, as (seconds to wait, frame).

    `acting`: the extensions whose people it keeps busy; `uniqueids`: of its channels.
    """

    number: str
    acting: frozenset[str]
    uniqueids: frozenset[str]
    steps: deque[Step]
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def go_on_with(self, steps: Iterable[Step]) -> None:
        """Something else happens instead of what was to come."""
        self.steps = deque(steps)
        self.changed.set()

    async def pause(self, seconds: float) -> bool:
        """Wait; False when something else happens."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            return True
        self.changed.clear()
        return False


@dataclass(frozen=True)
class Maker:
    """Makes fresh calls of recordings for the phones of some people (`names`: by extension)."""

    names: Mapping[str, str]
    serials: Serials
    random: Random

    def call(
        self,
        recording: Recording,
        people: Mapping[str, str],
        number: str,
        name: str | None,
        at: datetime,
        *,
        acting: Iterable[str] = (),
        tempo: Tempo = HUMAN,
        more: Mapping[bytes, bytes] | None = None,
    ) -> Call:
        """A call of a recording with this outside party; `people`: who stands for the recorded extensions."""
        replacements = identities(recording, self.serials, at) | cast(people, self.names)
        replacements[recording.number] = number.encode()
        if name:
            replacements[NAME] = name.encode()
        replacements |= more or {}
        uniqueids = frozenset(replacements[each].decode() for each in recording.uniqueids)
        return Call(number, frozenset(acting), uniqueids, self._steps(recording, replacements, tempo))

    def click_to_call(self, extension: str, number: str, channel_id: str, action_id: str, at: datetime) -> Call:
        """What comes of an `Originate`; `channel_id` may be empty."""
        recording = recording_of(CLICK_TO_CALL)
        people = {RECORDED[0]: extension}
        more = {recording.action: action_id.encode()}
        if channel_id:
            more[recording.uniqueids[0]] = channel_id.encode()
        return self.call(recording, people, number, None, at, acting=[extension], tempo=_CLICKED, more=more)

    def transfer(
        self, call: Call, outside: Mapping[str, str], own: Mapping[str, str], bridge: str, to: str, at: datetime
    ) -> Call:
        """How a call goes on when the one at the channel `own` sends the channel `outside` to another extension.

        The channels are given by the facts of events.
        """
        recording = recording_of(TRANSFER)
        extension = _device(own["Channel"])
        replacements = identities(recording, self.serials, at)
        replacements |= cast({"101": extension, "102": extension, "103": to}, self.names)
        replacements[recording.number] = call.number.encode()
        replacements[NAME] = outside["CallerIDName"].encode()
        for place, facts in enumerate((outside, own)):
            replacements[recording.uniqueids[place]] = facts["Uniqueid"].encode()
            replacements[recording.serials[place]] = facts["Channel"].rpartition("-")[2].encode()
        replacements[recording.bridges[0]] = bridge.encode()
        uniqueids = frozenset(replacements[each].decode() for each in recording.uniqueids)
        steps = self._steps(recording.since("BlindTransfer"), replacements, HUMAN)
        return Call(call.number, call.acting | {to}, call.uniqueids | uniqueids, steps)

    def _steps(self, recording: Recording, replacements: Mapping[bytes, bytes], tempo: Tempo) -> deque[Step]:
        waits = pauses(recording.rhythm, tempo, self.random)
        return deque(zip(waits, fresh(recording, replacements), strict=True))


def _device(channel: str) -> str:
    return channel.partition("/")[2].rpartition("-")[0]
