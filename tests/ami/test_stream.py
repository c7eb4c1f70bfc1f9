"""Events on their way from the socket to the consumer: in order, bounded, and none lost."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ami.linked import FAST, linked, word
from tests.ami.scripted_server import Behaviour, ScriptedServer, newchannel
from zeoncrm.ami.connection import LinkState
from zeoncrm.ami.framing import MAX_MESSAGE, Framer
from zeoncrm.ami.messages import ChannelSeen, Message
from zeoncrm.ami.parsing import parse

RECORDINGS = Path(__file__).parents[1] / "recordings"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


async def test_events_keep_their_order_however_long_each_takes() -> None:
    async def first_takes_longest(message: Message) -> None:
        await asyncio.sleep(0.01 if word(message) == "snapshot" else 0)

    async with ScriptedServer() as pbx, linked(pbx.port, taking=first_takes_longest) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        names = [f"1.{n}" for n in range(50)]
        await session.send(b"".join(newchannel(name) for name in names))
        assert await link.seen(51) == ["snapshot", *names]


async def test_a_message_that_cannot_be_taken_costs_neither_the_link_nor_the_next() -> None:
    async def refuse(message: Message) -> None:
        if word(message) == "1.1":
            raise RuntimeError("cannot")

    async with ScriptedServer() as pbx, linked(pbx.port, taking=refuse) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(newchannel("1.1") + newchannel("1.2"))
        assert await link.seen(2) == ["snapshot", "1.2"]
        assert link.connection.counters.undelivered == 1
        assert link.connection.status.state is LinkState.UP


async def test_a_full_queue_stops_reading_and_loses_nothing() -> None:
    """Nor is the PBX held for hung meanwhile: the silence is ours."""
    gate = asyncio.Event()

    async def wait(message: Message) -> None:
        await gate.wait()

    count = 20_000
    flood = b"".join(newchannel(f"1.{n}") for n in range(count))
    # Long enough that a busy machine's own pauses are not taken for a PBX that hangs.
    timings = replace(FAST, ping_interval=0.25, ping_timeout=0.25)
    async with ScriptedServer() as pbx, linked(pbx.port, taking=wait, timings=timings, queue_limit=100) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        sending = asyncio.create_task(session.send(flood))
        await asyncio.sleep(3 * (timings.ping_interval + timings.ping_timeout))
        assert not sending.done()
        assert link.connection.backlog < 3000  # the limit and one read
        gate.set()
        await sending
        assert await link.seen(count + 1) == ["snapshot", *(f"1.{n}" for n in range(count))]
        assert [status.state for status in link.statuses] == [LinkState.UP]


async def test_a_letter_cut_by_a_chunk_is_kept() -> None:
    async with ScriptedServer(Behaviour(chunk=1)) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(newchannel("1.1", caller="Иван Петров"))
        await link.seen(2)
        message = link.delivered[1]
        assert isinstance(message, ChannelSeen)
        assert message.channel.caller_name == "Иван Петров"


async def test_an_endless_message_is_dropped_and_counted_and_the_link_stays() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(b"Event: Newchannel\r\nX: " + b"x" * MAX_MESSAGE + b"\r\n\r\n" + newchannel("1.1"))
        assert await link.seen(2) == ["snapshot", "1.1"]
        assert link.connection.counters.dropped == 1


@pytest.mark.parametrize(
    "odd",
    [
        b"Event: UserEvent\r\nEvent: Newchannel\r\nEvent: X\r\n\r\n",
        b"Event: \r\n\r\n",
        b"Response: Success\r\nEvent: Newchannel\r\n\r\n",
        b"Response: Success\r\nActionID: nobody\r\n\r\n",
        b"Response: \r\nActionID\r\n\r\n",
        b": \r\n: \r\n\r\n",
        b"\xff\xfe\x00\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"Response: Goodbye\r\n\r\n",
    ],
)
async def test_an_odd_message_does_not_drop_the_link(odd: bytes) -> None:
    async with ScriptedServer() as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(odd + newchannel("1.1"))
        assert await link.seen(2) == ["snapshot", "1.1"]
        assert LinkState.DOWN not in [status.state for status in link.statuses]


async def test_an_event_that_lacks_its_headers_is_counted() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(b"Event: Newchannel\r\nChannel: x\r\n\r\n" + newchannel("1.1"))
        assert await link.seen(2) == ["snapshot", "1.1"]
        assert link.connection.counters.unparsable == 1
        assert link.connection.counters.messages == 1
        assert link.connection.counters.last_message_at == link.delivered[1].at


async def test_a_trace_gets_every_message_as_it_came() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port, traced=True) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(b"Event: VarSet\r\nX: 1\r\n\r\n" + newchannel("1.1"))
        await link.seen(2)
        assert [frame for frame, _ in link.frames[-2:]] == [b"Event: VarSet\r\nX: 1", newchannel("1.1")[:-4]]


async def test_a_trace_that_raises_is_stopped_and_the_link_stays() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port, traced=True) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        link.frames = None  # type: ignore[assignment]
        await session.send(newchannel("1.1"))
        assert await link.seen(2) == ["snapshot", "1.1"]


@pytest.mark.parametrize("family", ["asterisk16", "asterisk22", "asterisk22-all-classes"])
async def test_recorded_streams_come_through_whole_and_in_order(family: str) -> None:
    paths = sorted((RECORDINGS / family).glob("*.ami"))
    recorded = [frame for path in paths for frame in Framer().feed(path.read_bytes())]
    frames = [frame for frame in recorded if not frame.startswith(b"Event: FullyBooted")]  # would bring a snapshot
    expected = [message for frame in frames if (message := parse(frame, EPOCH))]
    async with ScriptedServer(Behaviour(chunk=4999)) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(b"".join(frame + b"\r\n\r\n" for frame in frames))
        await link.until(lambda: len(link.delivered) > len(expected))
        assert [replace(message, at=EPOCH) for message in link.delivered[1:]] == expected
        assert link.connection.counters.messages == len(expected)
