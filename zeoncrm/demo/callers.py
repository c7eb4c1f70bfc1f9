"""Who calls next: known people and strangers, one after the other, at a humane rate."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zeoncrm.demo.played import Call
from zeoncrm.demo.scenes import SCENES, Scene, recording_of
from zeoncrm.demo.simulated_pbx import SimulatedPbx

# Seconds: from the first log-in to the first call, from somebody's arrival to a call for them, between calls.
FIRST_GAP = 3.0
ARRIVAL_GAP = 3.0
GAP = (20.0, 40.0)
RETRY_GAP = 5.0
MOST_AT_ONCE = 2
KNOWN_SHARE = 0.65
NAMED_SHARE = 0.6


@dataclass(frozen=True)
class World:
    """The outside parties. `known`: numbers of contacts by the extension of their owner; `names`: of strangers."""

    known: Mapping[str, Sequence[str]]
    names: Sequence[str]


@dataclass
class Callers:
    """Lets calls come in, and now and then a rep call out."""

    pbx: SimulatedPbx
    world: World
    _wanted: deque[str] = field(default_factory=deque)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ring_soon(self, extension: str) -> None:
        """Somebody has just sat down at this extension's screen: let them see a call within seconds."""
        if extension in self.pbx.names and extension not in self._wanted:
            self._wanted.append(extension)
            self._asked.set()

    async def run(self) -> None:
        """Start calls as long as it is not cancelled; the first one when somebody listens."""
        await self.pbx.joined.wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._call_now_and_then())
            tasks.create_task(self._call_those_who_arrived())

    async def _call_now_and_then(self) -> None:
        await self._rest(FIRST_GAP)
        while True:
            started = len(self.pbx.calls) < MOST_AT_ONCE and self._next_call()
            await self._rest(self.pbx.random.uniform(*GAP) if started else RETRY_GAP)

    async def _call_those_who_arrived(self) -> None:
        while True:
            await self._asked.wait()
            await self._rest(ARRIVAL_GAP)
            self._asked.clear()
            self._wanted = deque(extension for extension in self._wanted if not self._next_call(extension))
            if self._wanted:  # nobody is free to take a call for them until another one has ended
                self.pbx.changed.clear()
                await self.pbx.changed.wait()
                self._asked.set()

    def _next_call(self, wanted: str | None = None) -> bool:
        """Start a call, one that rings at the wanted extension; False when nobody is free for one."""
        extensions = tuple(self.pbx.names)
        taken = self.pbx.taken.intersection(extensions)
        # Somebody stays free to take the call for whoever arrives next.
        most_acting = len(extensions) - len(taken) - (0 if wanted else 1)
        possible = [
            (scene, castings)
            for scene in SCENES
            if len(scene.acting) <= most_acting and (castings := scene.castings(extensions, taken, wanted))
        ]
        if not possible:
            return False
        [(scene, castings)] = self.pbx.random.choices(possible, [scene.weight for scene, _ in possible])
        self.pbx.start(self._call(scene, self.pbx.random.choice(castings)))
        return True

    def _call(self, scene: Scene, people: Mapping[str, str]) -> Call:
        acting = [people[part] for part in sorted(scene.acting)]
        number = None
        if scene.outbound or self.pbx.random.random() < KNOWN_SHARE:
            number = self._known_number(acting)
        name = None
        if number is None:
            number = self._new_number()
            named = not scene.outbound and self.pbx.random.random() < NAMED_SHARE
            name = self.pbx.random.choice(self.world.names) if named else None
        recording = recording_of(scene.recording)
        return self.pbx.maker.call(recording, people, number, name, self.pbx.now, acting=acting)

    def _known_number(self, extensions: Sequence[str]) -> str | None:
        """Of a contact of one of these people who is not in a call already."""
        engaged = {call.number for call in self.pbx.calls}
        numbers = [
            number
            for extension in extensions
            for number in self.world.known.get(extension, ())
            if number not in engaged
        ]
        return self.pbx.random.choice(numbers) if numbers else None

    def _new_number(self) -> str:
        return f"790311{self.pbx.random.randrange(20_000, 100_000)}"

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.pbx.pace)
