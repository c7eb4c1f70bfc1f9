import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.ami.linked import FAST, linked
from tests.ami.scripted_server import Behaviour, ScriptedServer, Session, refusal, success
from zeoncrm.ami.actions import ActionHeaders, Reply
from zeoncrm.ami.connection import LinkState
from zeoncrm.ami.control import Control, channel_for
from zeoncrm.ami.errors import ActionRefused, BadHeader, NotConnected

ORDER = {
    "channel": "PJSIP/101",
    "exten": "79031112233",
    "context": "from-internal",
    "channel_id": "zeon-01JD",
    "caller_id": "79031112233",
}


class Refusing:
    """A link over which nothing may be sent."""

    async def action(self, headers: ActionHeaders, *, timeout: float = 5) -> Reply:
        raise AssertionError(f"sent: {headers}")


@asynccontextmanager
async def controlled(behaviour: Behaviour = Behaviour()) -> AsyncIterator[tuple[Control, Session]]:  # noqa: B008
    async with ScriptedServer(behaviour) as pbx, linked(pbx.port, timings=FAST) as link:
        await link.state(LinkState.UP)
        yield Control(link.connection), await pbx.session()


async def sent(session: Session, name: str) -> dict[str, str]:
    action = await session.action(name)
    del action["ActionID"]
    return action


async def test_a_click_to_call_rings_the_phone_and_then_dials_the_number() -> None:
    async with controlled() as (control, session):
        await control.originate(**ORDER, timeout=timedelta(seconds=20))  # type: ignore[arg-type]
        assert await session.action("Originate") == {
            "Action": "Originate",
            "ActionID": "zeon-01JD",
            "Channel": "PJSIP/101",
            "Exten": "79031112233",
            "Context": "from-internal",
            "Priority": "1",
            "Async": "true",
            "Timeout": "20000",
            "ChannelId": "zeon-01JD",
            "CallerID": "79031112233",
        }


async def test_both_halves_of_a_local_channel_get_ids_of_ours() -> None:
    async with controlled() as (control, session):
        await control.originate(**ORDER | {"channel": "Local/101@from-internal", "caller_id": None})  # type: ignore[arg-type]
        action = await sent(session, "Originate")
        assert action["ChannelId"] == "zeon-01JD"
        assert action["OtherChannelId"] == "zeon-01JD;2"
        assert "CallerID" not in action


async def test_each_variable_goes_in_a_header_of_its_own() -> None:
    async with controlled() as (control, session):
        await control.originate(**ORDER, variables={"A": "1", "__B": "two words; x=y"})  # type: ignore[arg-type]
        assert (await sent(session, "Originate"))["Variable"] == "A=1,__B=two words; x=y"


async def test_a_call_is_hung_up_by_its_channel() -> None:
    async with controlled() as (control, session):
        await control.hang_up("Local/101@from-internal-00000001;2")
        assert await sent(session, "Hangup") == {
            "Action": "Hangup",
            "Channel": "Local/101@from-internal-00000001;2",
        }


async def test_a_blind_transfer_sends_the_channel_elsewhere() -> None:
    async with controlled() as (control, session):
        await control.redirect("PJSIP/trunk-00000001", "from-internal", "102")
        assert await sent(session, "Redirect") == {
            "Action": "Redirect",
            "Channel": "PJSIP/trunk-00000001",
            "Context": "from-internal",
            "Exten": "102",
            "Priority": "1",
        }


async def test_an_attended_transfer_asks_the_reps_channel() -> None:
    async with controlled() as (control, session):
        await control.attended("PJSIP/101-00000001", "102", "from-internal")
        assert await sent(session, "Atxfer") == {
            "Action": "Atxfer",
            "Channel": "PJSIP/101-00000001",
            "Exten": "102",
            "Context": "from-internal",
        }


async def test_what_asterisk_refuses_is_told_in_its_words() -> None:
    async with controlled(Behaviour(unanswered=frozenset({"Hangup"}))) as (control, session):
        hanging_up = asyncio.create_task(control.hang_up("PJSIP/101-00000001"))
        await session.send(refusal(await session.action("Hangup"), "No such channel"))
        with pytest.raises(ActionRefused, match="No such channel"):
            await hanging_up


