"""What a connection begins with, and how the snapshots stand among the events."""

from dataclasses import replace

from structlog.testing import capture_logs

from tests.ami.linked import FAST, linked
from tests.ami.scripted_server import (
    FULLY_BOOTED,
    Behaviour,
    Channel,
    ScriptedServer,
    newchannel,
    refusal,
    status_list,
    success,
)
from zeoncrm.ami.connection import LinkState
from zeoncrm.ami.messages import Snapshot


async def test_a_snapshot_comes_first_then_what_was_held_then_what_comes() -> None:
    behaviour = Behaviour(boots=False, after_login=newchannel("1.1"), channels=[Channel("PJSIP/trunk-00000000", "1.0")])
    async with ScriptedServer(behaviour) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await session.action("Login")
        await session.send(newchannel("1.2"))
        await link.state(LinkState.UP)
        await session.send(newchannel("1.3"))
        assert await link.seen(4) == ["snapshot 1.0", "1.1", "1.2", "1.3"]


async def test_events_that_follow_the_snapshot_in_one_piece_follow_it_when_delivered() -> None:
    behaviour = Behaviour(unanswered=frozenset({"Status"}))
    async with ScriptedServer(behaviour) as pbx, linked(pbx.port, timings=replace(FAST, snapshot_period=0.02)) as link:
        session = await pbx.session()
        await session.send(status_list(await session.action("Status"), []))
        again = await session.action("Status")
        await session.send(newchannel("1.1") + status_list(again, [Channel("PJSIP/1-1", "1.1")]) + newchannel("1.2"))
        assert await link.seen(4) == ["snapshot", "1.1", "snapshot 1.1", "1.2"]


async def test_each_connection_begins_with_a_snapshot_of_its_own() -> None:
    then, now = Behaviour(channels=[Channel("PJSIP/1-1", "1.1")]), Behaviour(channels=[Channel("PJSIP/2-1", "1.2")])
    async with ScriptedServer(then, now) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        await session.send(newchannel("1.3"))
        await link.seen(2)
        session.close()
        assert await link.seen(3) == ["snapshot 1.1", "1.3", "snapshot 1.2"]


async def test_a_snapshot_carries_the_time_at_which_it_was_asked_for() -> None:
    behaviour = Behaviour(boots=False, after_login=newchannel("1.1"))
    async with ScriptedServer(behaviour) as pbx, linked(pbx.port) as link:
        await link.seen(2)
        snapshot, event = link.delivered
        assert event.at <= snapshot.at


async def test_a_status_without_an_answer_fails_the_link_and_loses_no_event() -> None:
    silent = Behaviour(after_login=newchannel("1.1"), unanswered=frozenset({"Status"}))
    async with (
        ScriptedServer(silent, Behaviour()) as pbx,
        linked(pbx.port, timings=replace(FAST, snapshot_timeout=0.05)) as link,
    ):
        assert (await link.state(LinkState.DOWN)).reason == "no answer to Status within 0.05 s"
        assert await link.seen(2) == ["1.1", "snapshot"]
        await link.state(LinkState.UP)


async def test_a_refused_status_fails_the_link() -> None:
    async with ScriptedServer(Behaviour(refuse_status="Out of memory")) as pbx, linked(pbx.port) as link:
        assert (await link.state(LinkState.DOWN)).reason == "Out of memory"


async def test_an_account_that_may_not_ask_gets_its_events_without_a_snapshot() -> None:
    behaviour = Behaviour(refuse_status="Permission denied", after_login=newchannel("1.1"))
    timings = replace(FAST, snapshot_period=0.01)
    with capture_logs() as logs:
        async with ScriptedServer(behaviour) as pbx, linked(pbx.port, timings=timings) as link:
            session = await pbx.session()
            status = await link.state(LinkState.UP)
            assert "Permission denied" in (status.reason or "")
            await session.send(newchannel("1.2"))
            assert await link.seen(2) == ["1.1", "1.2"]
            assert session.names().count("Status") == 1
    assert [entry["log_level"] for entry in logs] == ["warning"]


async def test_the_snapshot_is_repeated() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port, timings=replace(FAST, snapshot_period=0.01)) as link:
        assert await link.seen(3) == ["snapshot"] * 3


async def test_a_pbx_that_is_just_starting_is_asked_again_when_it_has_booted() -> None:
    async with ScriptedServer(Behaviour(boots=False)) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        session.channels.append(Channel("PJSIP/1-1", "1.1"))
        await session.send(FULLY_BOOTED)
        assert await link.seen(2) == ["snapshot", "snapshot 1.1"]


async def test_late_answers_of_a_lost_link_do_not_reach_the_next() -> None:
    silent = Behaviour(unanswered=frozenset({"Status"}))
    timings = replace(FAST, snapshot_timeout=0.05)
    async with ScriptedServer(silent, Behaviour()) as pbx, linked(pbx.port, timings=timings) as link:
        session = await pbx.session()
        late = await session.action("Status")
        await link.state(LinkState.UP)
        await pbx.sessions[1].send(success(late) + status_list(late, [Channel("PJSIP/9-1", "9.9")]))
        await pbx.sessions[1].send(newchannel("1.1"))
        assert await link.seen(2) == ["snapshot", "1.1"]


async def test_only_the_snapshots_after_a_connections_first_are_periodic() -> None:
    behaviour = Behaviour(channels=[Channel("PJSIP/1-1", "1.1")])
    async with ScriptedServer(behaviour) as pbx, linked(pbx.port, timings=replace(FAST, snapshot_period=0.02)) as link:
        await link.seen(2)
        first, second = link.delivered[:2]
        assert isinstance(first, Snapshot)
        assert isinstance(second, Snapshot)
        assert (first.periodic, second.periodic) == (False, True)


async def test_a_pbx_that_does_not_list_its_bridges_gives_snapshots_all_the_same() -> None:
    behaviour = Behaviour(unanswered=frozenset({"BridgeList"}), channels=[Channel("PJSIP/1-1", "1.1")])
    async with ScriptedServer(behaviour) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await session.send(refusal(await session.action("BridgeList"), "Permission denied"))
        assert await link.seen(1) == ["snapshot 1.1"]
