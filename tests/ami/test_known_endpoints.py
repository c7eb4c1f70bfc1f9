"""What is known of a PBX's endpoints follows what it says, while calls go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from tests.patience import PATIENCE
from zeoncrm.ami import known_endpoints, messages
from zeoncrm.ami.actions import ActionHeaders, Reply
from zeoncrm.ami.errors import ActionRefused, NotConnected
from zeoncrm.ami.known_endpoints import KnownEndpoints
from zeoncrm.ami.presence import PhoneChanged
from zeoncrm.pipeline.endpoints import EndpointKind
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.presence import PhoneState

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PEOPLE = Numbering("RU", frozenset({"101"}))


@dataclass
class Switch:
    """A PBX of which only the questions are played: its lists, and what `Getvar` gives."""

    states: dict[str, str] = field(default_factory=lambda: {"PJSIP/101": "INUSE", "PJSIP/105": "NOT_INUSE"})
    values: dict[str, str] = field(
        default_factory=lambda: {
            f"PJSIP_{name}": value
            for each in ("101", "105", "106")
            for name, value in ((f"ENDPOINT({each},aors)", each), (f"AOR({each},max_contacts)", "1"))
        }
    )
    hints: dict[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    is_up: bool = True
    broken: bool = False
    lists: int = 0
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    async def action(self, headers: ActionHeaders, *, timeout: float = 5) -> Reply:
        variable = str(headers["Variable"])
        self.asked.append(variable)
        return Reply("", {"Value": self.values.get(variable, "")})

    async def listing(self, headers: ActionHeaders, *, timeout: float = 15) -> list[bytes]:
        if not self.is_up:
            raise NotConnected("down")
        self.lists += 1
        if self.broken:
            self.broken = False
            self.failed.set()
            raise ValueError("this can't be read")
        action = str(headers["Action"])
        if action in self.refused:
            raise ActionRefused("Permission denied")
        if action == "ExtensionStateList":
            return [
                f"Event: ExtensionStatus\r\nExten: {number}\r\nHint: {hint}".encode()
                for number, hint in self.hints.items()
            ]
        shown: Mapping[str, str] = self.states if action == "DeviceStateList" else {}
        return [
            f"Event: DeviceStateChange\r\nDevice: {name}\r\nState: {state}".encode() for name, state in shown.items()
        ]


class Kept:
    """The endpoints of a switch, and the numberings that were told."""

    def __init__(self) -> None:
        self.numberings: list[Numbering] = []
        self.switch = Switch()
        self.known = KnownEndpoints("main", PEOPLE, self._note)
        self._news = asyncio.Event()

    def _note(self) -> None:
        self.numberings.append(self.known.numbering)
        self._news.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
async def kept(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kept]:
    """Asked once."""
    monkeypatch.setattr(known_endpoints, "SETTLED_SECONDS", 0.0)
    async with keeping(Kept()) as it:
        it.known.ask_again()
        await it.until(lambda: bool(it.numberings))
        yield it


@asynccontextmanager
async def keeping(it: Kept) -> AsyncIterator[Kept]:
    task = asyncio.create_task(it.known.keep(it.switch))
    yield it
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_phone_that_is_nobodys_joins_the_numbering(kept: Kept) -> None:
    assert kept.known.numbering.extensions == {"101", "105"}
    assert {each.device: each.kind for each in kept.known.endpoints} == {
        "PJSIP/101": EndpointKind.PHONE,
        "PJSIP/105": EndpointKind.PHONE,
    }


async def test_a_phone_is_of_the_extension_that_the_dialplan_watches_it_as(kept: Kept) -> None:
    kept.switch.hints = {
        "101": "PJSIP/desk-anna&PJSIP/soft-anna&Custom:DND101,CustomPresence:101",
        "107": "PJSIP/0004f2040001",
        "108": "DAHDI/5",
        "600": "PJSIP/desk-anna&PJSIP/desk-boris",
        "71": "park:71@parkedcalls",
        "*21": "PJSIP/desk-olga",
    }
    kept.known.ask_again()
    await kept.until(lambda: bool(kept.known.numbering.devices))

    devices = {"PJSIP/desk-anna": "101", "PJSIP/soft-anna": "101", "PJSIP/0004f2040001": "107"}
    assert kept.known.numbering.devices == devices
    assert kept.known.numbering.extensions == {"101", "105", "107"}


async def test_a_phone_that_brings_strangers_calls_leaves_it_before_the_call_is_looked_at(kept: Kept) -> None:
    facts = messages.Facts("1.1", "PJSIP/105-00000001", "1.1", 4, "79031112233")
    kept.known.feed(messages.ChannelSeen(AT, facts, created=True))
    assert kept.known.numbering.extensions == {"101"}
    kept.switch.states["PJSIP/106"] = "NOT_INUSE"
    kept.known.ask_again()
    await kept.until(lambda: "106" in kept.known.numbering.extensions)
    assert "105" not in kept.known.numbering.extensions


async def test_somebodys_extension_stays_theirs_whatever_calls_come(kept: Kept) -> None:
    facts = messages.Facts("1.1", "PJSIP/101-00000001", "1.1", 4, "79031112233")
    kept.known.feed(messages.ChannelSeen(AT, facts, created=True))
    assert "101" in kept.known.numbering.extensions


async def test_a_phone_that_shows_up_is_asked_about_and_the_others_are_not_again(kept: Kept) -> None:
    kept.switch.states["PJSIP/106"] = "NOT_INUSE"
    kept.switch.asked.clear()
    kept.known.feed(PhoneChanged(AT, "PJSIP/106", PhoneState.FREE))
    await kept.until(lambda: "106" in kept.known.numbering.extensions)
    assert all("106" in each for each in kept.switch.asked)


async def test_after_a_reload_everything_is_asked_anew(kept: Kept) -> None:
    kept.switch.values["PJSIP_ENDPOINT(105,outbound_auth)"] = "carrier"
    kept.known.feed(messages.Reloaded(AT))
    await kept.until(lambda: kept.known.numbering.extensions == {"101"})


async def test_a_pbx_that_lists_nothing_leaves_only_the_people(kept: Kept) -> None:
    kept.switch.refused = frozenset({"DeviceStateList", "ExtensionStateList", "QueueStatus"})
    kept.known.ask_again()
    await kept.until(lambda: kept.known.numbering.extensions == {"101"})


async def test_a_device_that_no_list_shows_is_asked_about_once(kept: Kept) -> None:
    kept.switch.states["PJSIP/106"] = "NOT_INUSE"
    for _ in range(3):
        kept.known.feed(PhoneChanged(AT, "PJSIP/999", PhoneState.FREE))
    await kept.until(lambda: "106" in kept.known.numbering.extensions)
    surveys = kept.switch.lists
    kept.known.feed(PhoneChanged(AT, "PJSIP/999", PhoneState.TALKING))
    for _ in range(5):
        await asyncio.sleep(0)
    assert kept.switch.lists == surveys


async def test_what_is_not_understood_costs_neither_what_is_known_nor_the_next_survey(kept: Kept) -> None:
    kept.switch.broken = True
    kept.known.ask_again()
    async with asyncio.timeout(PATIENCE):
        await kept.switch.failed.wait()
    assert kept.known.numbering.extensions == {"101", "105"}
    kept.switch.states["PJSIP/106"] = "NOT_INUSE"
    kept.known.ask_again()
    await kept.until(lambda: "106" in kept.known.numbering.extensions)


async def test_a_link_that_is_lost_meanwhile_keeps_what_is_known(kept: Kept) -> None:
    kept.switch.is_up = False
    kept.known.ask_again()
    kept.known.renumber(replace(PEOPLE, extensions=frozenset({"101", "102"})))
    assert kept.known.numbering.extensions == {"101", "102", "105"}


async def test_the_first_survey_that_is_not_understood_is_made_again_when_the_link_is_up() -> None:
    async with keeping(Kept()) as it:
        it.switch.broken = True
        await it.known.learn(it.switch)
        assert not it.known.told.is_set()
        it.known.came_up()
        await it.until(lambda: "105" in it.known.numbering.extensions)


async def test_what_was_learned_on_a_link_that_was_lost_again_is_asked_anew_on_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_endpoints, "SETTLED_SECONDS", 0.0)
    async with keeping(Kept()) as it:
        await it.known.learn(it.switch)  # and the link is lost before it is up
        it.switch.states["PJSIP/106"] = "NOT_INUSE"
        await it.known.learn(it.switch)
        it.known.came_up()
        await it.until(lambda: "106" in it.known.numbering.extensions)
