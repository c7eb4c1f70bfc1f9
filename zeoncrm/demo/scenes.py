"""The calls that the demo plays: which recordings, and who of three people has which part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

from zeoncrm.demo.recorded import FOLDER, Recording, read_recording

# The extensions of the recordings.
RECORDED = ("101", "102", "103")


@dataclass(frozen=True)
class Scene:
    """A recorded call by its recorded extensions: at which it `rings` first, and who of them `acts` in it.

    `weight`: how often it is played, in proportion to the others.
    """

    recording: str
    rings: str
    acts: str
    weight: int
    outbound: bool = False

    @property
    def ringing(self) -> frozenset[str]:
        return frozenset(self.rings.split())

    @property
    def acting(self) -> frozenset[str]:
        return frozenset(self.acts.split())

    def castings(self, extensions: Sequence[str], taken: Collection[str], wanted: str | None) -> list[dict[str, str]]:
        """The ways to give its parts away so that nobody acts whose phone is taken, and it rings at `wanted`."""
        found = [dict(zip(RECORDED, order, strict=True)) for order in permutations(extensions, len(RECORDED))]
        return [
            people
            for people in found
            if all(people[part] not in taken for part in self.acting)
            and (wanted is None or any(people[part] == wanted for part in self.ringing))
        ]


SCENES = (
    Scene("direct_answered", rings="101", acts="101", weight=6),
    Scene("ivr_choice", rings="102", acts="102", weight=3),
    Scene("queue_ringall", rings="101 102 103", acts="102", weight=4),
    Scene("ring_group", rings="101 102 103", acts="103", weight=4),
    Scene("group_pickup", rings="101", acts="101 102", weight=1),
    Scene("blind_transfer_dtmf", rings="101", acts="101 103", weight=2),
    Scene("caller_gives_up", rings="101", acts="101", weight=3),
    Scene("outbound_answered", rings="", acts="101", weight=2, outbound=True),
    Scene("outbound_unanswered", rings="", acts="101", weight=1, outbound=True),
)
CLICK_TO_CALL = "originate_click_to_call"
TRANSFER = "blind_transfer_dtmf"


@cache
def recording_of(name: str) -> Recording:
    """A recording that comes with the package."""
    return read_recording(FOLDER / f"{name}.ami")
