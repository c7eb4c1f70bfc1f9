"""The test lab: a real PBX and, beside it, everybody who calls it and whom it calls.

Both are Asterisk. A test tells people what to do (call_in, answer, press, hang_up ...) and waits for what the PBX
makes of it (rings, talk, gone ...). A party is an extension ("101") or an outside number ("79031112233").
Every wait raises AssertionError, with what is the case instead, when the state does not come within 15 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import Literal, Self
from urllib.parse import quote

from tests.patience import PATIENCE
from tests.pbx.instance import SECRET, Instance, new_folder, remove_folder, with_dial_strings
from tests.pbx.roots import asterisk_root
from tests.pbx.view import Channel, View
from tests.ports import free_port

# Whose the phones are. From 2001 on they are those of the dialplan that has FreePBX's shape.
PEOPLE = {
    **{f"rep{number}": (str(number),) for number in (*range(101, 109), 2001, 2002)},
    "rep2003": ("2003", "992003"),
    "rep2004": ("2004",),
    "rep30001": ("30001",),
}
EXTENSIONS = tuple(extension for extensions in PEOPLE.values() for extension in extensions)
PHONES = (*EXTENSIONS, "2002soft")  # a second device, which has no extension of its own
KEY_GAP = 0.1  # seconds between keys; a key pressed sooner is queued behind the one before and reported twice
Behaviour = Literal[
    "rings", "hesitates", "answers", "lifts", "plays", "announces", "forwards",
    "busy", "rejects", "unknown", "refuses", "rings_then_refuses",
]  # fmt: skip


class Lab:
    """The PBX on 127.0.0.1 and the world on 127.0.0.2, of one Asterisk version ("22" or "16").

    A PBX with a `system_name` writes it before the ids of its channels. `technology`: by which the phones and the
    carrier are known to it, "PJSIP" or (Asterisk 16) "SIP"; with "IAX2" the carrier alone is.
    """

    def __init__(self, version: str, system_name: str = "", technology: str = "PJSIP") -> None:
        self.version = version
        self.system_name = system_name
        self.technology = technology
        self.secret = SECRET
        self.phones_by = "PJSIP" if technology == "IAX2" else technology
        self._root = asterisk_root(version)
        self._folder = new_folder(self._root)
        self._calls = itertools.count(1)
        self._held: dict[str, Channel] = {}  # the world's channel that a party put on hold
        self.on_moment: Callable[[str], Awaitable[None]] | None = None
        self._pbx_sip = free_port("127.0.0.1", socket.SOCK_DGRAM)
        self.pbx_view = View("the PBX")
        self.world_view = View("the world")
        self.pbx = Instance(self._root, self._folder, "pbx", "127.0.0.1", free_port("127.0.0.1"), technology)
        carried_by = "IAX2" if technology == "IAX2" else "PJSIP"
        self.world = Instance(self._root, self._folder, "world", "127.0.0.2", free_port("127.0.0.2"), carried_by)

    async def __aenter__(self) -> Self:
        names = ("WORLD_SIP", "CARRIER_SIP", "WORLD_IAX")
        world = {name: str(free_port("127.0.0.2", socket.SOCK_DGRAM)) for name in names}
        ports = {"PBX_SIP": str(self._pbx_sip), "PBX_IAX": str(free_port("127.0.0.1", socket.SOCK_DGRAM)), **world}
        try:
            self.pbx.configure({**ports, "SYSTEM_NAME": self.system_name})
            await self.pbx.start(self.pbx_view.feed)
            self.world.configure({**ports, "SYSTEM_NAME": ""})
            await self.world.start(self.world_view.feed)
            await self.register("*all")
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.world.stop()
        await self.pbx.stop()
        remove_folder(self._folder)

    # What people do

    async def call_in(self, number: str, *, did: str, name: str = "") -> None:
        """The carrier brings a call from this number to one of our lines."""
        await self._originate(
            with_dial_strings(f"PJSIP/{did}@carrier", self.world.technology), number, f'"{name}" <{number}>'
        )

    async def dial_from(self, extension: str, number: str) -> None:
        """The person at this phone dials an extension, an outside number or a code such as *8."""
        await self._originate(f"PJSIP/{number}@phone{extension}", extension, extension)

    async def behave(
        self, party: str, behaviour: Behaviour, *, after: int = 0, to: str | None = None, cause: int | None = None
    ) -> None:
        """What the party does by itself when called. Without: rings until told.

        "hesitates": is silent for a second before it rings. After so many seconds "answers" takes the call, "lifts"
        does without having rung, "announces" says why not and refuses. "plays": sends sound instead of ringing.
        "forwards": sends the call on `to` another number (302). "refuses", "rings_then_refuses": for this Q.850 cause.
        """
        for family, value in {"behaviour": behaviour, "after": after, "forward": to, "cause": cause}.items():
            if value is not None:
                await self._remember(family, party, str(value))

    async def answer(self, party: str) -> None:
        """Take the phone that rings."""
        await self.rings(party)
        lines = self.pbx_view.of(party, "Ringing")
        ringing = await self.world_view.until(lambda: self.world_view.of(party, "Ring"), f"a call at {party}")
        await self._send(ringing[-1], "talk")
        # Of the channels themselves: one may have been up for a moment only.
        await self.pbx_view.until(lambda: any(line.state == "Up" for line in lines), f"{party} answering")

    async def talk_in(self, number: str, extension: str, *, did: str) -> None:
        """A call from this number to one of our lines is answered at this extension, and they talk."""
        await self.call_in(number, did=did)
        await self.answer(extension)
        await self.talk(extension, number)

    async def press(self, party: str, digits: str) -> None:
        """Press keys during a call, each when the PBX has heard the one before."""
        phone = await self._phone(party)
        [*_, channel] = self.pbx_view.of(party, "Up")
        for digit in digits:
            await self._press(phone, channel, digit)

    async def hold(self, party: str) -> None:
        """The phone's hold button."""
        phone = self._held[party] = await self._phone(party)
        await self._send(phone, "hold")
        await self.pbx_view.until(lambda: any(c.holding for c in self.pbx_view.of(party)), f"{party} holding")

    async def resume(self, party: str) -> None:
        """Talk again with whom the party put on hold."""
        await self._send(self._held.pop(party), "talk")
        await self.pbx_view.until(lambda: not any(c.holding for c in self.pbx_view.of(party)), f"{party} resuming")

    async def refer(self, party: str, to: str) -> None:
        """The phone's own blind transfer: a REFER."""
        phone = await self._phone(party)
        await self._refer(phone, f"sip:{to}@127.0.0.1:{self._pbx_sip}")

    async def join(self, party: str) -> None:
        """The phone's own attended transfer: a REFER joins the call that it held with the one it made since.

        That one may still ring.
        """
        held, made = await self._calls_of(party, 2, "Ringing", "Up")
        tags = {name: await self._dialogue(made, name) for name in ("call-id", "local_tag", "remote_tag")}
        replaced = f"{tags['call-id']};to-tag={tags['remote_tag']};from-tag={tags['local_tag']}"
        target = f"sip:x@127.0.0.1:{self._pbx_sip}?Replaces={quote(replaced, safe='')}"
        await self._refer(held, target)

    async def hang_up(self, party: str, *, cause: int | None = None) -> None:
        """Put down (or give up, or reject) every call of this party, perhaps for a Q.850 cause."""
        calls = await self.world_view.until(lambda: self.world_view.of(party), f"a call of {party}")
        for channel in calls:
            await self._hang_up(channel, cause)

    async def register(self, phone: str) -> None:
        """The phone (or "*all") comes back to the PBX."""
        registration = phone if phone == "*all" else f"phone{phone}"
        self.world_view.forget()
        self.pbx_view.forget()
        await self.world.client.action("PJSIPRegister", Registration=registration)
        for each in PHONES if phone == "*all" else (phone,):
            await self.world_view.event("Registry", Username=self._account(each), Status="Registered")
        if phone != "*all":
            await self.pbx_view.until(lambda: self._is_there(phone), f"{phone} being there")

    async def unregister(self, phone: str) -> None:
        """The phone is switched off."""
        self.pbx_view.forget()
        await self.world.client.action("PJSIPUnregister", Registration=f"phone{phone}")
        await self.pbx_view.until(lambda: self._is_there(phone, there=False), f"{phone} being away")

    async def restart_pbx(self) -> None:
        """Start the PBX again, which has been stopped; those who still hold the line hang up."""
        self.pbx_view.channels.clear()
        await self.pbx.start(self.pbx_view.feed)
        await self.register("*all")
        await self.reset()

    async def click_to_call(self, channel: str, number: str, *, timeout: int = 20) -> None:
        """What a click in the CRM does: ring the person's own phone, then the number."""
        await self.pbx.client.action(
            "Originate", Channel=with_dial_strings(channel, self.technology), Context="from-internal",
            Exten=number, Priority="1", CallerID=number, Timeout=f"{timeout}000", Async="true",
        )  # fmt: skip

    # What a program does that controls the PBX

    async def redirect(self, party: str, exten: str, *, with_: str | None = None) -> None:
        """Send a party of a call elsewhere, and perhaps the other one too."""
        extra = {"ExtraChannel": self._line(with_), "ExtraContext": "from-internal", "ExtraExten": exten,
                 "ExtraPriority": "1"} if with_ else {}  # fmt: skip
        await self.pbx.client.action(
            "Redirect", Channel=self._line(party), Context="from-internal", Exten=exten, Priority="1", **extra
        )

    async def transfer_blind(self, party: str, exten: str) -> None:
        """Transfer for a party of a call: the other one goes to the extension."""
        await self.pbx.client.action("BlindTransfer", Channel=self._line(party), Context="from-internal", Exten=exten)

    async def transfer_attended(self, party: str, exten: str) -> None:
        """Let a party of a call consult the extension, as by the feature code."""
        await self.pbx.client.action("Atxfer", Channel=self._line(party), Context="from-internal", Exten=exten)

    async def invite(self, number: str, exten: str) -> None:
        """The PBX calls an outside number and connects it with one of its own."""
        await self.pbx.client.action(
            "Originate", Channel=with_dial_strings(f"PJSIP/{number}@trunk", self.technology), Context="from-internal",
            Exten=exten, Priority="1", CallerID="4952150000", Timeout="20000", Async="true",
        )  # fmt: skip

    def _line(self, party: str) -> str:
        return self.pbx_view.of(party)[-1].name

    # What the PBX makes of it

    async def rings(self, party: str, *, calls: int = 1) -> None:
        await self.pbx_view.until(lambda: len(self.pbx_view.of(party, "Ringing")) >= calls, f"{party} ringing")
        if calls > 1:  # the phone learns of it a little later than the PBX, and which of them is the newest matters
            await self._calls_of(party, calls, "Ring")

    async def calls(self, number: str) -> None:
        """The call of this outside number has come to the PBX."""
        await self.pbx_view.until(lambda: self.pbx_view.of(number), f"a call of {number}")

    async def arrives(self, number: str) -> None:
        """The call of this outside number has been answered by the PBX itself: an IVR, a queue, voicemail."""
        await self.pbx_view.until(lambda: self.pbx_view.of(number, "Up"), f"{number} being let in")

    async def reaches(self, application: str) -> None:
        """The dialplan has come to this application."""
        await self.pbx_view.event("Newexten", Application=application)

    async def talk(self, one: str, other: str) -> None:
        await self.pbx_view.until(lambda: self.pbx_view.connected(one, other), f"{one} and {other} talking")

    async def talk_to_somebody(self, party: str) -> None:
        """The same where nothing tells who the other one is."""
        await self.pbx_view.until(lambda: self.pbx_view.has_company(party), f"{party} talking")

    async def turned_away(self, party: str) -> None:
        """A call that the party started has come and gone."""
        await self.pbx_view.until(
            lambda: any(c.party == party for c in self.pbx_view.former) and not self.pbx_view.of(party),
            f"the end of {party}'s call",
        )

    async def parked(self, number: str) -> str:
        """The call of this number is parked; returns its parking space."""
        message = await self.pbx_view.event("ParkedCall", ParkeeCallerIDNum=number)
        return message["ParkingSpace"]

    async def originate_response(self) -> None:
        """The PBX has said what came of the click."""
        await self.pbx_view.event("OriginateResponse")

    async def bridged(self, party: str) -> None:
        """The party is in a bridge, perhaps alone."""
        await self.pbx_view.until(lambda: any(c.bridge for c in self.pbx_view.of(party)), f"{party} in a bridge")

    async def progresses(self, party: str) -> None:
        """The party sends sound before it answers."""
        [channel] = await self.pbx_view.until(lambda: self.pbx_view.of(party), f"a call of {party}")
        await self.pbx_view.event("DialState", DestUniqueid=channel.uniqueid, DialStatus="PROGRESS")

    async def refused(self, party: str) -> None:
        """The PBX has refused the party's transfer."""
        await self.world_view.event("VarSet", Variable="TRANSFERSTATUS", Value="FAILURE")

    async def left(self, party: str) -> None:
        """The party talks with nobody, though its channel may still hang there."""
        await self.pbx_view.until(
            lambda: not any(channel.bridge for channel in self.pbx_view.of(party)), f"{party} leaving the talk"
        )

    async def waits(self, queue: str) -> None:
        """Somebody waits in the queue."""
        await self.pbx_view.event("QueueCallerJoin", Queue=queue)

    async def agent_is_free(self, agent: str) -> None:
        """The agent who stays on the line can be given a caller: a while after coming there."""
        await self.pbx_view.until(
            lambda: self.pbx_view.last("DeviceStateChange", Device=f"Agent:{agent}").get("State") == "NOT_INUSE",
            f"agent {agent} being free",
        )

    async def transferred(self, by: str) -> None:
        """An attended transfer is done with: before, a party that hangs up would leave the other one alone in the
        bridge, which is not an ordinary one yet (Asterisk 22)."""
        await self.pbx_view.event("AttendedTransfer")
        await self.gone(by)

    async def hang_up_heard(self, party: str) -> None:
        """The PBX has heard that the party hangs up, whatever else it does before it ends the party's channel."""
        former = [channel for channel in self.pbx_view.former if channel.party == party]
        channels = {channel.name for channel in (*self.pbx_view.of(party), *former)}
        await self.pbx_view.until(
            lambda: any(m["Event"] == "HangupRequest" and m["Channel"] in channels for m in self.pbx_view.seen),
            f"{party} hanging up",
        )

    async def listens(self) -> None:
        """Somebody has begun to listen in."""
        await self.pbx_view.event("ChanSpyStart")

    async def gone(self, party: str) -> None:
        await self.pbx_view.until(lambda: not self.pbx_view.of(party), f"the end of {party}'s calls")

    async def quiet(self) -> None:
        """Nobody calls any more."""
        await self.pbx_view.until(lambda: not self.pbx_view.channels, "quiet")
        await self.world_view.until(lambda: not self.world_view.channels, "quiet")

    async def settled(self) -> None:
        """The same, and no call record is still to be told: the PBX tells it apart from all else, at times later."""
        await self.quiet()
        async with asyncio.timeout(PATIENCE):
            while True:
                shown = await self.pbx.client.action("Command", Command="cdr show active")
                if "/" not in shown["Output"]:  # the names of channels
                    return
                await asyncio.sleep(0.01)  # no event tells of it

    async def call_records(self) -> bytes:
        """Master.csv, once nothing is added to it any more: the PBX writes a record a moment after the hang-up."""
        data, unchanged = self.pbx.cdr.read_bytes() if self.pbx.cdr.exists() else b"", 0
        while unchanged < 5:
            await asyncio.sleep(0.1)
            before, data = data, self.pbx.cdr.read_bytes() if self.pbx.cdr.exists() else b""
            unchanged = unchanged + 1 if data == before else 0
        return data

    async def reset(self) -> None:
        """End every call and every behaviour: between scenarios."""
        for channel in list(self.world_view.channels.values()):
            await self._hang_up(channel)
        await self.quiet()
        for family in ("behaviour", "after", "forward", "cause"):
            await self.world.client.action("Command", Command=f"database deltree {family}")
        self.pbx_view.forget()
        self.world_view.forget()

    async def moment(self, name: str) -> None:
        """A moment worth looking at, for whoever asked to be told."""
        if self.on_moment is not None:
            await self.on_moment(name)

    async def _originate(self, channel: str, party: str, caller: str) -> None:
        await self.world.client.action(
            "Originate", Channel=channel, Context="talk", Exten="s", Priority="1", CallerID=caller,
            ChannelId=f"call-{party}-{next(self._calls)}", Timeout="120000", Async="true",
        )  # fmt: skip

    async def _phone(self, party: str) -> Channel:
        """The world's channel of the party's newest call."""
        return (await self._calls_of(party, 1, "Up"))[-1]

    async def _calls_of(self, party: str, count: int, *states: str) -> list[Channel]:
        """The world's channels of the party, once it has so many, the newest last."""
        found = await self.world_view.until(
            lambda: [c for c in [self.world_view.of(party, *states)] if len(c) >= count], f"{party} in {count} calls"
        )
        return found[0]

    async def _hang_up(self, channel: Channel, cause: int | None = None) -> None:
        with contextlib.suppress(RuntimeError):  # gone already
            why = {"Cause": str(cause)} if cause else {}
            await self.world.client.action("Hangup", Channel=channel.name, **why)

    async def _refer(self, phone: Channel, target: str) -> None:
        await self.world.client.action("Setvar", Channel=phone.name, Variable="TARGET", Value=target)
        await self._send(phone, "refer")

    async def _dialogue(self, phone: Channel, name: str) -> str:
        function = f"CHANNEL(pjsip,{name})"
        answer = await self.world.client.action("Getvar", Channel=phone.name, Variable=function)
        return answer["Value"]

    async def _send(self, channel: Channel, context: str) -> None:
        await self.world.client.action("Redirect", Channel=channel.name, Context=context, Exten="s", Priority="1")

    async def _remember(self, family: str, key: str, value: str) -> None:
        await self.world.client.action("DBPut", Family=family, Key=key, Val=value)

    async def _press(self, phone: Channel, channel: Channel, digit: str) -> None:
        heard = self._heard(channel, digit)
        await self.world.client.action("PlayDTMF", Channel=phone.name, Digit=digit, Duration="80")
        await self.pbx_view.until(lambda: self._heard(channel, digit) > heard, f"{channel.party} pressing {digit}")
        await asyncio.sleep(KEY_GAP)

    def _account(self, phone: str) -> str:
        """As which the world's phone registers."""
        extension = phone.removesuffix("soft")
        return f"sip:{extension}@" + ("softphone" if phone != extension else f"127.0.0.1:{self._pbx_sip}")

    def _is_there(self, phone: str, *, there: bool = True) -> bool:
        """Whether the PBX has said so."""
        if self.phones_by == "SIP":
            status = "Registered" if there else "Unregistered"
            return self.pbx_view.find("PeerStatus", Peer=f"SIP/{phone}", PeerStatus=status) is not None
        status = "NonQualified" if there else "Removed"
        return any(
            message["Event"] == "ContactStatus"
            and message["ContactStatus"] == status
            and message["URI"].startswith(f"sip:{phone}@")
            for message in self.pbx_view.seen
        )

    def _heard(self, channel: Channel, digit: str) -> int:
        return sum(
            message["Event"] == "DTMFEnd" and message["Uniqueid"] == channel.uniqueid and message["Digit"] == digit
            for message in self.pbx_view.seen
        )
