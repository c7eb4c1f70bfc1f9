"""The lab itself: what later tests take for granted."""

from __future__ import annotations

import pytest

from tests.pbx.ami import AmiClient
from tests.pbx.lab import EXTENSIONS, Lab
from tests.pbx.roots import RELEASES

pytestmark = [
    pytest.mark.pbx,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("running_lab", RELEASES, indirect=True),
]


async def _refused(client: AmiClient, action: str, **headers: str) -> bool:
    try:
        await client.action(action, **headers)
    except RuntimeError:
        return True
    return False


async def test_the_daemons_account_can_look_and_call_and_no_more(lab: Lab) -> None:
    account = await AmiClient.connect(lab.pbx.host, lab.pbx.ami_port, "zeoncrm", lab.secret, lambda _: None)
    try:
        assert not await _refused(account, "Status")
        assert await _refused(account, "Command", Command="core show channels")
        assert await _refused(account, "CoreShowChannels")
        assert await _refused(account, "GetConfig", Filename="pjsip.conf")
    finally:
        await account.close()


async def test_every_phone_can_be_called(lab: Lab) -> None:
    for extension in EXTENSIONS:  # one after another: some ring for another one too
        await lab.call_in(f"7903111{extension}", did=f"4952150{extension}")
        await lab.answer(extension)
        await lab.talk(extension, f"7903111{extension}")
        await lab.hang_up(extension)
        await lab.quiet()


async def test_a_phone_does_by_itself_what_it_was_told(lab: Lab) -> None:
    await lab.behave("101", "answers", after=1)
    await lab.behave("102", "busy")
    await lab.call_in("79031112233", did="4952150101")
    await lab.call_in("79031112244", did="4952150102")
    await lab.turned_away("79031112244")
    await lab.talk("101", "79031112233")


async def test_digits_reach_the_pbx_in_their_order(lab: Lab) -> None:
    await lab.call_in("79031112233", did="4952150101")
    await lab.answer("101")
    await lab.talk("101", "79031112233")
    await lab.press("79031112233", "1234567890")
    digits = [m["Digit"] for m in lab.pbx_view.seen if m["Event"] == "DTMFEnd" and m["Direction"] == "Received"]
    assert "".join(digits) == "1234567890"
