"""The FastAGI server against a PBX made by hand: one that asks well, and those that do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from tests.patience import PATIENCE
from zeoncrm.ami.agi import MOST_BYTES, AgiServer, variables
from zeoncrm.pipeline.routing import Route

NUMBER = "79031112233"


class KnownCallers:
    """Stands for the CRM: knows one caller, or never answers."""

    def __init__(self, *, silent: bool = False) -> None:
        self.asked: list[tuple[str, str]] = []
        self._silent = silent

    async def route(self, number: str, pbx: str = "") -> Route:
        self.asked.append((number, pbx))
        if self._silent:
            await asyncio.Event().wait()
        return Route(extension="101", name="Иван", vip=True) if number == NUMBER else Route()


class Asterisk:
    """A call that asks."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, text: str | bytes) -> None:
        self.writer.write(text.encode() if isinstance(text, str) else text)

    def ask(self, number: str = NUMBER, script: str = "route") -> None:
        """A question as Asterisk asks it."""
        self.send(f"agi_network: yes\nagi_network_script: {script}\nagi_callerid: {number}\nagi_dnid: unknown\n\n")

    async def told(self) -> dict[str, str]:
        """The variables that are set, each confirmed, until the server is done."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while line := (await self.reader.readline()).decode().strip():
                _, _, name, value = line.split(" ", 3)
                found[name] = value.strip('"')
                self.send("200 result=1\n")
        return found

    async def is_left(self) -> bool:
        """The server ends the connection without a word."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read(100) == b""
            except ConnectionError:
                return True


class Place:
    """A server that runs, and those who ask it."""

    def __init__(self, crm: KnownCallers, server: AgiServer, address: str) -> None:
        self.crm = crm
        self.server = server
        self._address = address.rpartition(":")
        self._opened: list[asyncio.StreamWriter] = []

    async def call(self) -> Asterisk:
        """A connection."""
        reader, writer = await asyncio.open_connection(self._address[0], int(self._address[2]))
        self._opened.append(writer)
        return Asterisk(reader, writer)

    async def close(self) -> None:
        for writer in self._opened:
            writer.transport.abort()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@asynccontextmanager
async def running(
    *, seconds: float = 5.0, most: int = 100, silent: bool = False, networks: tuple[str, ...] = ("127.0.0.0/8",)
) -> AsyncIterator[Place]:
    """A server on a free port."""
    crm = KnownCallers(silent=silent)
    server = AgiServer(crm, ("main", "branch"), networks=networks, seconds=seconds, most_connections=most)
    async with server.serving("127.0.0.1", 0) as address:
        place = Place(crm, server, address)
        try:
            yield place
        finally:
            await place.close()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """A server that answers."""
    async with running() as started:
        yield started


async def test_a_known_caller_is_told_of_and_ok_comes_last(place: Place) -> None:
    call = await place.call()
    call.ask()
    told = await call.told()
    assert told == {
        "ZEON_EXTENSION": "101",
        "ZEON_NAME": "Иван",
        "ZEON_VIP": "1",
        "ZEON_BLOCKED": "0",
        "ZEON_OK": "OK",
    }
    assert list(told)[-1] == "ZEON_OK"


async def test_a_stranger_gets_an_empty_answer(place: Place) -> None:
    call = await place.call()
    call.ask("79990001122")
    assert await call.told() == variables(Route())


async def test_the_first_argument_goes_before_the_callers_number(place: Place) -> None:
    call = await place.call()
    call.send(f"agi_network_script: route/branch\nagi_callerid: 1\nagi_arg_1: {NUMBER}\n\n")
    assert (await call.told())["ZEON_EXTENSION"] == "101"
    assert place.crm.asked == [(NUMBER, "branch")]


async def test_a_question_may_come_byte_by_byte(place: Place) -> None:
    call = await place.call()
    for byte in f"agi_network_script: route\nagi_callerid: {NUMBER}\nagi_calleridname: Иван\n\n".encode():
        call.send(bytes([byte]))
        await call.writer.drain()
    assert (await call.told())["ZEON_OK"] == "OK"


async def test_a_name_in_another_encoding_keeps_nobody_from_an_answer(place: Place) -> None:
    call = await place.call()
    call.send(b"agi_calleridname: \xc8\xe2\xe0\xed\n")
    call.ask()
    assert (await call.told())["ZEON_OK"] == "OK"


