"""Which call an `OriginateResponse` answers: it tells the number that was to be dialled, but seldom its channel."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from zeoncrm.ami.channels import ANSWER
from zeoncrm.ami.groups import Recent
from zeoncrm.ami.live_call import LiveCall
from zeoncrm.ami.messages import DialBegan, DialEnded, Originated
from zeoncrm.ami.parties import device_of, extension_of, first_number, whole
from zeoncrm.pipeline.call_events import CallEnded, CallEvent, CallLinked, CallResult, CallStarted, Direction
from zeoncrm.pipeline.numbering import Numbering

_REMEMBERED = 1000
# Nobody lets a phone ring for longer.
_LONGEST = timedelta(minutes=5)


def channel_id_of(call_id: str) -> str:
    """The id that a click-to-call of ours gives its first channel."""
    return f"zeoncrm-{call_id}"


class Clicks:
    """Click-to-calls, our own and those that others ask the PBX for."""

    def __init__(self) -> None:
        self._over = Recent(_REMEMBERED)
        self._told = Recent(_REMEMBERED)
        # What the PBX called on nobody's behalf and nobody has answered, by the channel's id.
        self._originated: dict[str, DialBegan] = {}

    def note(self, message: DialBegan | DialEnded) -> None:
        """A channel is called, or was: the PBX does not tell later for which click."""
        if message.source is not None:
            return
        if isinstance(message, DialBegan):
            self._originated[message.target.uniqueid] = message
            if len(self._originated) > _REMEMBERED:
                del self._originated[next(iter(self._originated))]
        elif message.status == ANSWER:
            self._originated.pop(message.target.uniqueid, None)

    def linkedid(self, message: Originated) -> str | None:
        """What the PBX's records call the click: the id of the channel that was called for it, the last on its device.

        One that the number was given is preferred: a program may have two at once on a device, but need not give it.
        """
        asked = f"{message.channel}/"
        called = [
            dial
            for dial in reversed(self._originated.values())
            if asked.startswith(f"{whole(dial.target.name).rpartition('-')[0]}/") and message.at - dial.at <= _LONGEST
        ]
        dial = next((each for each in called if each.connected == message.exten), None) or next(iter(called), None)
        if dial is None:
            return None
        del self._originated[dial.target.uniqueid]
        return dial.target.linkedid

    def ended(self, call: LiveCall) -> None:
        """A click-to-call of ours has ended: the answer to it may be still to come."""
        if call.channel_id is not None:
            self._over.add(call.number or "")

    def asked_for(self, message: Originated, calls: Iterable[LiveCall], region: str) -> LiveCall | None:
        """Our click-to-call that this is the answer to, if it has not ended."""
        number, raw = first_number((message.exten,), region)
        clicks = [call for call in calls if call.direction is Direction.OUTBOUND and not call.dialled]
        by_id = (call for call in clicks if message.action is not None and message.action == call.channel_id)
        by_number = (call for call in clicks if call.number is not None and call.number in {number, raw})
        return next(by_id, None) or next(by_number, None)

    def is_news(self, message: Originated, numbering: Numbering) -> str | None:
        """The number, if somebody else's click-to-call failed of which nothing was heard before."""
        number, _ = first_number((message.exten,), numbering.region)
        technology, device = device_of(message.channel or "")
        extension = device.partition("@")[0] if technology == "Local" else extension_of(technology, device, numbering)
        if number is None or extension not in numbering.extensions:
            return None
        if number in self._over:
            self._over.discard(number)
            return None
        if message.action is not None:
            if message.action in self._told:
                return None
            self._told.add(message.action)
        return number


def failed_click(message: Originated, call_id: str, pbx: str, number: str, linkedid: str | None) -> list[CallEvent]:
    """A call that was asked for and never dialled, since the rep did not take their own phone."""
    ids = [each for each in (linkedid, message.action) if each is not None]
    started = CallStarted(
        call_id=call_id,
        at=message.at,
        pbx=pbx,
        direction=Direction.OUTBOUND,
        linkedid=ids[0] if ids else call_id,
        number=number,
        number_raw=message.exten,
    )
    linked = [CallLinked(call_id=call_id, at=message.at, linkedid=each) for each in ids[1:]]
    return [started, *linked, CallEnded(call_id=call_id, at=message.at, result=CallResult.CANCELLED)]
