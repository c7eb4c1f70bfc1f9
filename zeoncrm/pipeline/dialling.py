"""Click-to-call and the control of one's own calls: what may be dialled, by whom, how often."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from zeoncrm.pipeline.call_access import may_control
from zeoncrm.pipeline.call_events import CallEnded, CallRequested, CallResult
from zeoncrm.pipeline.calls import CallState
from zeoncrm.pipeline.errors import Invalid, NotFound, TooMany, Unavailable
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.ids import new_call_id
from zeoncrm.pipeline.numbers import BadNumber, dialable, is_home, is_premium, is_service
from zeoncrm.pipeline.people import Directory, Viewer
from zeoncrm.pipeline.recorder import Recorder
from zeoncrm.pipeline.settings import CallSettings
from zeoncrm.store import deals
from zeoncrm.store.database import Database

CALLS_A_MINUTE = 10
WINDOW = timedelta(minutes=1)
LONGEST_COUNTRY_PREFIX = len("+999")
PATIENCE_SECONDS = 5.0
# What a dialplan has of its own besides people's extensions; services such as 112 are none of it, nor what begins a
# number abroad.
_INSIDE = re.compile(r"(?!0+\Z)[0-9]{2,5}")


class Telephone(Protocol):
    """A PBX that can be told to do things. Every method raises Unavailable at once when it is not connected."""

    name: str

    @property
    def is_up(self) -> bool:
        """Whether it is connected now."""

    def channel_id(self, call_id: str) -> str:
        """The id of the first channel of a call that we ask for."""

    async def call(self, call_id: str, *, extension: str, number: str, at: datetime) -> None:
        """Ring the extension, then the number. Returns when the PBX has taken the order."""

    async def hang_up(self, call_id: str, extension: str | None) -> None:
        """End the extension's part of a call, or the whole call without one; raises NotFound."""

    async def transfer(self, call_id: str, extension: str, to: str, *, attended: bool) -> None:
        """Hand the call from the extension to another number; raises NotFound, and Invalid (field `to`) for one that
        the PBX does not know. An attended one has begun when it returns."""

    async def complete_transfer(self, call_id: str, extension: str) -> None:
        """Connect the caller who waits with whom the extension consults."""

    async def cancel_transfer(self, call_id: str, extension: str) -> None:
        """Take the extension back to the caller who waits."""


class Rate:
    """At most so many calls a person in a window, and one request at a time; kept in memory."""

    def __init__(self, most: int = CALLS_A_MINUTE, window: timedelta = WINDOW) -> None:
        self._most = most
        self._window = window
        self._taken: dict[int, deque[datetime]] = {}
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def turn(self, person_id: int) -> asyncio.Lock:
        """A person's clicks are answered one after the other, so that each sees what the one before has done."""
        return self._turns[person_id]

    def take(self, person_id: int, at: datetime) -> None:
        """Count one more; raises TooMany when it is one too many."""
        taken = self._taken.setdefault(person_id, deque())
        while taken and taken[0] <= at - self._window:
            taken.popleft()
        if len(taken) >= self._most:
            wait = int((taken[0] + self._window - at).total_seconds()) + 1
            raise TooMany("too many calls in a minute", retry_after=max(1, wait))
        taken.append(at)


def check_number(raw: str, region: str, settings: CallSettings) -> str:
    """The number in E.164 to dial for a person's input.

    Until a supervisor allows more prefixes, only the region's own numbers may be called, not those of others that
    share its country code. A premium number needs a prefix of its own: one that is longer than a country's.

    Raises:
        Invalid: no number, or one that may not be called; field `number`.
    """
    try:
        number = dialable(raw, region)
    except BadNumber as error:
        raise Invalid("number", "this is no telephone number") from error
    if not number.startswith("+"):
        raise Invalid("number", "this number is not complete: it needs its area code")
    allowed = [prefix for prefix in settings.allowed_prefixes if number.startswith(prefix)]
    if not allowed and not is_home(number, region):
        raise Invalid("number", "calls to this country are not allowed; a supervisor can allow them in the settings")
    if is_premium(number) and max(map(len, allowed), default=0) <= LONGEST_COUNTRY_PREFIX:
        raise Invalid("number", "calls to premium numbers are not allowed; a supervisor can allow them in the settings")
    return number


async def request_call(
    *,
    database: Database,
    recorder: Recorder,
    telephone: Telephone,
    viewer: Viewer,
    directory: Directory,
    settings: CallSettings,
    rate: Rate,
    raw_number: str,
    region: str,
    deal_id: int | None,
    at: datetime,
) -> CallView:
    """Ring the viewer's own phone, then the number. The call is on the board of events before the first ring.

    A number that the viewer is calling already, by a click too, is not called again: the answer is that call.

    Raises:
        Invalid: field `number`, or `extension` when the viewer has none on this PBX. NotFound: the deal.
        Unavailable: the PBX is not connected, or the call can't be noted; nothing happens later. TooMany: above the
        rate.
    """
    number = check_number(raw_number, region, settings)
    extensions = directory.extensions_of(viewer.id, telephone.name)
    if not extensions:
        raise Invalid("extension", "you have no extension: an administrator gives you one in the settings")
    if deal_id is not None:
        async with database.read() as connection:
            if await deals.one(connection, deal_id, viewer.scope) is None:
                raise NotFound("no such deal")
    async with rate.turn(viewer.id):
        if not telephone.is_up:
            raise Unavailable("the telephone system is not connected")
        for view in recorder.live():
            if view.call.requested_by == viewer.id and view.call.number == number:
                return view
        rate.take(viewer.id, at)
        call_id = new_call_id(at)
        requested = CallRequested(
            call_id=call_id,
            at=at,
            pbx=telephone.name,
            linkedid=telephone.channel_id(call_id),
            number=number,
            number_raw=raw_number,
            requested_by=viewer.id,
            deal_id=deal_id,
        )
        view = await _noted(recorder, requested)
        try:
            await telephone.call(call_id, extension=extensions[0], number=number, at=at)
        except Exception:
            await recorder.record(_never_made(requested))
            raise
    return view