async def test_a_question_that_breaks_off_holds_nothing_up(place: Place) -> None:
    with capture_logs() as logs:
        for _ in range(3):
            call = await place.call()
            call.send("agi_network: yes\nagi_net")
            call.writer.write_eof()
            assert await call.is_left()
    assert [entry["event"] for entry in logs] == ["a question of the dialplan breaks off"]
    await _still_answers(place)


async def test_who_only_looks_whether_the_port_is_open_is_no_trouble(place: Place) -> None:
    with capture_logs() as logs:
        call = await place.call()
        call.writer.write_eof()
        assert await call.is_left()
    assert logs == []


@pytest.mark.parametrize("text", [b"x" * (MOST_BYTES + 2), b"agi_x: y\n" * MOST_BYTES], ids=["one line", "many lines"])
async def test_a_question_that_is_too_long_is_left(place: Place, text: bytes) -> None:
    with capture_logs() as logs:
        call = await place.call()
        call.send(text)
        assert await call.is_left()
    assert [entry["event"] for entry in logs] == ["a question of the dialplan is too long"]
    await _still_answers(place)


@pytest.mark.parametrize("script", ["", "calls/start", "route/elsewhere", "../route"])
async def test_what_is_no_question_of_ours_is_left_and_told_once(place: Place, script: str) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            call = await place.call()
            call.ask(script=script)
            assert await call.is_left()
    assert [entry["event"] for entry in logs] == ["the dialplan asks for something else than route"]


async def test_garbage_is_left(place: Place) -> None:
    call = await place.call()
    call.send(b"GET / HTTP/1.1\r\n\x00\xff\r\n\n\n")
    assert await call.is_left()
    await _still_answers(place)


async def test_a_question_that_never_ends_is_left_in_time() -> None:
    async with running(seconds=0.05) as place:
        with capture_logs() as logs:
            call = await place.call()
            call.send("agi_network: yes\n")
            assert await call.is_left()
        assert [entry["event"] for entry in logs] == ["a question of the dialplan does not end"]
        assert place.server.trouble is not None
        assert place.server.trouble.reason == "a question of the dialplan does not end"
        await _still_answers(place)
        assert place.server.trouble is None


async def test_a_channel_that_confirms_nothing_is_left_in_time() -> None:
    async with running(seconds=0.05) as place:
        call = await place.call()
        call.ask()
        async with asyncio.timeout(PATIENCE):
            assert (await call.reader.read()).count(b"\n") == 1


async def test_a_crm_that_does_not_answer_leaves_the_call_in_time() -> None:
    async with running(seconds=0.05, silent=True) as place:
        call = await place.call()
        call.ask()
        assert await call.is_left()


@pytest.mark.parametrize("reply", [b"HANGUP\n", b"\n", b"what?\n", b"200\n", b"9" * MOST_BYTES * 2, b"\xff\xfe\n"])
async def test_a_nonsensical_reply_ends_only_that_call(place: Place, reply: bytes) -> None:
    call = await place.call()
    call.ask()
    async with asyncio.timeout(PATIENCE):
        await call.reader.readline()
    for _ in range(8):
        call.send(reply)
    call.writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(call.reader.read(), return_exceptions=True)
    await _still_answers(place)


async def test_too_many_at_once_are_refused_until_one_is_done() -> None:
    async with running(most=2) as place:
        waiting = [await place.call(), await place.call()]
        for call in waiting:
            call.send("agi_network: yes\n")
        with capture_logs() as logs:
            assert await (await place.call()).is_left()
        assert [entry["event"] for entry in logs] == ["too many questions of the dialplan at once"]
        waiting[0].writer.write_eof()
        assert await waiting[0].is_left()
        await _still_answers(place)


async def test_nobody_may_ask_from_elsewhere() -> None:
    async with running(networks=("192.0.2.0/24",)) as place:
        with capture_logs() as logs:
            call = await place.call()
            call.ask()
            assert await call.is_left()
        assert [entry["event"] for entry in logs] == ["a question from an address that is not in agi.networks"]
        assert place.crm.asked == []


async def test_stopping_ends_what_is_under_way() -> None:
    async with running(silent=True) as place:
        call = await place.call()
        call.ask()
        while not place.crm.asked:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)
    assert await call.is_left()


async def _still_answers(place: Place) -> None:
    call = await place.call()
    call.ask()
    assert (await call.told())["ZEON_OK"] == "OK"
