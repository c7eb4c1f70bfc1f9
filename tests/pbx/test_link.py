"""The link and its control against a real Asterisk, with no more rights than `zeoncrm init` prints."""

from __future__ import annotations

import os
import signal
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from tests.ami.linked import FAST, Linked, linked
from tests.pbx.lab import Lab
from tests.pbx.roots import RELEASES
from zeoncrm.ami.connection import LinkState, Timings
from zeoncrm.ami.control import Control, channel_for
from zeoncrm.ami.errors import ActionRefused
from zeoncrm.ami.messages import BridgeEntered, Originated, Snapshot
from zeoncrm.ami.rights import NEEDED

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", RELEASES, indirect=True),
]

CALLER = "79031112233"


def link_to(
    lab: Lab, *, username: str = "zeoncrm", secret: str | None = None, timings: Timings = FAST
) -> AbstractAsyncContextManager[Linked]:
    return linked(lab.pbx.ami_port, host=lab.pbx.host, username=username, secret=secret or lab.secret, timings=timings)


async def click(lab: Lab, control: Control, channel_id: str, template: str = "PJSIP/{extension}") -> None:
    """101 is rung, answers, and talks with the outside number that it is connected to."""
    await control.originate(
        channel=channel_for(template, "101"),
        exten=CALLER,
        context="from-internal",
        channel_id=channel_id,
        caller_id=CALLER,
        variables={"__ZEON_CALL": channel_id},
    )
    await lab.answer("101")
    await lab.answer(CALLER)
    await lab.talk("101", CALLER)


async def test_the_link_comes_up_at_once_and_hears_a_call(lab: Lab) -> None:
    async with link_to(lab, timings=replace(FAST, boot_wait=3600)) as link:  # FullyBooted ends the wait
        await link.state(LinkState.UP)
        assert (link.connection.version or "").startswith("Asterisk Call Manager/")
        await lab.call_in(CALLER, did="4952150101")
        await lab.answer("101")
        await link.until(lambda: sum(isinstance(message, BridgeEntered) for message in link.delivered) == 2)
        assert isinstance(link.delivered[0], Snapshot)
        assert link.connection.counters.unparsable == 0


async def test_a_call_in_progress_is_in_the_snapshot(lab: Lab) -> None:
    await lab.call_in(CALLER, did="4952150101")
    await lab.answer("101")
    await lab.talk("101", CALLER)
    async with link_to(lab) as link:
        await link.seen(1)
        snapshot = link.delivered[0]
        assert isinstance(snapshot, Snapshot)
        assert {status.channel.name.partition("-")[0] for status in snapshot.channels} == {"PJSIP/101", "PJSIP/trunk"}
        assert len({status.bridge for status in snapshot.channels} - {None}) == 1


async def test_a_click_rings_the_phone_and_then_the_number_and_the_call_can_be_hung_up(lab: Lab) -> None:
    async with link_to(lab) as link:
        await link.state(LinkState.UP)
        control = Control(link.connection)
        await click(lab, control, "zeon-click-1")
        await link.until(lambda: any(isinstance(message, Originated) for message in link.delivered))
        [outcome] = [message for message in link.delivered if isinstance(message, Originated)]
        assert (outcome.success, outcome.action) == (True, "zeon-click-1")
        [phone] = lab.pbx_view.of("101")
        assert phone.uniqueid == "zeon-click-1"
        await control.hang_up(phone.name)
        await lab.quiet()
        with pytest.raises(ActionRefused, match="No such channel"):
            await control.hang_up(phone.name)


async def test_both_halves_of_a_local_channel_carry_the_ids_that_were_given(lab: Lab) -> None:
    async with link_to(lab) as link:
        await link.state(LinkState.UP)
        await click(lab, Control(link.connection), "zeon-click-2", "Local/{extension}@from-internal/n")
        assert {"zeon-click-2", "zeon-click-2;2"} <= set(link.words())
        await lab.hang_up("101")
        await lab.quiet()


async def test_a_blind_transfer_takes_the_caller_to_a_colleague(lab: Lab) -> None:
    async with link_to(lab) as link:
        await link.state(LinkState.UP)
        await lab.call_in(CALLER, did="4952150101")
        await lab.answer("101")
        await lab.talk("101", CALLER)
        [caller] = lab.pbx_view.of(CALLER)
        await Control(link.connection).redirect(caller.name, "from-internal", "102")
        await lab.answer("102")
        await lab.talk("102", CALLER)
        await lab.gone("101")


async def test_an_attended_transfer_lets_the_rep_ask_the_colleague_first(lab: Lab) -> None:
    async with link_to(lab) as link:
        await link.state(LinkState.UP)
        await lab.call_in(CALLER, did="4952150101")
        await lab.answer("101")
        await lab.talk("101", CALLER)
        [rep] = lab.pbx_view.of("101")
        await Control(link.connection).attended(rep.name, "102", "from-internal")
        await lab.answer("102")
        await lab.talk("101", "102")
        await lab.hang_up("101")
        await lab.talk("102", CALLER)


async def test_a_wrong_secret_is_told(lab: Lab) -> None:
    async with link_to(lab, secret="wrong") as link:
        assert (await link.state(LinkState.AUTH_FAILED)).reason == "Authentication failed"


@pytest.mark.parametrize(
    "username, lack",
    [
        ("zeoncrm", []),
        ("curious", []),
        ("lab", []),
        ("deaf", ["read = call", "read = agent"]),
        ("mute", ["write = call", "write = originate"]),
        ("powerless", ["write = call", "write = originate"]),
    ],
)
async def test_an_account_without_a_right_is_told_at_the_login(lab: Lab, username: str, lack: list[str]) -> None:
    async with link_to(lab, username=username) as link:
        reason = (await link.state(LinkState.UP)).reason or ""
    assert [right.key for right in NEEDED if right.key in reason] == lack


@pytest.mark.parametrize("username", ["elsewhere", "nobody"])
async def test_an_account_that_may_not_come_from_here_is_told_as_a_wrong_secret(lab: Lab, username: str) -> None:
    async with link_to(lab, username=username) as link:
        assert (await link.state(LinkState.AUTH_FAILED)).reason == "Authentication failed"


async def test_a_pbx_that_hangs_is_found_and_taken_up_again(lab: Lab) -> None:
    process = lab.pbx._process
    assert process is not None
    async with link_to(lab, timings=replace(FAST, ping_interval=0.3, ping_timeout=0.3, login_timeout=0.3)) as link:
        await link.state(LinkState.UP)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            assert (await link.state(LinkState.DOWN)).reason == "hung: silent for 0.6 s"
        finally:
            os.kill(process.pid, signal.SIGCONT)
        await link.state(LinkState.UP, times=2)


async def test_whoever_is_parked_is_shown_in_a_bridge_in_which_nobody_hears_another(lab: Lab) -> None:
    await lab.call_in(CALLER, did="4952150013")
    await lab.parked(CALLER)
    async with link_to(lab) as link:
        await link.state(LinkState.UP)
        (shown,) = link.delivered[:1]
        assert isinstance(shown, Snapshot)
        assert [status.holding for status in shown.channels if status.channel.number == CALLER] == [True]
    await lab.hang_up(CALLER)
