"""Calls through a dialplan of FreePBX's shape: subroutines, helper channels, extensions of four and five digits."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import OWN_MOBILES, answered, missed, outbound, scenario

DID_2001, DID_2004, DID_30001 = "49521502001", "49521502004", "495215030001"
VOICEMAIL_AT_ONCE = "4952152001"
QUEUE, QUEUE_WITH_MOBILE = "4952152400", "4952152401"
GROUP, HUNT, GROUP_WITH_MOBILE = "4952152500", "4952152501", "4952152502"
PREFIXED = "4952152503"
IVR = "4952152700"
CONFIRMED = "4952152701"
MOBILE = "79990001122"  # nobody's
OWN_MOBILE = OWN_MOBILES["2004"]
MEMBERS = ("2001", "2002", "30001")


# An extension


@scenario(answered("+79031110200", DID_2001, "2001", caller_name=None, legs={"2001": "answered"}), main=True)
async def freepbx_extension(lab: Lab) -> None:
    await lab.talk_in("79031110200", "2001", did=DID_2001)
    await lab.hang_up("79031110200")


@scenario(answered("+79031110290", PREFIXED, "2001", caller_name="Ivan Petrov"), main=True)
async def freepbx_group_with_a_prefix(lab: Lab) -> None:
    await lab.call_in("79031110290", did=PREFIXED, name="Ivan Petrov")
    await lab.answer("2001")
    await lab.talk("2001", "79031110290")
    await lab.hang_up("2001")


@scenario(answered("+79031110291", PREFIXED, "2001", caller_name=None))
async def freepbx_group_with_a_prefix_without_a_name(lab: Lab) -> None:
    await lab.talk_in("79031110291", "2001", did=PREFIXED)
    await lab.hang_up("2001")


@scenario(missed("+79031110201", DID_2001, "ringing", legs={"2001": "cancelled"}))
async def freepbx_caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031110201", did=DID_2001)
    await lab.rings("2001")
    await lab.hang_up("79031110201")


@scenario(missed("+79031110202", VOICEMAIL_AT_ONCE, "voicemail", legs={"2001": "no_answer"}), main=True)
async def freepbx_voicemail(lab: Lab) -> None:
    await lab.call_in("79031110202", did=VOICEMAIL_AT_ONCE)
    await lab.rings("2001")
    await lab.arrives("79031110202")
    await lab.hang_up("79031110202")


@scenario(missed("+79031110203", DID_2001, "voicemail", legs={"2001": "rejected"}))
async def freepbx_rejected_to_voicemail(lab: Lab) -> None:
    await lab.call_in("79031110203", did=DID_2001)
    await lab.rings("2001")
    await lab.hang_up("2001")
    await lab.arrives("79031110203")
    await lab.hang_up("79031110203")


@scenario(missed("+79031110204", DID_2001, "voicemail", legs={}))
async def freepbx_phone_away(lab: Lab) -> None:
    await lab.unregister("2001")
    await lab.call_in("79031110204", did=DID_2001)
    await lab.arrives("79031110204")
    await lab.hang_up("79031110204")
    await lab.register("2001")


@scenario(answered("+79031110205", IVR, "2001", legs={"2001": "answered"}))
async def freepbx_ivr(lab: Lab) -> None:
    await lab.call_in("79031110205", did=IVR)
    await lab.arrives("79031110205")
    await lab.press("79031110205", "2")
    await lab.answer("2001")
    await lab.talk("2001", "79031110205")
    await lab.hang_up("2001")


@scenario(answered("+79031110206", DID_2001, "2002", legs={"2001": "answered_elsewhere", "2002": "answered"}))
async def freepbx_pickup(lab: Lab) -> None:
    await lab.call_in("79031110206", did=DID_2001)
    await lab.rings("2001")
    await lab.dial_from("2002", "**2001")
    await lab.talk("2002", "79031110206")
    await lab.hang_up("79031110206")


# Groups and queues


@scenario(
    answered("+79031110207", GROUP, "30001",
             legs={"2001": "answered_elsewhere", "2002": "answered_elsewhere", "30001": "answered"}),
    main=True,
)  # fmt: skip
async def freepbx_ring_group(lab: Lab) -> None:
    await _answered_by_30001(lab, "79031110207", GROUP)


@scenario(
    answered("+79031110208", QUEUE, "30001", queue="400",
             legs={"2001": "answered_elsewhere", "2002": "answered_elsewhere", "30001": "answered"}),
    main=True,
)  # fmt: skip
async def freepbx_queue(lab: Lab) -> None:
    await _answered_by_30001(lab, "79031110208", QUEUE)


async def _answered_by_30001(lab: Lab, caller: str, did: str) -> None:
    await lab.call_in(caller, did=did)
    for extension in MEMBERS:
        await lab.rings(extension)
    await lab.answer("30001")
    await lab.talk("30001", caller)
    await lab.hang_up(caller)


@scenario(missed("+79031110209", QUEUE, "queue", queue="400", legs=dict.fromkeys(MEMBERS, "cancelled")))
async def freepbx_queue_caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031110209", did=QUEUE)
    for extension in MEMBERS:
        await lab.rings(extension)
    await lab.hang_up("79031110209")


@scenario(
    answered("+79031110210", HUNT, "30001", legs={"2001": "no_answer", "30001": "answered"}),
)
async def freepbx_hunt_group(lab: Lab) -> None:
    await lab.call_in("79031110210", did=HUNT)
    await lab.rings("2001")
    await lab.answer("30001")
    await lab.talk("30001", "79031110210")
    await lab.hang_up("30001")


@scenario(
    {"direction": "inbound", "number": "+79031110211", "did": GROUP_WITH_MOBILE, "result": "answered",
     "answered_by": None, "answered_outside": f"+{MOBILE}", "legs": {"2001": "answered_elsewhere"}},
)  # fmt: skip
async def freepbx_ring_group_with_a_mobile(lab: Lab) -> None:
    await _answered_by_the_mobile(lab, "79031110211", GROUP_WITH_MOBILE, "2001")


@scenario(
    {"direction": "inbound", "number": "+79031110212", "did": QUEUE_WITH_MOBILE, "result": "answered",
     "answered_by": None, "answered_outside": f"+{MOBILE}", "queue": "401", "legs": {"2001": "answered_elsewhere"}},
)  # fmt: skip
async def freepbx_queue_with_a_mobile(lab: Lab) -> None:
    await _answered_by_the_mobile(lab, "79031110212", QUEUE_WITH_MOBILE, "2001")


async def _answered_by_the_mobile(lab: Lab, caller: str, did: str, beside: str, mobile: str = MOBILE) -> None:
    await lab.call_in(caller, did=did)
    await lab.rings(beside)
    await lab.answer(mobile)
    await lab.talk(mobile, caller)
    await lab.hang_up(caller)


# Follow-me


@scenario(
    answered("+79031110213", DID_2004, "2004", answered_outside=None, legs={"2004": "answered"}),
    main=True, outside=OWN_MOBILES,
)  # fmt: skip
async def freepbx_follow_me_to_the_own_mobile(lab: Lab) -> None:
    await _answered_by_the_mobile(lab, "79031110213", DID_2004, "2004", OWN_MOBILE)


@scenario(
    answered("+79031110214", DID_2004, "2004", answered_outside=None, legs={"2004": "answered"}),
    outside=OWN_MOBILES,
)
async def freepbx_follow_me_at_the_desk(lab: Lab) -> None:
    await lab.call_in("79031110214", did=DID_2004)
    await lab.rings(OWN_MOBILE)
    await lab.answer("2004")
    await lab.talk("2004", "79031110214")
    await lab.hang_up("2004")


@scenario(
    {"direction": "inbound", "number": "+79031110215", "did": DID_30001, "result": "answered",
     "answered_by": None, "answered_outside": f"+{MOBILE}", "legs": {"30001": "answered_elsewhere"}},
    main=True,
)  # fmt: skip
async def freepbx_follow_me_to_a_strange_mobile(lab: Lab) -> None:
    await _answered_by_the_mobile(lab, "79031110215", DID_30001, "30001")


@scenario(
    missed("+79031110216", DID_2004, "ringing", legs={"2004": "cancelled"}),
    outside=OWN_MOBILES,
)
async def freepbx_follow_me_caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031110216", did=DID_2004)
    await lab.rings("2004")
    await lab.rings(OWN_MOBILE)
    await lab.hang_up("79031110216")


@scenario(
    answered("+79031110217", CONFIRMED, "30001", answered_outside=None, legs={"30001": "answered"}),
)
async def freepbx_follow_me_taken_by_the_mobiles_voicemail(lab: Lab) -> None:
    """It does not press 1, and the phone on the desk takes the call."""
    await lab.call_in("79031110217", did=CONFIRMED)
    await lab.rings("30001")
    await lab.answer(MOBILE)
    await lab.answer("30001")
    await lab.talk("30001", "79031110217")
    await lab.hang_up(MOBILE)
    await lab.hang_up("79031110217")


@scenario(
    {"direction": "inbound", "number": "+79031110218", "did": CONFIRMED, "result": "answered",
     "answered_by": None, "answered_outside": f"+{MOBILE}", "legs": {"30001": "answered_elsewhere"}},
)  # fmt: skip
async def freepbx_follow_me_confirmed(lab: Lab) -> None:
    await lab.call_in("79031110218", did=CONFIRMED)
    await lab.rings("30001")
    await lab.answer(MOBILE)
    await lab.press(MOBILE, "1")
    await lab.talk(MOBILE, "79031110218")
    await lab.hang_up("79031110218")


# Transfers


@scenario(
    answered("+79031110219", DID_2001, "2001", last="2002", legs={"2001": "answered", "2002": "answered"}), main=True
)
async def freepbx_blind_transfer(lab: Lab) -> None:
    await lab.talk_in("79031110219", "2001", did=DID_2001)
    await lab.press("2001", "#12002")
    await lab.answer("2002")
    await lab.talk("2002", "79031110219")
    await lab.hang_up("2002")


@scenario(
    answered("+79031110220", DID_2001, "2001", last="30001", queue="400",
             legs={"2001": "answered", "2002": "answered_elsewhere", "30001": "answered"}),
)  # fmt: skip
async def freepbx_blind_transfer_to_a_queue(lab: Lab) -> None:
    await lab.talk_in("79031110220", "2001", did=DID_2001)
    await lab.refer("2001", "400")
    await lab.gone("2001")
    await lab.rings("2002")
    await lab.answer("30001")
    await lab.talk("30001", "79031110220")
    await lab.hang_up("79031110220")


@scenario(
    answered("+79031110221", DID_2001, "2001", last="30001", legs={"2001": "answered", "30001": "answered"}),
)
async def freepbx_attended_transfer(lab: Lab) -> None:
    await lab.talk_in("79031110221", "2001", did=DID_2001)
    await lab.press("2001", "*230001")
    await lab.answer("30001")
    await lab.talk("2001", "30001")
    await lab.hang_up("2001")
    await lab.talk("30001", "79031110221")
    await lab.transferred("2001")
    await lab.hang_up("79031110221")


@scenario(
    answered("+79031110222", DID_2001, "2001", answered_outside=f"+{MOBILE}",
             legs={"2001": "answered", "30001": "answered_elsewhere"}),
)  # fmt: skip
async def freepbx_blind_transfer_to_a_follow_me(lab: Lab) -> None:
    await lab.talk_in("79031110222", "2001", did=DID_2001)
    await lab.refer("2001", "30001")
    await lab.rings("30001")
    await lab.answer(MOBILE)
    await lab.talk(MOBILE, "79031110222")
    await lab.hang_up("79031110222")


# Out


@scenario(outbound("+79037778840", "answered", "30001", legs={"30001": "answered"}), main=True)
async def freepbx_outbound(lab: Lab) -> None:
    await lab.dial_from("30001", "89037778840")
    await lab.answer("79037778840")
    await lab.talk("30001", "79037778840")
    await lab.hang_up("30001")


@scenario(outbound("+79037778841", "busy"))
async def freepbx_outbound_busy(lab: Lab) -> None:
    await lab.behave("79037778841", "busy")
    await lab.dial_from("2001", "89037778841")
    await lab.turned_away("79037778841")
    await lab.hang_up("2001")


@scenario(outbound("+79037778842", "failed"))
async def freepbx_outbound_unknown_number(lab: Lab) -> None:
    await lab.behave("79037778842", "unknown")
    await lab.dial_from("2001", "89037778842")
    await lab.turned_away("79037778842")
    await lab.hang_up("2001")


@scenario()
async def freepbx_internal(lab: Lab) -> None:
    await lab.dial_from("2001", "2002")
    await lab.answer("2002")
    await lab.talk("2001", "2002")
    await lab.hang_up("2001")


@scenario()
async def freepbx_internal_to_voicemail(lab: Lab) -> None:
    await lab.dial_from("2002", "2001")
    await lab.rings("2001")
    await lab.hang_up("2001")
    await lab.pbx_view.until(lambda: lab.pbx_view.of("2002", "Up"), "2002 in the voice mailbox")
    await lab.hang_up("2002")
