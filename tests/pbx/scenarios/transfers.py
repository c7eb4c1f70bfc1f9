"""Transfers, pickups, parking and hold."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import MAIN_DID, answered, missed, outbound, scenario

BOTH = {"101": "answered", "103": "answered"}


@scenario(answered("+79031110016", MAIN_DID, "101", last="103", legs=BOTH), main=True)
async def blind_transfer_dtmf(lab: Lab) -> None:
    await lab.talk_in("79031110016", "101", did=MAIN_DID)
    await lab.press("101", "#1103")
    await lab.answer("103")
    await lab.talk("103", "79031110016")
    await lab.hang_up("79031110016")


@scenario(
    answered("+79031110050", MAIN_DID, "101", legs={"101": "answered", "103": "cancelled"}),
)
async def blind_transfer_caller_gives_up(lab: Lab) -> None:
    await lab.talk_in("79031110050", "101", did=MAIN_DID)
    await lab.press("101", "#1103")
    await lab.rings("103")
    await lab.hang_up("79031110050")


@scenario(answered("+79031110051", MAIN_DID, "101", last="103", legs=BOTH), main=True)
async def attended_transfer_dtmf(lab: Lab) -> None:
    await lab.talk_in("79031110051", "101", did=MAIN_DID)
    await lab.press("101", "*2103")
    await lab.answer("103")
    await lab.talk("101", "103")
    await lab.moment("consulting")
    await lab.hang_up("101")
    await lab.talk("103", "79031110051")
    await lab.transferred("101")
    await lab.moment("transferred")
    await lab.hang_up("79031110051")


@scenario(
    answered("+79031110052", MAIN_DID, "101", legs={"101": "answered", "103": "rejected"}),
)
async def attended_transfer_refused(lab: Lab) -> None:
    await lab.talk_in("79031110052", "101", did=MAIN_DID)
    await lab.press("101", "*2103")
    await lab.rings("103")
    await lab.hang_up("103")
    await lab.talk("101", "79031110052")
    await lab.hang_up("101")


@scenario(answered("+79031110053", MAIN_DID, "101", last="103", legs=BOTH), main=True)
async def blonde_transfer(lab: Lab) -> None:
    await lab.talk_in("79031110053", "101", did=MAIN_DID)
    await lab.press("101", "*2103")
    await lab.rings("103")
    await lab.hang_up("101")
    await lab.left("101")
    await lab.answer("103")
    await lab.talk("103", "79031110053")
    await lab.hang_up("79031110053")


@scenario(answered("+79031110054", MAIN_DID, "101", last="103", legs=BOTH))
async def phone_blind_transfer(lab: Lab) -> None:
    await lab.talk_in("79031110054", "101", did=MAIN_DID)
    await lab.refer("101", "103")
    await lab.answer("103")
    await lab.talk("103", "79031110054")
    await lab.hang_up("103")


@scenario(answered("+79031110055", MAIN_DID, "101", last="103", legs=BOTH))
async def phone_attended_transfer(lab: Lab) -> None:
    await lab.talk_in("79031110055", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.dial_from("101", "103")
    await lab.answer("103")
    await lab.talk("101", "103")
    await lab.join("101")
    await lab.talk("103", "79031110055")
    await lab.hang_up("103")


@scenario(outbound("+79037778830", "answered", "101", last_extension="103"))
async def outbound_attended_transfer(lab: Lab) -> None:
    await lab.dial_from("101", "79037778830")
    await lab.answer("79037778830")
    await lab.talk("101", "79037778830")
    await lab.press("101", "*2103")
    await lab.answer("103")
    await lab.talk("101", "103")
    await lab.hang_up("101")
    await lab.talk("103", "79037778830")
    await lab.transferred("101")
    await lab.hang_up("103")


@scenario(
    answered(
        "+79031110018",
        MAIN_DID,
        "102",
        legs={"101": "answered_elsewhere", "102": "answered"},
        rings={"101": 1, "102": 0},
    ),
    main=True,
)
async def group_pickup(lab: Lab) -> None:
    await lab.call_in("79031110018", did=MAIN_DID)
    await lab.rings("101")
    await lab.dial_from("102", "*8")
    await lab.talk("102", "79031110018")
    await lab.hang_up("79031110018")


@scenario(
    answered("+79031110056", MAIN_DID, "102", legs={"101": "answered_elsewhere", "102": "answered"}),
    main=True,
)
async def directed_pickup(lab: Lab) -> None:
    await lab.call_in("79031110056", did=MAIN_DID)
    await lab.rings("101")
    await lab.dial_from("102", "**101")
    await lab.talk("102", "79031110056")
    await lab.hang_up("102")


@scenario(
    answered("+79031110057", "4952150001", "105", queue="sales",
             legs={"101": "answered_elsewhere", "102": "answered_elsewhere", "103": "answered_elsewhere",
                   "105": "answered"}),
)  # fmt: skip
async def queue_call_picked_up(lab: Lab) -> None:
    await lab.call_in("79031110057", did="4952150001")
    for extension in ("101", "102", "103"):
        await lab.rings(extension)
    await lab.dial_from("105", "**102")
    await lab.talk("105", "79031110057")
    await lab.hang_up("79031110057")


@scenario(answered("+79031110058", MAIN_DID, "101", last="103", legs=BOTH), main=True)
async def parked_and_taken(lab: Lab) -> None:
    await lab.talk_in("79031110058", "101", did=MAIN_DID)
    await lab.press("101", "#1600")
    space = await lab.parked("79031110058")
    await lab.hang_up("101")
    await lab.dial_from("103", space)
    await lab.talk("103", "79031110058")
    await lab.hang_up("79031110058")


@scenario(answered("+79031110059", MAIN_DID, "101", legs={"101": "answered"}))
async def parked_caller_gives_up(lab: Lab) -> None:
    await lab.talk_in("79031110059", "101", did=MAIN_DID)
    await lab.press("101", "#1600")
    await lab.parked("79031110059")
    await lab.hang_up("79031110059")


@scenario(missed("+79031110061", "4952150013", "parking", legs={}))
async def parked_at_once_caller_gives_up(lab: Lab) -> None:
    await lab.call_in("79031110061", did="4952150013")
    await lab.parked("79031110061")
    await lab.hang_up("79031110061")


@scenario(answered("+79031110062", "4952150013", "103", legs={"103": "answered"}))
async def parked_at_once_and_taken(lab: Lab) -> None:
    await lab.call_in("79031110062", did="4952150013")
    space = await lab.parked("79031110062")
    await lab.dial_from("103", space)
    await lab.talk("103", "79031110062")
    await lab.hang_up("103")


@scenario(answered("+79031110063", MAIN_DID, "101", legs={"101": "answered"}))
async def blind_transfer_to_a_mobile(lab: Lab) -> None:
    await lab.talk_in("79031110063", "101", did=MAIN_DID)
    await lab.refer("101", "79990001122")
    await lab.answer("79990001122")
    await lab.talk("79990001122", "79031110063")
    await lab.hang_up("79031110063")


@scenario(answered("+79031110060", MAIN_DID, "101", legs={"101": "answered"}), main=True)
async def hold_and_resume(lab: Lab) -> None:
    await lab.talk_in("79031110060", "101", did=MAIN_DID)
    await lab.hold("101")
    await lab.resume("101")
    await lab.hang_up("79031110060")
