"""Phones and queues as Asterisk tells of them: its very words, and what follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.ami.linked import FAST
from tests.ami.scripted_server import Action, Behaviour, ScriptedServer, Session, refusal, success
from tests.patience import PATIENCE
from zeoncrm.ami import presence, queues
from zeoncrm.ami.connection import PbxAccount
from zeoncrm.ami.parsing import parse
from zeoncrm.ami.pbx import PARSERS, Pbx
from zeoncrm.ami.presence import Phones
from zeoncrm.ami.queues import Queues
from zeoncrm.ami.telephone import Dialling
from zeoncrm.pipeline.call_events import CallEvent
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.presence import PhoneState

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LISTS = frozenset({"DeviceStateList", "QueueStatus"})


def device(name: str, state: str, *more: str) -> bytes:
    lines = ["Event: DeviceStateChange", "Privilege: call,all", f"Device: {name}", f"State: {state}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def entry(number: str, uniqueid: str, wait: int, *, name: str = "unknown", queue: str = "sales") -> bytes:
    return (
        f"Event: QueueEntry\r\nQueue: {queue}\r\nPosition: 1\r\nChannel: PJSIP/trunk-00000002\r\n"
        f"Uniqueid: {uniqueid}\r\nCallerIDNum: {number}\r\nCallerIDName: {name}\r\nConnectedLineNum: unknown\r\n"
        f"ConnectedLineName: unknown\r\nWait: {wait}\r\nPriority: 0\r\n\r\n"
    ).encode()


def queue_event(event: str, uniqueid: str, *, number: str = "79031110002", queue: str = "sales") -> bytes:
    return (
        f"Event: {event}\r\nPrivilege: agent,all\r\nChannel: PJSIP/trunk-00000002\r\nChannelState: 6\r\n"
        f"ChannelStateDesc: Up\r\nCallerIDNum: {number}\r\nCallerIDName: <unknown>\r\nConnectedLineNum: <unknown>\r\n"
        f"ConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: from-trunk\r\n"
        f"Exten: 4952150001\r\nPriority: 3\r\nUniqueid: {uniqueid}\r\nLinkedid: {uniqueid}\r\n"
        f"Queue: {queue}\r\nPosition: 1\r\nCount: 1\r\n\r\n"
    ).encode()


def params(queue: str) -> bytes:
    return f"Event: QueueParams\r\nQueue: {queue}\r\nMax: 0\r\nStrategy: ringall\r\nCalls: 0\r\n\r\n".encode()


def heard(phones: Phones | Queues, frame: bytes, at: datetime = NOON) -> bool:
    message = parse(frame, at, PARSERS)
    return message is not None and phones.feed(message)


# Phones


@pytest.mark.parametrize(
    "word, state",
    [
        ("NOT_INUSE", PhoneState.FREE),
        ("INUSE", PhoneState.TALKING),
        ("ONHOLD", PhoneState.TALKING),
        ("RINGING", PhoneState.RINGING),
        ("RINGINUSE", PhoneState.TALKING),
        ("UNAVAILABLE", PhoneState.UNREACHABLE),
        ("UNKNOWN", PhoneState.UNKNOWN),
        ("SOMETHING NEW", PhoneState.UNKNOWN),
    ],
)
def test_each_device_state_has_its_meaning(word: str, state: PhoneState) -> None:
    phones = Phones()
    assert heard(phones, device("PJSIP/101", word))
    assert phones.by_extension({}) == {"101": state}
    assert not heard(phones, device("PJSIP/101", word))


@pytest.mark.parametrize(
    "name", ["Queue:sales_avail", "MWI:101@default", "PJSIP/", "Custom:DND101", "Local/101@phones", ""]
)
def test_what_is_no_phone_is_passed_over(name: str) -> None:
    assert parse(device(name, "INUSE"), NOON, PARSERS) is None


def test_a_device_that_is_not_named_by_its_extension_counts_for_that() -> None:
    phones = Phones()
    for name, word in (("PJSIP/desk-anna", "INUSE"), ("PJSIP/soft-anna", "NOT_INUSE"), ("DAHDI/5", "RINGING")):
        assert heard(phones, device(name, word))
    devices = {"PJSIP/desk-anna": "101", "PJSIP/soft-anna": "101", "DAHDI/5": "105"}
    assert phones.by_extension(devices) == {"101": PhoneState.TALKING, "105": PhoneState.RINGING}


def test_a_list_replaces_what_was_known_and_a_lost_link_forgets_it() -> None:
    phones = Phones()
    heard(phones, device("PJSIP/108", "INUSE"))
    listed = presence.LISTING.read(
        [device("PJSIP/101", "INUSE"), device("SIP/101", "NOT_INUSE"), b"Event: x\r\n"], NOON
    )
    assert phones.feed(listed)
    assert not phones.feed(listed)
    assert phones.by_extension({}) == {"101": PhoneState.TALKING}
    phones.forget()
    assert phones.by_extension({}) == {}


# Queues


def numbers(known: Queues) -> dict[str, list[str | None]]:
    views = known.views(Numbering("RU"), lambda uniqueid: f"call-{uniqueid}")
    return {queue.name: [waiting.number for waiting in queue.waiting] for queue in views}


def test_callers_come_and_go_and_who_has_waited_longest_is_first() -> None:
    known = Queues("main")
    assert heard(known, queue_event("QueueCallerJoin", "1.1", number="79031110001"))
    assert not heard(known, queue_event("QueueCallerJoin", "1.1", number="79031110001"))
    heard(known, queue_event("QueueCallerJoin", "1.2"), NOON - timedelta(seconds=5))
    assert numbers(known) == {"sales": ["+79031110002", "+79031110001"]}
    [queue] = known.views(Numbering("RU"), lambda uniqueid: f"call-{uniqueid}")
    assert [(each.call_id, each.since) for each in queue.waiting][1] == ("call-1.1", NOON)
    assert heard(known, queue_event("QueueCallerLeave", "1.2"))
    assert not heard(known, queue_event("QueueCallerLeave", "1.2"))
    assert numbers(known) == {"sales": ["+79031110001"]}


def test_the_end_of_the_channel_ends_the_waiting_too() -> None:
    known = Queues("main")
    heard(known, queue_event("QueueCallerJoin", "1.1"))
    hangup = queue_event("Hangup", "1.1")
    assert heard(known, hangup)
    assert numbers(known) == {"sales": []}


def test_a_list_shows_empty_queues_too_and_since_when_each_caller_waits() -> None:
    known = Queues("main")
    frames = [params("help"), params("sales"), entry("unknown", "1.1", 7), entry("79031110002", "1.2", 90, name="Ivan")]
    known.feed(queues.LISTING.read(frames, NOON))
    assert numbers(known) == {"help": [], "sales": ["+79031110002", None]}
    [_, sales] = known.views(Numbering("RU"), lambda uniqueid: None)
    ivan, withheld = sales.waiting
    assert (ivan.caller_name, ivan.since, ivan.call_id) == ("Ivan", NOON - timedelta(seconds=90), None)
    assert (withheld.number_raw, withheld.caller_name) == (None, None)


def test_what_was_heard_is_more_exact_than_the_list() -> None:
    known = Queues("main")
    heard(known, queue_event("QueueCallerJoin", "1.1"))
    assert not known.feed(queues.LISTING.read([entry("79031110002", "1.1", 3)], NOON + timedelta(seconds=4)))
    assert known.feed(queues.LISTING.read([params("sales")], NOON))
    assert numbers(known) == {"sales": []}


def member(event: str, interface: str, *, paused: str = "0", state_interface: str = "", queue: str = "sales") -> bytes:
    location = "Location" if event == "QueueMember" else "Interface"
    return (
        f"Event: {event}\r\nQueue: {queue}\r\nName: Agent\r\nMemberName: Agent\r\n{location}: {interface}\r\n"
        f"StateInterface: {state_interface}\r\nMembership: dynamic\r\nPenalty: 0\r\nPaused: {paused}\r\n\r\n"
    ).encode()


def members(known: Queues) -> list[tuple[str | None, bool]]:
    [sales] = known.views(Numbering("RU"), lambda uniqueid: None)
    return [(each.extension, each.paused) for each in sales.members]


def test_members_are_known_by_their_extension_and_come_pause_and_go() -> None:
    known = Queues("main")
    listed = [params("sales"), member("QueueMember", "Local/101@from-queue/n", state_interface="PJSIP/101")]
    known.feed(queues.LISTING.read(listed, NOON))
    assert members(known) == [("101", False)]
    assert heard(known, member("QueueMemberAdded", "Local/102@from-queue/n"))
    assert heard(known, member("QueueMemberPause", "Local/102@from-queue/n", paused="1"))
    assert not heard(known, member("QueueMemberPause", "Local/102@from-queue/n", paused="1"))
    assert members(known) == [("101", False), ("102", True)]
    assert heard(known, member("QueueMemberRemoved", "Local/101@from-queue/n"))
    heard(known, member("QueueMemberAdded", "DAHDI/g0/5551234"))
    assert members(known) == [("102", True), (None, False)]


def test_damaged_entries_are_passed_over() -> None:
    known = Queues("main")
    known.feed(queues.LISTING.read([b"Event: QueueEntry\r\nQueue: sales\r\n\r\n", b"", entry("1", "x" * 300, 1)], NOON))
    assert numbers(known) == {"sales": []}


# On the link


class Attached:
    """A whole `Pbx` at a scripted server, and ways to wait for what it shows."""

    def __init__(self, port: int) -> None:
        self.changed = asyncio.Event()
        self.pbx = Pbx(
            PbxAccount("main", "127.0.0.1", port, "zeoncrm", "x"),
            Dialling(),
            Numbering(region="RU"),
            self._record,
            on_status=lambda *_: self.changed.set(),
            on_watched=self.changed.set,
            timings=FAST,
        )

    async def until(self, truth: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not truth():
                self.changed.clear()
                await self.changed.wait()

    async def _record(self, event: CallEvent) -> None:
        """Calls are not what these tests are about."""


@asynccontextmanager
async def attached(port: int) -> AsyncIterator[Attached]:
    to = Attached(port)
    task = asyncio.create_task(to.pbx.run())
    try:
        yield to
    finally:
        task.cancel()
        await asyncio.wait([task])


def listed(action: Action, *entries: bytes) -> bytes:
    key = f"ActionID: {action['ActionID']}\r\n\r\n".encode()
    rows = b"".join(each[:-2] + key for each in entries)
    end = f"Event: {action['Action']}Complete\r\nEventList: Complete\r\n".encode() + key
    return success(action, "list follows", "EventList: start") + rows + end


async def lists(session: Session, *phones: bytes) -> None:
    """The PBX answers both lists."""
    await session.send(listed(await session.action("DeviceStateList"), *phones))
    await session.send(listed(await session.action("QueueStatus"), params("sales"), entry("79031110002", "1.1", 7)))


async def test_both_lists_are_asked_for_on_each_connection_and_nothing_is_known_between() -> None:
    async with ScriptedServer(Behaviour(unanswered=LISTS)) as server, attached(server.port) as to:
        session = await server.session()
        await lists(session, device("PJSIP/101", "NOT_INUSE"))  # asked whose phones there are, before the first look
        await lists(session, device("PJSIP/101", "NOT_INUSE"))
        await to.until(lambda: bool(to.pbx.queues))
        assert to.pbx.phones == {"101": PhoneState.FREE}
        assert [each.number for each in to.pbx.queues[0].waiting] == ["+79031110002"]
        await session.send(device("PJSIP/101", "INUSE") + queue_event("QueueCallerLeave", "1.1"))
        await to.until(lambda: not to.pbx.queues[0].waiting)
        assert to.pbx.phones == {"101": PhoneState.TALKING}
        session.close()
        again = await server.session()
        await to.until(lambda: not to.pbx.phones and not to.pbx.queues)
        await lists(again, device("PJSIP/101", "UNAVAILABLE"))
        await to.until(lambda: to.pbx.phones == {"101": PhoneState.UNREACHABLE})


async def test_a_pbx_that_refuses_the_lists_is_up_and_says_what_is_missing() -> None:
    async with ScriptedServer(Behaviour(unanswered=LISTS)) as server, attached(server.port) as to:
        session = await server.session()
        for name in ("DeviceStateList", "QueueStatus"):
            await session.send(refusal(await session.action(name), "Invalid/unknown command"))
        await to.until(lambda: to.pbx.status.reason is not None)
        assert to.pbx.is_up
        assert "the states of phones are not known" in str(to.pbx.status.reason)
        await session.send(device("PJSIP/101", "INUSE"))
        await to.until(lambda: bool(to.pbx.phones))
