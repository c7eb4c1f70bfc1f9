"""The life of a link: its states, and what a PBX can do to it."""

import asyncio
import socket
from contextlib import closing
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tests.ami.linked import FAST, HUNG_IS_FOUND, SECRET, linked
from tests.ami.scripted_server import (
    KEEP_ALIVE,
    Behaviour,
    Channel,
    ScriptedServer,
    newchannel,
)
from zeoncrm.ami import actions as actions_module
from zeoncrm.ami import wire as wire_module
from zeoncrm.ami.connection import LinkState, PbxAccount

# Read by the right `cdr`, as the queues' events are by `agent`: neither tells that `call` may be read.
CDR = (
    b"Event: Cdr\r\nPrivilege: cdr,all\r\nSource: 101\r\nDestination: 102\r\nChannel: PJSIP/101-00000009\r\n"
    b"StartTime: 2026-11-21 22:08:35\r\nAnswerTime: \r\nEndTime: 2026-11-21 22:08:35\r\nDuration: 0\r\n"
    b"BillableSeconds: 0\r\nDisposition: NO ANSWER\r\nUniqueID: 1795298915.15\r\n\r\n"
)

# States


async def test_a_link_comes_up_and_says_so() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port) as link:
        assert link.connection.status.state is LinkState.CONNECTING
        status = await link.state(LinkState.UP)
        assert status.reason is None
        assert link.connection.version == "Asterisk Call Manager/11.0.0"


async def test_a_pbx_that_is_not_there_is_down_with_the_reason() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with linked(port) as link:
            status = await link.state(LinkState.DOWN)
            assert status.reason == f"no connection to 127.0.0.1:{port}: Connection refused"


async def test_a_pbx_that_appears_later_is_found() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with linked(port) as link:
        await link.state(LinkState.DOWN)
        async with ScriptedServer(port=port):
            await link.state(LinkState.UP)


async def test_connecting_has_a_deadline() -> None:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filler = socket.create_connection(listener.getsockname())  # the next one is not even refused
        with closing(filler):
            timings = replace(FAST, connect_timeout=0.05)
            async with linked(listener.getsockname()[1], timings=timings) as link:
                status = await link.state(LinkState.DOWN)
                assert "within 0.05 s" in (status.reason or "")


async def test_a_host_name_that_is_none_is_down_not_dead() -> None:
    async with linked(5038, host="a" * 70 + ".invalid") as link:
        assert (await link.state(LinkState.DOWN)).reason


async def test_a_login_without_an_answer_has_a_deadline() -> None:
    silent = Behaviour(unanswered=frozenset({"Login"}))
    async with ScriptedServer(silent) as pbx, linked(pbx.port, timings=replace(FAST, login_timeout=0.05)) as link:
        status = await link.state(LinkState.DOWN)
        assert status.reason == "no answer to Login within 0.05 s"


@pytest.mark.parametrize(
    "greeting, named",
    [
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "no AMI answers there, but SSH"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no AMI answers there, but a web server"),
        (b"220 mail.example.com ESMTP\r\n", "no AMI answers there, but a mail or FTP server"),
        (b"J\0\0\0\n5.5.5-10.11.6-MariaDB\0", "no AMI answers there, but MySQL"),
        (b"\xff\x07?\r\n", "no AMI answers there, but something that sends no text"),
        (b"\x07\x01\r\n", "no AMI answers there, but something that sends no text"),
        (b"\n\xff\x07\x01", "no AMI answers there, but something that sends no text"),
        (b"\n", "no AMI answers there, but something that sends no text"),
        (b"caf\xc3\xa9 " * 50, "no AMI answers there, but something that says 'caf"),  # cut within a letter
        (b"+OK ready\r\n", "no AMI answers there, but something that says '+OK ready'"),
        (b"Asterisk", "no AMI answers there, or it hangs: nothing came for 0.05 s"),
        (b"", "no AMI answers there, or it hangs: nothing came for 0.05 s"),
    ],
)
async def test_what_is_no_ami_is_named_and_gets_no_secret(greeting: bytes, named: str) -> None:
    timings = replace(FAST, login_timeout=0.05)
    async with (
        ScriptedServer(Behaviour(greeting=greeting, chunk=4 if b"SSH" in greeting else None)) as pbx,
        linked(pbx.port, timings=timings) as link,
    ):
        status = await link.state(LinkState.DOWN)
        assert (status.reason or "").startswith(named)
        assert not any(session.actions for session in pbx.sessions)


