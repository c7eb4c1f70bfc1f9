"""Actions over a link: answered once, never repeated, never anything but what was asked."""

import asyncio

import pytest

from tests.ami.linked import FAST, linked
from tests.ami.scripted_server import Behaviour, ScriptedServer, newchannel, refusal, success
from zeoncrm.ami.actions import ActionHeaders, Request, check_headers
from zeoncrm.ami.connection import LinkState
from zeoncrm.ami.errors import ActionRefused, BadHeader, NotConnected, OutcomeUnknown
from zeoncrm.ami.messages import Originated

ORIGINATE = {"Action": "Originate", "Channel": "PJSIP/101", "Async": "true"}
UNANSWERED = Behaviour(unanswered=frozenset({"Originate"}))


async def test_an_action_gets_its_own_answer() -> None:
    behaviour = Behaviour(unanswered=frozenset({"A", "B"}))
    async with ScriptedServer(behaviour) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        first = asyncio.create_task(link.connection.action({"Action": "A"}))
        second = asyncio.create_task(link.connection.action({"Action": "B"}))
        a, b = await session.action("A"), await session.action("B")
        await session.send(success(b, "for b", "Key: 1", "Key: 2") + refusal(a, "not a"))
        with pytest.raises(ActionRefused, match="not a"):
            await first
        reply = await second
        assert reply.message == "for b"
        assert reply.headers["Key"] == "1"


async def test_an_originate_is_answered_when_it_is_queued_and_its_outcome_stays_an_event() -> None:
    async with ScriptedServer(UNANSWERED) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        calling = asyncio.create_task(link.connection.action(ORIGINATE))
        action = await session.action("Originate")
        outcome = (
            f"Event: OriginateResponse\r\nPrivilege: call,all\r\nActionID: {action['ActionID']}\r\n"
            "Response: Failure\r\nChannel: PJSIP/101\r\nReason: 3\r\nUniqueid: <null>\r\n\r\n"
        )
        await session.send(success(action, "Originate successfully queued") + outcome.encode())
        assert (await calling).message == "Originate successfully queued"
        await link.seen(2)
        assert isinstance(link.delivered[1], Originated)


async def test_an_action_is_refused_at_once_when_there_is_no_link_and_never_sent_later() -> None:
    async with ScriptedServer(Behaviour(close_after=1), Behaviour()) as pbx, linked(pbx.port) as link:
        with pytest.raises(NotConnected):
            await link.connection.action(ORIGINATE)
        await link.state(LinkState.UP)
        await link.connection.action({"Action": "Later"})
        assert "Originate" not in [name for session in pbx.sessions for name in session.names()]


async def test_an_action_is_refused_until_the_resync_is_done() -> None:
    async with ScriptedServer(Behaviour(unanswered=frozenset({"Status"}))) as pbx, linked(pbx.port) as link:
        await (await pbx.session()).action("Status")
        with pytest.raises(NotConnected):
            await link.connection.action(ORIGINATE)


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_an_answer_lost_with_the_link_is_an_unknown_outcome_and_nothing_is_repeated(how: str) -> None:
    async with ScriptedServer(UNANSWERED) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        calling = asyncio.create_task(link.connection.action(ORIGINATE))
        await session.action("Originate")
        getattr(session, how)()
        with pytest.raises(OutcomeUnknown):
            await calling
        await link.state(LinkState.UP, times=2)
        await link.connection.action({"Action": "Later"})
        assert "Originate" not in pbx.sessions[1].names()


async def test_an_answer_that_does_not_come_is_an_unknown_outcome_and_a_late_one_is_no_harm() -> None:
    async with ScriptedServer(UNANSWERED) as pbx, linked(pbx.port) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        with pytest.raises(OutcomeUnknown, match=r"no answer to Originate within 0\.01 s"):
            await link.connection.action(ORIGINATE, timeout=0.01)
        await session.send(success(await session.action("Originate")) + newchannel("1.1"))
        assert await link.seen(2) == ["snapshot", "1.1"]


async def test_given_up_actions_are_forgotten() -> None:
    async with ScriptedServer(UNANSWERED) as pbx, linked(pbx.port) as link:
        await link.state(LinkState.UP)
        for _ in range(3):
            with pytest.raises(OutcomeUnknown):
                await link.connection.action(ORIGINATE, timeout=0.001)
        wire = link.connection._wire
        assert wire is not None
        assert wire.responses == {}


async def test_a_bad_header_is_refused_before_anything_is_sent() -> None:
    async with ScriptedServer() as pbx, linked(pbx.port, timings=FAST) as link:
        session = await pbx.session()
        await link.state(LinkState.UP)
        with pytest.raises(BadHeader):
            await link.connection.action({"Action": "Hangup", "Channel": "PJSIP/1\r\n\r\nAction: Originate"})
        await link.connection.action({"Action": "Later"})
        assert session.names()[-1] == "Later"
        assert "Hangup" not in session.names()


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\0b", "\n", "a" * 1000, "я" * 600, "\udcff"])
def test_a_value_that_would_end_its_line_is_refused(text: str) -> None:
    for value in (text, ("fine", text)):
        with pytest.raises(BadHeader, match="Channel"):
            check_headers({"Channel": value})


@pytest.mark.parametrize("name", ["", "A\r\nB", "A: B", "A\0", "A B", "1", "Ключ", "A:"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadHeader):
        check_headers({name: "value"})


@pytest.mark.parametrize("headers", [{"Action": "Ping"}, {"Variable": ("A=1", "B=Ж")}, {"X": "a" * 990}, {"X": ""}])
def test_what_is_harmless_is_let_through(headers: ActionHeaders) -> None:
    check_headers(headers)


async def test_a_request_does_not_show_its_headers() -> None:
    assert repr(Request({"Action": "Login", "Secret": "s3cret"})) == "<Request Login>"