async def test_a_click_to_call_is_refused_at_once_when_the_pbx_is_away() -> None:
    async with ScriptedServer(Behaviour(refuse_login="no")) as pbx, linked(pbx.port) as link:
        await link.state(LinkState.AUTH_FAILED)
        with pytest.raises(NotConnected):
            await Control(link.connection).originate(**ORDER)  # type: ignore[arg-type]


BAD_NUMBERS = ["", "500&PJSIP/102", "5/0", "5@0", "5,0", "5;0", "abc", "5 0", "5\n0", "٣", "5\x00", "5" * 41, "1|2"]


@pytest.mark.parametrize("number", BAD_NUMBERS)
async def test_a_number_that_is_none_is_never_sent(number: str) -> None:
    control = Control(Refusing())
    for order in ({"exten": number}, {"caller_id": number}):
        with pytest.raises(BadHeader):
            await control.originate(**ORDER | order)  # type: ignore[arg-type]
    with pytest.raises(BadHeader):
        await control.redirect("PJSIP/101-1", "from-internal", number)
    with pytest.raises(BadHeader):
        await control.attended("PJSIP/101-1", number, "from-internal")


@pytest.mark.parametrize(
    "channel", ["", "101", "/^PJSIP.*$/", "PJSIP/101&PJSIP/102", "PJSIP/101,30", "PJSIP/1 2", "PJSIP/1\nExten: 1"]
)
async def test_a_channel_that_is_more_than_one_is_never_sent(channel: str) -> None:
    control = Control(Refusing())
    with pytest.raises(BadHeader):
        await control.originate(**ORDER | {"channel": channel})  # type: ignore[arg-type]
    with pytest.raises(BadHeader):
        await control.hang_up(channel)
    with pytest.raises(BadHeader):
        await control.redirect(channel, "from-internal", "102")
    with pytest.raises(BadHeader):
        await control.attended(channel, "102", "from-internal")


@pytest.mark.parametrize("odd", [{"context": "a,b"}, {"context": ""}, {"channel_id": "a;2"}, {"channel_id": ""}])
async def test_an_odd_context_or_id_is_never_sent(odd: dict[str, str]) -> None:
    with pytest.raises(BadHeader):
        await Control(Refusing()).originate(**ORDER | odd)  # type: ignore[arg-type]


@pytest.mark.parametrize("name,value", [("A", "1,B=2"), ("SHELL(x)", "1"), ("A", "${X}"), ("", "1"), ("A=B", "1")])
async def test_a_variable_that_would_be_read_as_more_is_never_sent(name: str, value: str) -> None:
    with pytest.raises(BadHeader):
        await Control(Refusing()).originate(**ORDER, variables={name: value})  # type: ignore[arg-type]


def test_the_channel_of_an_extension_comes_from_the_template() -> None:
    assert channel_for("PJSIP/{extension}", "101") == "PJSIP/101"
    assert channel_for("Local/{extension}@from-internal/n", "101") == "Local/101@from-internal/n"


@pytest.mark.parametrize("extension", ["", "101&PJSIP/102", "10a", "*8", "+1", "101\n", "١", "1" * 21])
def test_an_extension_that_is_no_number_makes_no_channel(extension: str) -> None:
    with pytest.raises(BadHeader):
        channel_for("PJSIP/{extension}", extension)


@pytest.mark.parametrize("template", ["PJSIP/101", "{extension}", "PJSIP/{extension}&SIP/{extension}"])
def test_a_template_that_rings_anything_else_is_refused(template: str) -> None:
    with pytest.raises(BadHeader):
        channel_for(template, "101")


async def test_success_does_not_wait_for_the_phone_to_be_taken() -> None:
    async with controlled(Behaviour(unanswered=frozenset({"Originate"}))) as (control, session):
        calling = asyncio.create_task(control.originate(**ORDER))  # type: ignore[arg-type]
        await session.send(success(await session.action("Originate"), "Originate successfully queued"))
        await calling