async def test_a_refused_login_is_a_state_of_its_own_and_is_not_repeated_at_once() -> None:
    refusing = Behaviour(refuse_login="Authentication failed")
    async with ScriptedServer(refusing) as pbx, linked(pbx.port) as link:
        status = await link.state(LinkState.AUTH_FAILED)
        assert status.reason == "Authentication failed"
        await asyncio.sleep(5 * FAST.backoff_longest)
        assert len(pbx.sessions) == 1


async def test_an_account_that_is_still_logged_in_is_tried_again_soon() -> None:
    """With `allowmultiplelogin = no` a PBX keeps us out until it has missed our last connection."""
    in_use = Behaviour(refuse_login="Login Already In Use")
    async with ScriptedServer(in_use, in_use, Behaviour()) as pbx, linked(pbx.port) as link:
        reason = (await link.state(LinkState.DOWN)).reason
        assert reason == "Login Already In Use: manager.conf says allowmultiplelogin = no"
        await link.state(LinkState.UP)


async def test_a_refused_login_is_logged_once_and_tried_again_later() -> None:
    refusing = Behaviour(refuse_login="Authentication failed")
    timings = replace(FAST, refused_first=0.01, refused_longest=0.01)
    with capture_logs() as logs:
        behaviours = (refusing, refusing, refusing, Behaviour())
        async with ScriptedServer(*behaviours) as pbx, linked(pbx.port, timings=timings) as link:
            await link.state(LinkState.UP)
    assert [entry["event"] for entry in logs] == ["pbx auth-failed", "pbx up"]


async def test_going_and_coming_back_are_logged_once_each() -> None:
    with capture_logs() as logs:
        async with ScriptedServer() as pbx, linked(pbx.port) as link:
            session = await pbx.session()
            await link.state(LinkState.UP)
            session.close()
            await link.state(LinkState.UP, times=2)
    assert [(entry["event"], entry["pbx"]) for entry in logs] == [
        ("pbx up", "main"),
        ("pbx down", "main"),
        ("pbx up", "main"),
    ]


async def test_the_time_of_a_state_is_that_of_its_beginning() -> None:
    never = Behaviour(close_after=1)
    async with ScriptedServer(never) as pbx, linked(pbx.port) as link:
        down = await link.state(LinkState.DOWN)
        for _ in range(3):
            await pbx.session()
        assert link.connection.status.since == down.since


async def test_a_cancelled_link_does_not_come_back() -> None:
    async with ScriptedServer() as pbx:
        async with linked(pbx.port) as link:
            session = await pbx.session()
            await link.state(LinkState.UP)
            session.close()
            await link.state(LinkState.DOWN)
        connections = len(pbx.sessions)
        await asyncio.sleep(5 * FAST.backoff_longest)
        assert len(pbx.sessions) == connections


async def test_no_secret_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as logs:
        async with ScriptedServer(Behaviour(refuse_login="no")) as pbx, linked(pbx.port) as link:
            await link.state(LinkState.AUTH_FAILED)
        async with ScriptedServer() as pbx, linked(pbx.port, secret=SECRET + "\udcff") as link:
            assert (await link.state(LinkState.DOWN)).reason == "Secret is no text"
        async with ScriptedServer() as pbx, linked(pbx.port, secret=SECRET + "\nAction: Logoff") as link:
            assert (await link.state(LinkState.DOWN)).reason == "Secret contains a line break or a NUL"
            assert [session.actions for session in pbx.sessions if session.actions] == []
    assert SECRET not in repr(logs) + caplog.text
    assert SECRET not in repr(PbxAccount("main", "pbx", 5038, "zeoncrm", SECRET))


# Losing the link


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_lost_connection_is_made_again(how: str) -> None:
    async with ScriptedServer() as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        getattr(session, how)()
        assert (await link.state(LinkState.DOWN)).reason
        await link.state(LinkState.UP, times=2)


async def test_a_connection_cut_at_any_byte_is_made_again() -> None:
    """From the first byte of the greeting to the last of the snapshot."""
    whole = len(b"".join(await _first_bytes()))
    for cut in range(1, whole, 7):
        async with ScriptedServer(Behaviour(close_after=cut), Behaviour()) as pbx, linked(pbx.port) as link:
            await link.state(LinkState.UP)
            session = pbx.sessions[-1]
            await session.send(newchannel("1.1"))
            await link.until(lambda link=link: link.words()[-1:] == ["1.1"])  # type: ignore[misc]


async def _first_bytes() -> list[bytes]:
    """What the server sends until the link is up."""
    async with ScriptedServer() as pbx, linked(pbx.port, traced=True) as link:
        await link.state(LinkState.UP)
        return [b"Asterisk Call Manager/11.0.0\r\n", *(frame + b"\r\n\r\n" for frame, _ in link.frames)]


