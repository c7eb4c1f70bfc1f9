"""What is told of presence and queues: only what is news."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from zeoncrm.pipeline.events import Event, PresenceChanged, QueueChanged
from zeoncrm.pipeline.people import Directory
from zeoncrm.pipeline.presence import PhoneState, PresenceState
from zeoncrm.pipeline.queues import Queue, Waiting
from zeoncrm.pipeline.watch import Watch
from zeoncrm.store.people import PersonRow

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ANNA = PersonRow(1, "anna", "Anna", "rep", None, None, True, False, extensions=(("", "101"),))
BORIS = replace(ANNA, id=2, login="boris", name="Boris", extensions=(("", "102"),))
CALLER = Waiting("call", "+79031112233", "79031112233", None, NOON)


@dataclass
class Pbx:
    """A PBX that shows what it is set to."""

    is_up: bool = True
    phones: dict[str, PhoneState] = field(default_factory=dict)
    queues: tuple[Queue, ...] = ()


class Firm:
    """A watch over two people and one PBX, and what it told since the last look."""

    def __init__(self) -> None:
        self.pbx = Pbx(phones={"101": PhoneState.FREE, "102": PhoneState.FREE})
        self.directory = Directory.of(1, [ANNA, BORIS])
        self.now = NOON
        self.told: list[Event] = []
        self.watch = Watch(self.told.extend, lambda: self.directory, lambda: (), {"main": self.pbx}, lambda: self.now)
        self.look()

    def look(self) -> list[Event]:
        self.told.clear()
        self.watch.look()
        return list(self.told)


def test_only_who_changed_is_told_with_the_time() -> None:
    firm = Firm()
    assert firm.look() == []
    firm.now = NOON + timedelta(minutes=1)
    firm.pbx.phones["102"] = PhoneState.RINGING
    [event] = firm.look()
    assert isinstance(event, PresenceChanged)
    [boris] = event.changed
    assert (boris.login, boris.state, boris.since) == ("boris", PresenceState.RINGING, firm.now)
    assert [(each.login, each.since) for each in firm.watch.presence] == [("anna", NOON), ("boris", firm.now)]


def test_another_name_is_told_but_the_state_goes_on_since_then() -> None:
    firm = Firm()
    firm.now = NOON + timedelta(minutes=1)
    firm.directory = Directory.of(2, [replace(ANNA, name="Anya"), BORIS])
    [event] = firm.look()
    assert isinstance(event, PresenceChanged)
    assert [(each.name, each.since) for each in event.changed] == [("Anya", NOON)]


def test_who_has_no_extension_any_more_is_told_gone() -> None:
    firm = Firm()
    firm.directory = Directory.of(2, [ANNA, replace(BORIS, extensions=())])
    assert firm.look() == [PresenceChanged(people=frozenset(), changed=(), gone=("boris",))]


def test_a_link_that_is_lost_makes_everybody_unknown_and_empties_the_queues() -> None:
    firm = Firm()
    firm.pbx.queues = (Queue("main", "sales", (CALLER,)), Queue("main", "help"))
    assert [event.queue.name for event in firm.look() if isinstance(event, QueueChanged)] == ["help", "sales"]
    firm.pbx.is_up = False
    people, *queues = firm.look()
    assert isinstance(people, PresenceChanged)
    assert {each.state for each in people.changed} == {PresenceState.UNKNOWN}
    assert queues == [
        QueueChanged(people=frozenset(), queue=Queue("main", name), gone=True) for name in ("help", "sales")
    ]
    assert firm.watch.queues == ()
