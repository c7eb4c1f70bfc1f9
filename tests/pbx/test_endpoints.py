"""A PBX of which nothing but the account is known: its phones and its trunk are told apart, with the least rights."""

from __future__ import annotations

import pytest

from tests.pbx.attached import attached
from tests.pbx.lab import EXTENSIONS, Lab
from tests.pbx.roots import RELEASES
from zeoncrm.pipeline.call_events import Direction, LegAnswered
from zeoncrm.pipeline.endpoints import EndpointKind, EndpointSign

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", [*RELEASES, "16 SIP", "22 IAX2"], indirect=True),
]

CALLER = "79031112233"


async def test_phones_and_the_trunk_are_told_apart(lab: Lab) -> None:
    async with attached(lab) as it:
        found = {endpoint.device: endpoint for endpoint in it.pbx.endpoints}
        phones = {each.name for each in found.values() if each.kind is EndpointKind.PHONE}
        assert set(EXTENSIONS) <= phones
        assert {found[f"{lab.phones_by}/{each}"].sign for each in EXTENSIONS} == {EndpointSign.REGISTERS}
        trunks = {each.device: each.sign for each in found.values() if each.kind is EndpointKind.TRUNK}
        # chan_sip tells of no peer that it does not watch before its first call.
        assert trunks == ({"PJSIP/trunk": EndpointSign.FIXED_ADDRESS} if lab.phones_by == "PJSIP" else {})


async def test_a_phone_that_is_nobodys_answers_as_an_extension(lab: Lab) -> None:
    async with attached(lab) as it:
        await lab.call_in(CALLER, did="4952150101")
        await lab.answer("101")
        await it.until(lambda: any(isinstance(event, LegAnswered) for event in it.events))
        await lab.hang_up(CALLER)
        call = await it.ended()
        assert (call.direction, call.number, call.answered_by) == (Direction.INBOUND, f"+{CALLER}", "101")


async def test_a_call_between_two_phones_that_are_nobodys_is_none_with_the_outside(lab: Lab) -> None:
    async with attached(lab) as it:
        await lab.dial_from("101", "102")
        await lab.answer("102")
        await lab.talk("101", "102")
        await lab.hang_up("101")
        await lab.quiet()
        await lab.call_in(CALLER, did="4952150103")
        await lab.rings("103")
        await lab.hang_up(CALLER)
        assert (await it.ended()).number == f"+{CALLER}"


async def test_a_phone_is_of_the_extension_that_the_dialplan_watches_it_as(lab: Lab) -> None:
    async with attached(lab) as it:
        found = {endpoint.device: endpoint.extension for endpoint in it.pbx.endpoints}
        assert [found[f"{lab.phones_by}/{number}"] for number in (107, 108)] == ["107", "118"]
        await lab.call_in(CALLER, did="4952150108")
        await lab.answer("108")
        await it.until(lambda: any(isinstance(event, LegAnswered) for event in it.events))
        await lab.hang_up(CALLER)
        assert (await it.ended()).answered_by == "118"