async def test_a_hung_pbx_is_found_though_the_connection_stands() -> None:
    hung = Behaviour(unanswered=frozenset({KEEP_ALIVE}))
    async with ScriptedServer(hung) as pbx, linked(pbx.port, timings=HUNG_IS_FOUND) as link:
        await link.state(LinkState.UP)
        status = await link.state(LinkState.DOWN)
        assert status.reason == "hung: silent for 0.6 s"
        await link.state(LinkState.UP, times=2)


async def test_a_list_without_end_ends_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions_module, "MOST_ENTRIES", 10)
    endless = Behaviour(unanswered=frozenset({"Status"}))
    async with ScriptedServer(endless) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        answer = f"\r\nActionID: {(await session.action('Status'))['ActionID']}\r\n".encode()
        await session.send(b"Response: Success" + answer + b"EventList: start\r\n\r\n")
        await session.send(20 * (b"Event: Status" + answer + b"Channel: PJSIP/101-1\r\nUniqueid: 1.1\r\n\r\n"))
        assert (await link.state(LinkState.DOWN)).reason == "the answer to Status does not end"


async def test_a_half_open_connection_is_found() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port, timings=HUNG_IS_FOUND) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        session.stop_reading()
        assert "hung" in ((await link.state(LinkState.DOWN)).reason or "")


async def test_a_pbx_that_answers_pings_is_not_hung() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port, timings=HUNG_IS_FOUND) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        for _ in range(6):
            await session.action("Ping")
        assert link.connection.status.state is LinkState.UP


async def test_pings_go_out_although_events_come_in() -> None:
    """Some Asterisk versions hold events back until the next action."""
    timings = replace(FAST, ping_interval=0.02)
    async with ScriptedServer() as pbx, linked(pbx.port, timings=timings) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        while session.names().count("Ping") < 5:
            await session.send(newchannel("1.1"))
            await asyncio.sleep(0)


async def test_a_pbx_that_is_shut_down_tells_its_last_events_and_is_found_again() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(b"Event: Shutdown\r\nPrivilege: system,all\r\nRestart: True\r\n\r\n" + newchannel("1.1"))
        assert (await link.seen(2))[-1] == "1.1"
        session.close()
        assert (await link.state(LinkState.DOWN)).reason == "the PBX was shut down"
        await link.state(LinkState.UP, times=2)


async def test_a_pbx_that_says_shutdown_and_does_not_close_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "_SHUTDOWN_GRACE", 0.01)
    async with ScriptedServer() as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(b"Event: Shutdown\r\nPrivilege: system,all\r\n\r\n")
        assert (await link.state(LinkState.DOWN)).reason == "the PBX was shut down"


async def test_a_link_whose_events_have_died_is_made_anew() -> None:
    """Its pings are answered, but channels come and go without a word."""
    timings = replace(FAST, snapshot_period=0.02, ping_interval=0.02, ping_timeout=5)
    async with ScriptedServer() as pbx, linked(pbx.port, timings=timings) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(newchannel("1.1"))
        await link.until(lambda: link.words()[-2:] == ["snapshot", "snapshot"] and "1.1" in link.words())
        session.channels.append(Channel("PJSIP/102-00000002", "1.2"))
        status = await link.state(LinkState.DOWN)
        assert status.reason == "events have stopped while calls go on"


async def test_a_quiet_link_is_looked_at_early_while_calls_go_on() -> None:
    timings = replace(FAST, watch_after=0.02, ping_interval=0.3, ping_timeout=0.3)
    async with ScriptedServer() as pbx, linked(pbx.port, timings=timings, calls_go_on=True) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(newchannel("1.1"))
        await link.until(lambda: link.words()[-2:] == ["snapshot", "snapshot"] and "1.1" in link.words())
        session.channels.append(Channel("PJSIP/102-00000002", "1.2"))
        await link.state(LinkState.DOWN)
        assert link.connection.counters.stalls == 1
        back = await link.state(LinkState.UP, times=2)
        assert back.reason is None
        assert link.connection.last_trouble is not None
        assert link.connection.last_trouble.reason == "events have stopped while calls go on"


async def test_a_quiet_link_that_may_not_be_looked_at_lets_everything_else_run() -> None:
    timings = replace(FAST, watch_after=0.01)
    blind = Behaviour(refuse_status="Permission denied")
    async with ScriptedServer(blind) as pbx, linked(pbx.port, timings=timings, calls_go_on=True) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await asyncio.sleep(5 * timings.watch_after)
        await session.send(newchannel("1.1"))
        assert await link.seen(1) == ["1.1"]


