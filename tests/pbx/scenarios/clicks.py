"""Click-to-call in both common dialplans, with everything that can go wrong on either side."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import outbound, scenario

DEVICE = "PJSIP/101"
LOCAL = "Local/101@from-internal"
FREEPBX, FREEPBX_WITH_VOICEMAIL = "Local/2002@from-internal", "Local/2001@from-internal"


# The rep's side


@scenario(outbound("+79037778850", "cancelled"), main=True)
async def click_to_call_rep_away(lab: Lab) -> None:
    await _away(lab, "101", DEVICE, "79037778850")


@scenario(outbound("+79037778851", "cancelled"))
async def click_to_call_local_rep_away(lab: Lab) -> None:
    await _away(lab, "101", LOCAL, "79037778851")


@scenario(outbound("+79037778852", "cancelled"))
async def freepbx_click_to_call_rep_away(lab: Lab) -> None:
    await lab.unregister("2002soft")
    await _away(lab, "2002", FREEPBX, "89037778852")
    await lab.register("2002soft")


async def _away(lab: Lab, extension: str, channel: str, number: str) -> None:
    await lab.unregister(extension)
    await lab.click_to_call(channel, number)
    await lab.originate_response()
    await lab.register(extension)


@scenario(outbound("+79037778853", "cancelled"))
async def click_to_call_local_rep_busy(lab: Lab) -> None:
    await lab.behave("101", "busy")
    await lab.click_to_call(LOCAL, "79037778853")
    await lab.originate_response()


@scenario(outbound("+79037778854", "cancelled"))
async def click_to_call_local_rep_does_not_answer(lab: Lab) -> None:
    await lab.click_to_call(LOCAL, "79037778854", timeout=1)
    await lab.rings("101")
    await lab.originate_response()


@scenario(outbound("+79037778855", "cancelled"))
async def freepbx_click_to_call_rep_rejects(lab: Lab) -> None:
    await lab.click_to_call(FREEPBX, "89037778855")
    await lab.rings("2002")
    await lab.rings("2002soft")
    await lab.hang_up("2002")
    await lab.hang_up("2002soft")
    await lab.originate_response()


@scenario(outbound("+79037778856", "cancelled"))
async def freepbx_click_to_call_rep_does_not_answer(lab: Lab) -> None:
    await lab.click_to_call(FREEPBX_WITH_VOICEMAIL, "89037778856", timeout=1)
    await lab.rings("2001")
    await lab.originate_response()


@scenario(outbound("+79037778857", "no_answer"), main=True)
async def freepbx_click_to_call_taken_by_voicemail(lab: Lab) -> None:
    """The mailbox of the rep who rejected it talks with the one called: nobody of ours does."""
    await lab.click_to_call(FREEPBX_WITH_VOICEMAIL, "89037778857")
    await lab.rings("2001")
    await lab.hang_up("2001")
    await lab.answer("79037778857")
    await lab.reaches("VoiceMail")
    await lab.hang_up("79037778857")


@scenario(outbound("+79037778858", "cancelled"))
async def click_to_call_rep_hangs_up_at_once(lab: Lab) -> None:
    await lab.behave("79037778858", "hesitates")
    await lab.click_to_call(DEVICE, "79037778858")
    await lab.answer("101")
    await lab.hang_up("101")


# The other side


@scenario(outbound("+79037778859", "failed"))
async def click_to_call_unknown_number(lab: Lab) -> None:
    await lab.behave("79037778859", "unknown")
    await lab.click_to_call(DEVICE, "79037778859")
    await lab.answer("101")
    await lab.turned_away("101")


@scenario(outbound("+79037778860", "failed"))
async def click_to_call_local_unknown_number(lab: Lab) -> None:
    await lab.behave("79037778860", "unknown")
    await lab.click_to_call(LOCAL, "79037778860")
    await lab.answer("101")
    await lab.turned_away("101")


@scenario(outbound("+79037778861", "no_answer"))
async def click_to_call_local_number_unanswered(lab: Lab) -> None:
    await lab.click_to_call(LOCAL, "79037778861")
    await lab.answer("101")
    await lab.rings("79037778861")
    await lab.hang_up("101")


@scenario(outbound("+79037778862", "no_answer"))
async def click_to_call_carrier_gives_up(lab: Lab) -> None:
    await lab.click_to_call(DEVICE, "79037778862")
    await lab.answer("101")
    await lab.rings("79037778862")
    await lab.hang_up("79037778862")
    await lab.turned_away("101")


@scenario(outbound("+79037778869", "no_answer"))
async def click_to_call_rings_out(lab: Lab) -> None:
    await lab.click_to_call(LOCAL, "79037778869")
    await lab.answer("101")
    await lab.rings("79037778869")
    await lab.turned_away("101")


@scenario(outbound("+79037778863", "answered", "2002", legs={"2002": "answered"}), main=True)
async def freepbx_click_to_call(lab: Lab) -> None:
    await lab.click_to_call(FREEPBX, "89037778863")
    await lab.rings("2002soft")
    await lab.answer("2002")
    await lab.answer("79037778863")
    await lab.talk("2002", "79037778863")
    await lab.hang_up("79037778863")


@scenario(outbound("+79037778864", "answered", "30001", legs={"30001": "answered"}))
async def freepbx_click_to_call_kept(lab: Lab) -> None:
    await lab.click_to_call("Local/30001@from-queue/n", "89037778864")
    await lab.answer("30001")
    await lab.answer("79037778864")
    await lab.talk("30001", "79037778864")
    await lab.hang_up("30001")


@scenario(outbound("+79037778865", "busy"))
async def freepbx_click_to_call_number_busy(lab: Lab) -> None:
    await lab.behave("79037778865", "busy")
    await lab.click_to_call(FREEPBX, "89037778865")
    await lab.rings("2002soft")
    await lab.answer("2002")
    await lab.turned_away("79037778865")
    await lab.hang_up("2002")


@scenario(outbound("+79037778866", "failed"))
async def freepbx_click_to_call_unknown_number(lab: Lab) -> None:
    await lab.behave("79037778866", "unknown")
    await lab.click_to_call(FREEPBX, "89037778866")
    await lab.rings("2002soft")
    await lab.answer("2002")
    await lab.turned_away("79037778866")
    await lab.hang_up("2002")


@scenario(outbound("+79037778867", "no_answer"))
async def freepbx_click_to_call_number_unanswered(lab: Lab) -> None:
    await lab.click_to_call(FREEPBX, "89037778867")
    await lab.rings("2002soft")
    await lab.answer("2002")
    await lab.rings("79037778867")
    await lab.hang_up("2002")
