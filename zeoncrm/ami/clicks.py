"""Which call an `OriginateResponse` answers: it tells the number that was to be dialled, but seldom its channel."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from zeoncrm.ami.facts import Facts
from zeoncrm.ami.groups import Recent
from zeoncrm.ami.live_call import LiveCall
from zeoncrm.ami.messages import DialBegan, Originated
from zeoncrm.ami.parties import device_of, extension_of, first_number
from zeoncrm.pipeline.call_events import CallEnded, CallEvent, CallResult, CallStarted, Direction
from zeoncrm.pipeline.numbering import Numbering

_REMEMBERED = 1000


class Clicks:
    """Click-to-calls, our own and those that others ask the PBX for."""

    def __init__(self) -> None:
        self._over = Recent(_REMEMBERED)
        self._told = Recent(_REMEMBERED)
        # Channels that the PBX called on nobody's behalf, each with the number that it was to talk with.
        self._originated: deque[tuple[Facts, str | None]] = deque(maxlen=_REMEMBERED)

    def note(self, message: DialBegan) -> None:
        """A channel is called: the PBX does not tell later for which click."""
        if message.source is None:
            self._originated.appendleft((message.target, message.connected))

    def linkedid(self, message: Originated) -> str | None:
        """What the PBX's records call the click: the id of the channel that was called for it, the last on its device.

        One that the number was given is preferred: a program may have two at once on a device, but need not give it.
        """
        name = f"{message.channel}-"
        called = [(facts.linkedid, number) for facts, number in self._originated if facts.name.startswith(name)]
        return next((linkedid for linkedid, number in called if number == message.exten), None) or next(
            (linkedid for linkedid, _ in called), None
        )

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
    started = CallStarted(
        call_id=call_id,
        at=message.at,
        pbx=pbx,
        direction=Direction.OUTBOUND,
        linkedid=linkedid or message.action or call_id,
        number=number,
        number_raw=message.exten,
    )
    return [started, CallEnded(call_id=call_id, at=message.at, result=CallResult.CANCELLED)]
