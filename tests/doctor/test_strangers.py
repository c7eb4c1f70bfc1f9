"""Doctor where other programs answer on our ports, whatever these say."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.doctor.examined import ids
from zeoncrm.config import AgiConfig, Config, WebConfig
from zeoncrm.doctor.agi import examine_agi
from zeoncrm.doctor.findings import Finding, json_text
from zeoncrm.doctor.web import examine_web

LONG = 1 << 18
# No finding quotes more.
LONGEST_FINDING = 500


@asynccontextmanager
async def stranger(*said: bytes, deaf: bool = False) -> AsyncIterator[int]:
    """A program that says this to everybody, piece by piece, and hangs up; gives its port. `deaf`: it hears nobody."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if deaf:
            writer.write(b"".join(said))
        else:
            await reader.read(1)
            for piece in said:
                writer.write(piece)
                await asyncio.sleep(0.01)
            writer.write_eof()
            with contextlib.suppress(OSError):  # who has heard enough hangs up first
                await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def page(body: bytes, *headers: bytes) -> bytes:
    lines = (b"HTTP/1.1 200 OK", b"Content-Type: application/json", b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ready(**changed: object) -> bytes:
    """What we would say, but for something."""
    return page(json.dumps({"database": "ok", "pbx": {}} | changed).encode())


STRANGE_PAGES = {
    "nothing": page(b""),
    "text": page(b"hello"),
    "a number": page(b"1"),
    "a very long number": page(b"9" * 60_000),
    "no number": page(b"NaN"),
    "a list": page(b"[]"),
    "lists without end": page(b"[" * 60_000),
    "objects without end": page(b'{"pbx":' * 9_000),
    "no UTF-8": page(b'{"database": "\xff\xfe", "pbx": {}}'),
    "another encoding": page('{"database": "ok", "pbx": {}}'.encode("utf-16")),
    "half a letter": page(b'{"database": "\\ud800", "pbx": {}}'),
    "too much": ready(more="x" * LONG),
    "a database that is a number": ready(database=1),
    "a list of PBXs": ready(pbx=["main"]),
    "a PBX that is a word": ready(pbx={"main": "up"}),
    "a PBX that is a number": ready(pbx={"main": 1}),
    "a PBX that is a list": ready(pbx={"main": ["up"]}),
    "a PBX that is nothing": ready(pbx={"main": None}),
    "a PBX without a state": ready(pbx={"main": {}}),
    "a state that is a list": ready(pbx={"main": {"state": ["up"]}}),
    "a reason that is an object": ready(pbx={"main": {"state": "up", "reason": {"text": "none"}}}),
    "a body that breaks off": page(b"{}")[:-1],
    "a body that is not packed as it says": page(b"{}", b"Content-Encoding: gzip"),
    "a header without end": b"HTTP/1.1 200 OK\r\nServer: " + b"x" * LONG,
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "bytes": bytes(range(256)) * 40,
    "a line without end": b"x" * LONG,
    "not a word": b"",
}


@pytest.mark.parametrize("said", STRANGE_PAGES.values(), ids=STRANGE_PAGES)
async def test_another_program_at_our_address_is_told(said: bytes) -> None:
    found: list[Finding] = []
    async with stranger(said) as port:
        await examine_web(WebConfig(port=port, public_url=f"http://127.0.0.1:{port}"), found.append)
    assert ids(found) == ["web-not-ours", "public-url"]
    assert max(len(each.text) for each in found) < LONGEST_FINDING
    json_text(found).encode()


async def test_a_daemon_whose_answer_comes_in_pieces_is_ours() -> None:
    found: list[Finding] = []
    said = ready(pbx={"main": {"state": "up", "since": "2026-03-02T12:00:00Z", "reason": None, "new": [1]}})
    async with stranger(said[:-40], said[-40:-20], said[-20:]) as port:
        await examine_web(WebConfig(port=port), found.append)
    assert ids(found) == []


@pytest.mark.parametrize(
    "said",
    [b"", b"hello\n", b"SSH-2.0-OpenSSH_9.2\r\n", page(b"{}"), bytes(range(256)) * 40, b"x" * LONG, b"\n" * 50_000],
    ids=["not a word", "text", "SSH", "a page", "bytes", "a line without end", "empty lines"],
)
async def test_another_program_where_the_dialplan_asks_is_told(said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    found: list[Finding] = []
    async with stranger(said, deaf=True) as port:
        agi = AgiConfig(port=port, networks=["127.0.0.0/8"])
        await examine_agi(Config(agi=agi), serving=True, say=found.append)
    assert ids(found) == ["agi-silent"]
    assert caplog.messages == []