async def _noted(recorder: Recorder, requested: CallRequested) -> CallView:
    """The call as kept. When that takes long the person has gone on: then nothing may ring any more."""
    if recorder.trouble is not None:
        raise Unavailable("the call could not be noted: the database does not answer")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            view = await recorder.recorded(requested)
    except TimeoutError:
        recorder.record_soon(_never_made(requested))
        raise Unavailable("the call could not be noted: the database does not answer") from None
    if view is None:
        raise Unavailable("the call could not be noted: the database does not answer")
    return view


def _never_made(requested: CallRequested) -> CallEnded:
    return CallEnded(call_id=requested.call_id, at=requested.at, result=CallResult.FAILED)


async def hang_up(
    recorder: Recorder, telephones: Mapping[str, Telephone], viewer: Viewer, directory: Directory, call_id: str
) -> None:
    """End a call of the viewer's; a supervisor may end any. Who talks on it with colleagues leaves it to them.

    Raises:
        NotFound: no such call in progress for the viewer. Unavailable: its PBX is not connected.
    """
    view, telephone = _live_call(recorder, telephones, viewer, directory, call_id)
    mine = directory.extensions_of(viewer.id, view.call.pbx)
    talking = [leg.extension for leg in view.call.legs if leg.is_talking]
    own = [extension for extension in talking if extension in mine]
    parts: list[str | None] = [*own] if own and len(own) < len(talking) else [None]
    for extension in parts:
        await telephone.hang_up(view.call.id, extension)


async def transfer(
    recorder: Recorder,
    telephones: Mapping[str, Telephone],
    viewer: Viewer,
    directory: Directory,
    settings: CallSettings,
    call_id: str,
    to: str,
    *,
    attended: bool,
    region: str,
) -> None:
    """Hand one's own call to a colleague's extension, or to a number that may be called.

    Raises:
        NotFound: no such call in progress at one of the viewer's extensions. Invalid: field `to`.
        Unavailable: its PBX is not connected.
    """
    view, telephone = _live_call(recorder, telephones, viewer, directory, call_id)
    mine = _talking_at(view, viewer, directory)
    target = _target(to.strip(), view.call.pbx, directory, settings, region)
    if target in directory.extensions_of(viewer.id, view.call.pbx):
        raise Invalid("to", "this is your own extension")
    await telephone.transfer(view.call.id, mine, target, attended=attended)


async def complete_transfer(
    recorder: Recorder, telephones: Mapping[str, Telephone], viewer: Viewer, directory: Directory, call_id: str
) -> None:
    """Connect the caller with whom the viewer consults.

    Raises:
        NotFound: no such call in progress at one of the viewer's extensions. Unavailable: the viewer consults nobody,
        or the PBX did not do it.
    """
    view, telephone = _live_call(recorder, telephones, viewer, directory, call_id)
    await telephone.complete_transfer(view.call.id, _talking_at(view, viewer, directory))


async def cancel_transfer(
    recorder: Recorder, telephones: Mapping[str, Telephone], viewer: Viewer, directory: Directory, call_id: str
) -> None:
    """Go back from a consultation to the caller; raises as `complete_transfer` does."""
    view, telephone = _live_call(recorder, telephones, viewer, directory, call_id)
    await telephone.cancel_transfer(view.call.id, _talking_at(view, viewer, directory))


def _talking_at(view: CallView, viewer: Viewer, directory: Directory) -> str:
    """The extension at which the viewer talks on the call; raises NotFound."""
    mine = directory.extensions_of(viewer.id, view.call.pbx)
    talking = [leg.extension for leg in view.call.legs if leg.is_talking and leg.extension in mine]
    if not talking:
        raise NotFound("no such call")
    return talking[0]


def _target(written: str, pbx: str, directory: Directory, settings: CallSettings, region: str) -> str:
    """A colleague's extension, another short number of the PBX's (a queue, a ring group), or an outside number that may
    be called; raises Invalid."""
    inside = _INSIDE.fullmatch(written) and not is_service(written, region)
    if inside or directory.person_with(written, pbx) is not None:
        return written
    try:
        return check_number(written, region, settings)
    except Invalid as error:
        raise Invalid("to", error.message, **error.values) from error


def _live_call(
    recorder: Recorder, telephones: Mapping[str, Telephone], viewer: Viewer, directory: Directory, call_id: str
) -> tuple[CallView, Telephone]:
    view = recorder.view(call_id)
    telephone = telephones.get(view.call.pbx) if view else None
    if view is None or view.call.state is CallState.ENDED or telephone is None:
        raise NotFound("no such call")
    if not may_control(directory, view, viewer):
        raise NotFound("no such call")
    if not telephone.is_up:
        raise Unavailable("the telephone system is not connected")
    return view, telephone