async def test_a_quiet_link_without_calls_is_left_alone() -> None:
    timings = replace(FAST, watch_after=0.01)
    async with ScriptedServer() as pbx, linked(pbx.port, timings=timings) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(newchannel("1.1"))
        await asyncio.sleep(5 * timings.watch_after)
        assert session.names().count("Status") == 1


async def test_a_refused_login_is_tried_again_as_soon_as_somebody_asks() -> None:
    async with ScriptedServer(Behaviour(refuse_login="no"), Behaviour()) as pbx, linked(pbx.port) as link:
        await link.state(LinkState.AUTH_FAILED)
        link.connection.retry()
        await link.state(LinkState.UP)
        assert link.connection.counters.logins == 1


async def test_a_link_that_is_up_is_made_anew_when_somebody_asks() -> None:
    timings = replace(FAST, backoff_first=3600)
    async with ScriptedServer() as pbx, linked(pbx.port, timings=timings) as link:
        await link.state(LinkState.UP)
        link.connection.retry()
        assert (await link.state(LinkState.DOWN)).reason == "asked to connect anew"
        await link.state(LinkState.UP, times=2)
        assert len(pbx.sessions) == 2


async def test_a_link_that_never_had_an_event_stays_and_says_soon_what_may_be_amiss() -> None:
    timings = replace(FAST, unproven_period=0.02, ping_interval=0.02, ping_timeout=5)
    async with ScriptedServer() as pbx, linked(pbx.port, timings=timings) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        session.channels.append(Channel("PJSIP/102-00000002", "1.2"))
        status = await link.state(LinkState.UP, times=2)
        assert "may the account read `call`?" in (status.reason or "")
        session.channels.clear()
        await session.send(CDR)
        await link.until(lambda: "CdrWritten" in link.words())
        asked = session.names().count("Status")
        await link.until(lambda: session.names().count("Status") >= asked + 2)
        assert link.connection.status.reason == status.reason
        await session.send(newchannel("1.3"))
        assert (await link.state(LinkState.UP, times=3)).reason is None


# Rights


@pytest.mark.parametrize(
    "read, write, lack",
    [
        ("system,call,agent,cdr", "call,originate", None),
        ("all", "system,call,originate", None),
        ("system, agent", "call", ["read = call", "read = cdr", "write = originate"]),
        ("", "call,originate", ["read = call", "read = system", "read = agent", "read = cdr"]),
    ],
)
async def test_a_link_whose_account_lacks_a_right_says_so_once(read: str, write: str, lack: list[str] | None) -> None:
    told = {"AST_CONFIG(manager.conf,zeoncrm,read)": read, "AST_CONFIG(manager.conf,zeoncrm,write)": write}
    with capture_logs() as logs:
        async with ScriptedServer(Behaviour(write=write, variables=told)) as pbx, linked(pbx.port) as link:
            reason = (await link.state(LinkState.UP)).reason
            session = await pbx.session()
            session.close()
            assert (await link.state(LinkState.UP, times=2)).reason == reason
    assert [key for key in lack or () if key in (reason or "")] == (lack or [])
    assert (reason is None) == (lack is None)
    assert len([entry for entry in logs if entry["event"] == "pbx up" and entry["reason"] == reason]) == 2


async def test_a_link_that_is_refused_all_questions_says_what_it_knows() -> None:
    powerless = Behaviour(write="", variables={}, refuse_status="Permission denied")
    async with ScriptedServer(powerless) as pbx, linked(pbx.port) as link:
        reason = (await link.state(LinkState.UP)).reason or ""
        assert reason.startswith("the account lacks write = call (")
        assert "write = originate" in reason
        assert "read = " not in reason


async def test_a_pbx_that_tells_nothing_of_rights_is_believed() -> None:
    mute = Behaviour(unanswered=frozenset({"ListCommands", "Getvar"}))
    async with ScriptedServer(mute) as pbx, linked(pbx.port, timings=replace(FAST, login_timeout=0.05)) as link:
        assert (await link.state(LinkState.UP)).reason is None


async def test_what_is_known_to_be_missing_stays_known_when_events_come() -> None:
    told = {"AST_CONFIG(manager.conf,zeoncrm,read)": "call", "AST_CONFIG(manager.conf,zeoncrm,write)": "call"}
    timings = replace(FAST, snapshot_period=0.02)
    async with (
        ScriptedServer(Behaviour(write="call", variables=told)) as pbx,
        linked(pbx.port, timings=timings) as link,
    ):
        session = await pbx.session()
        before = await link.state(LinkState.UP)
        await session.send(newchannel("1.1"))
        await link.until(lambda: link.words()[-2:] == ["snapshot", "snapshot"] and "1.1" in link.words())
        assert link.connection.status == before
