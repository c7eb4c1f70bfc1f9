"""`--call EXT`: rings a phone and follows what the PBX tells of it, step by step."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from zeoncrm.ami.control import Control, channel_for
from zeoncrm.ami.errors import ActionRefused, AmiError, BadHeader
from zeoncrm.ami.headers import Fields
from zeoncrm.ami.rights import READ_CALL
from zeoncrm.doctor.dialplan import exists
from zeoncrm.doctor.everywhere import Look
from zeoncrm.doctor.findings import Finding, note, ok, problem
from zeoncrm.doctor.line import Line

Say = Callable[[Finding], None]

# Seconds: until it rings, how long it rings, until the end of a call is told.
RINGS, ANSWERS, ENDS = 10.0, 30.0, 10.0
# FreePBX's echo test: a call needs a place to go when the phone is taken. It is hung up at once all the same.
_ECHO_TEST = "*43"
# OriginateResponse gives the number of a control frame as its reason: one that rang and was not taken has 3 or 1,
# everything from a rejection to a device that does not exist 0. The phone's own hang-up tells more, if it had one.
_NOT_TAKEN = frozenset({"1", "3"})
_CAUSES = {
    "17": "it is busy",
    "18": "the phone does not answer the network",
    "20": "it is not registered",
    "21": "the call was rejected on it",
}
_NO_CHANNEL = "there is no such device, or it is not registered"


class Rung:
    """What is told of one call of ours."""

    def __init__(self, link: Line, channel_id: str) -> None:
        self._link = link
        self.id = channel_id
        self.channel = ""  # the name of the phone's channel
        self.failed: str | None = None
        self._cause: str | None = None

    async def until(self, state: str, timeout: float) -> bool:
        """Whether the phone gets there, before the order fails and within the time."""
        found = await self._link.heard(lambda event: self._ends(event) or self._is(event, state), timeout)
        self._link.must_stand()
        return found is not None and self.failed is None

    async def why(self) -> str:
        """What the phone's hang-up says; it may come before or after the order's failure."""
        if not self.channel:
            return _NO_CHANNEL
        if self._cause is None and (event := await self.ended()) is not None:
            self._cause = event.get("Cause")
        return _CAUSES.get(self._cause or "", f"it ended with cause {self._cause}")

    async def ended(self) -> Fields | None:
        """The end of the phone's channel."""
        event = await self._link.heard(
            lambda event: event.get("Event") == "Hangup" and event.get("Channel") == self.channel, ENDS
        )
        self._link.must_stand()
        return event

    def _is(self, event: Fields, state: str) -> bool:
        channel = event.get("Channel") or ""
        if event.get("Linkedid") != self.id or channel.startswith("Local/"):
            return False
        if event.get("Event") == "Hangup":
            self._cause = event.get("Cause")
        if event.get("Event") not in ("Newchannel", "Newstate"):
            return False
        self.channel = channel
        return event.get("ChannelStateDesc") in (state, "Up")

    def _ends(self, event: Fields) -> bool:
        if event.get("Event") != "OriginateResponse" or event.get("ActionID") != self.id:
            return False
        if event.get("Response") == "Failure":
            self.failed = event.get("Reason") or "0"
        return self.failed is not None


async def ring(look: Look, extension: str, part: str, say: Say) -> None:
    """Ring the extension, say each step as it comes under `part`, and hang up when the phone is taken."""
    if look.rights.has(READ_CALL) is False:
        say(problem(part, "call-refused", "not tried: without read = call nothing would tell of it"))
        return
    try:
        await _rung(look, extension, part, say)
        look.link.must_stand()
    except AmiError as error:
        say(problem(part, "pbx-hangs", f"it stopped answering: {error}"))


async def _rung(look: Look, extension: str, part: str, say: Say) -> None:
    control, rung = Control(look.link), Rung(look.link, f"zeoncrm-doctor-{secrets.token_hex(6)}")
    if not await _ordered(look, control, rung, extension, part, say):
        return
    if not await rung.until("Ringing", RINGS):
        say(await _silent(part, rung))
        return
    say(ok(part, f"{rung.channel} rings: take it"))
    if not await rung.until("Up", ANSWERS + 5):
        say(await _not_taken(part, rung))
        return
    say(ok(part, "the phone was taken; hanging up"))
    try:
        await control.hang_up(rung.channel)
    except ActionRefused as refusal:
        say(problem(part, "call-not-ended", f"it can't be hung up: Asterisk says {str(refusal)!r}"))
        return
    if await rung.ended() is None:
        say(problem(part, "call-not-ended", f"no event told of its end within {ENDS:g} s"))
    else:
        say(ok(part, "the call has ended"))


async def _ordered(look: Look, control: Control, rung: Rung, extension: str, part: str, say: Say) -> bool:
    context = look.pbx.originate_context
    exten = _ECHO_TEST if await exists(look.link, context, _ECHO_TEST) else extension
    try:
        channel = channel_for(look.pbx.originate_channel, extension)
        await control.originate(
            channel=channel,
            exten=exten,
            context=context,
            channel_id=rung.id,
            caller_id=extension,
            timeout=timedelta(seconds=ANSWERS),
        )
    except (ActionRefused, BadHeader) as refusal:
        say(problem(part, "call-refused", f"the call was refused: {refusal}"))
        return False
    say(ok(part, f"the PBX took the order to ring {channel}"))
    return True


async def _silent(part: str, rung: Rung) -> Finding:
    if rung.failed in _NOT_TAKEN:
        return problem(part, "call-not-ringing", "nothing told that it rang, and nobody took it")
    if rung.failed is not None:
        return problem(part, "call-not-ringing", f"it does not ring: {await rung.why()}")
    return problem(part, "call-not-ringing", f"no event told that it rings within {RINGS:g} s")


async def _not_taken(part: str, rung: Rung) -> Finding:
    if rung.failed is None or rung.failed in _NOT_TAKEN:
        return note(part, "call-not-taken", f"nobody took it within {ANSWERS:g} s")
    return note(part, "call-not-taken", f"it rang, and then: {await rung.why()}")
