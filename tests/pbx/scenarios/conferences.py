"""Conferences with outside parties, and supervisors who listen in."""

from tests.pbx.lab import Lab
from tests.pbx.scenarios.scenario import MAIN_DID, answered, missed, outbound, scenario

CONFERENCE = "4952150030"
ROOM = "303"


@scenario(
    answered("+79031113000", CONFERENCE, "101", last="102", legs={"101": "answered", "102": "answered"}),
    main=True,
)
async def conference_with_a_caller(lab: Lab) -> None:
    await lab.call_in("79031113000", did=CONFERENCE)
    await lab.arrives("79031113000")
    await lab.dial_from("101", ROOM)
    await lab.talk("101", "79031113000")
    await lab.dial_from("102", ROOM)
    await lab.talk("102", "79031113000")
    await lab.moment("conference")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.hang_up("102")
    await lab.gone("102")
    await lab.hang_up("79031113000")


@scenario(missed("+79031113001", CONFERENCE, "ivr", legs={}))
async def conference_where_nobody_came(lab: Lab) -> None:
    await lab.call_in("79031113001", did=CONFERENCE)
    await lab.bridged("79031113001")
    await lab.hang_up("79031113001")


@scenario(
    answered("+79031113002", CONFERENCE, "101", answered_outside=None, legs={"101": "answered"}),
    answered("+79031113003", CONFERENCE, "101", answered_outside=None, legs={"101": "answered"}),
)
async def conference_with_two_callers(lab: Lab) -> None:
    for caller in ("79031113002", "79031113003"):
        await lab.call_in(caller, did=CONFERENCE)
        await lab.bridged(caller)
    await lab.dial_from("101", ROOM)
    await lab.talk("101", "79031113003")
    await lab.hang_up("79031113002")
    await lab.gone("79031113002")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.hang_up("79031113003")


@scenario(answered("+79031113004", MAIN_DID, "101", last="102", legs={"101": "answered", "102": "answered"}))
async def caller_sent_into_a_conference(lab: Lab) -> None:
    await lab.talk_in("79031113004", "101", did=MAIN_DID)
    await lab.press("101", "#1303")
    await lab.gone("101")
    await lab.bridged("79031113004")
    await lab.dial_from("101", ROOM)
    await lab.talk("101", "79031113004")
    await lab.dial_from("102", ROOM)
    await lab.talk("102", "79031113004")
    await lab.hang_up("79031113004")
    await _leave(lab, "101", "102")


@scenario(
    answered("+79031113005", MAIN_DID, "101", last="102", legs={"101": "answered", "102": "answered"}),
    main=True,
)
async def both_redirected_into_a_conference(lab: Lab) -> None:
    await lab.talk_in("79031113005", "101", did=MAIN_DID)
    await lab.redirect("101", ROOM, with_="79031113005")
    await lab.dial_from("102", ROOM)
    await lab.talk("102", "79031113005")
    await lab.talk("101", "79031113005")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.hang_up("79031113005")
    await _leave(lab, "102")


@scenario(outbound("+79037778840", "answered", "101", last_extension="101", legs={"101": "answered"}))
async def number_invited_to_a_conference(lab: Lab) -> None:
    await lab.dial_from("101", ROOM)
    await lab.bridged("101")
    await lab.invite("79037778840", ROOM)
    await lab.answer("79037778840")
    await lab.talk("101", "79037778840")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.hang_up("79037778840")


@scenario(
    answered("+79031113006", CONFERENCE, "101", answered_outside=None, legs={"101": "answered"}),
    outbound("+79037778841", "answered", "101", answered_outside=None, legs={"101": "answered"}),
)
async def number_invited_to_a_conference_with_a_caller(lab: Lab) -> None:
    await lab.call_in("79031113006", did=CONFERENCE)
    await lab.bridged("79031113006")
    await lab.dial_from("101", ROOM)
    await lab.talk("101", "79031113006")
    await lab.invite("79037778841", ROOM)
    await lab.answer("79037778841")
    await lab.talk("101", "79037778841")
    await lab.hang_up("79037778841")
    await lab.gone("79037778841")
    await lab.hang_up("79031113006")
    await _leave(lab, "101")


# Who comes to a rep who is there already shares the rep's linkedid.


@scenario(answered("+79031113020", CONFERENCE, "101", answered_outside=None, legs={"101": "answered"}), main=True)
async def conference_where_the_rep_waits(lab: Lab) -> None:
    await lab.dial_from("101", ROOM)
    await lab.bridged("101")
    await _comes_and_goes(lab, "79031113020", moment="conference_joined")
    await lab.hang_up("101")


@scenario(
    answered("+79031113021", CONFERENCE, "101", answered_outside=None, legs={"101": "answered"}),
    answered("+79031113022", CONFERENCE, "101", answered_outside=None, legs={"101": "answered"}),
    main=True,
)
async def conference_where_the_rep_waits_for_two_callers(lab: Lab) -> None:
    await lab.dial_from("101", ROOM)
    await lab.bridged("101")
    for caller in ("79031113021", "79031113022"):
        await _comes_and_goes(lab, caller)
    await lab.hang_up("101")


@scenario(
    answered("+79031113023", CONFERENCE, "101", answered_outside=None, legs={"101": "answered"}),
    answered("+79031113024", CONFERENCE, "101", answered_outside=None, legs={"101": "answered"}),
    main=True,
)
async def conference_where_the_rep_waits_for_two_callers_at_once(lab: Lab) -> None:
    await lab.dial_from("101", ROOM)
    await lab.bridged("101")
    for caller in ("79031113023", "79031113024"):
        await lab.call_in(caller, did=CONFERENCE)
        await lab.talk("101", caller)
    await lab.moment("conference_joined_by_two")
    await lab.hang_up("79031113023")
    await lab.gone("79031113023")
    await lab.hang_up("101")
    await lab.gone("101")
    await lab.hang_up("79031113024")


async def _comes_and_goes(lab: Lab, caller: str, *, moment: str = "") -> None:
    await lab.call_in(caller, did=CONFERENCE)
    await lab.talk("101", caller)
    if moment:
        await lab.moment(moment)
    await lab.hang_up(caller)
    await lab.gone(caller)


async def _listened_to(lab: Lab, caller: str, code: str) -> None:
    await lab.talk_in(caller, "101", did=MAIN_DID)
    await lab.dial_from("105", f"{code}101")
    await lab.listens()
    await lab.hang_up(caller)
    await lab.gone("101")
    await lab.hang_up("105")


@scenario(answered("+79031113010", MAIN_DID, "101", legs={"101": "answered"}), main=True)
async def supervisor_listens(lab: Lab) -> None:
    await _listened_to(lab, "79031113010", "*55")


@scenario(answered("+79031113011", MAIN_DID, "101", legs={"101": "answered"}))
async def supervisor_whispers(lab: Lab) -> None:
    await _listened_to(lab, "79031113011", "*56")


@scenario(answered("+79031113012", MAIN_DID, "101", legs={"101": "answered"}), main=True)
async def supervisor_barges_in(lab: Lab) -> None:
    await _listened_to(lab, "79031113012", "*57")


@scenario(missed("+79031113013", MAIN_DID, "ringing", legs={"101": "cancelled"}))
async def supervisor_listens_before_the_answer(lab: Lab) -> None:
    await lab.dial_from("105", "*55101")
    await lab.call_in("79031113013", did=MAIN_DID)
    await lab.rings("101")
    await lab.hang_up("79031113013")
    await lab.gone("101")
    await lab.hang_up("105")


async def _leave(lab: Lab, *parties: str) -> None:
    for party in parties:
        await lab.hang_up(party)
