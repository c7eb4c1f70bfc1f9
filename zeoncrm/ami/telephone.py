"""What the CRM may ask of a PBX: to place a call, to hang up, to transfer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from zeoncrm.ami.clicks import channel_id_of
from zeoncrm.ami.connection import AmiConnection
from zeoncrm.ami.control import Control, channel_for
from zeoncrm.ami.errors import ActionRefused, AmiError, NotConnected, OutcomeUnknown
from zeoncrm.ami.link import LinkState
from zeoncrm.ami.tracker import CallTracker
from zeoncrm.pipeline.errors import Invalid, NotFound, Unavailable
from zeoncrm.pipeline.numbers import dialled

log = structlog.get_logger(__name__)

# An attended transfer begins as soon as the PBX has heard its own keys.
BEGINS_WITHIN = 4.0  # seconds

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Dialling:
    """How a call is placed: the rep's channel, the context in which the number is dialled, and how it is written."""

    channel: str = "PJSIP/{extension}"
    context: str = "from-internal"
    form: str = "digits"


class AmiTelephone:
    """The `Telephone` of the pipeline, for one PBX: finds the channels of the calls and extensions that it is told.

    To an attended transfer Asterisk says yes in any case: that one returns when the tracker has seen it begin.
    """

    def __init__(self, connection: AmiConnection, dialling: Dialling, tracker: CallTracker) -> None:
        self.name = connection.account.name
        self._connection = connection
        self._control = Control(connection)
        self._dialling = dialling
        self._tracker = tracker
        # What is waited for, and what tells that it has come.
        self.expected: dict[asyncio.Future[bool], Callable[[], bool]] = {}

    @property
    def is_up(self) -> bool:
        """Whether it is connected now."""
        return self._connection.status.state is LinkState.UP

    def channel_id(self, call_id: str) -> str:
        """The id of the first channel of a call that we ask for."""
        return channel_id_of(call_id)

    async def call(self, call_id: str, *, extension: str, number: str, at: datetime) -> None:
        """Ring the extension, then the number. An outcome that is unknown is left to the events to tell.

        Raises:
            Unavailable: not connected, or the PBX refused; nothing rings, now or later.
        """
        exten = dialled(number, self._tracker.numbering.region, self._dialling.form)
        channel = channel_for(self._dialling.channel, extension)
        self._tracker.expect(call_id, channel_id=self.channel_id(call_id), extension=extension, number=number, at=at)
        try:
            await self._control.originate(
                channel=channel,
                exten=exten,
                context=self._dialling.context,
                channel_id=self.channel_id(call_id),
                caller_id=exten,
            )
        except OutcomeUnknown:
            return
        except AmiError as error:
            self._tracker.unexpect(call_id)
            raise self._unavailable(error) from error

    async def hang_up(self, call_id: str, extension: str | None) -> None:
        """End the extension's part of a call, or the whole call without one.

        Of the colleagues to whom the call would be left the last may have gone this moment: it is ended for all then.
        """
        alone = extension is not None and self._tracker.is_left_to(call_id, extension)
        channels = self._tracker.channels_of(call_id, None if alone else extension)
        if not channels:
            raise NotFound("no such call")
        for channel in channels:
            await self._asked(self._end(channel))

    async def transfer(self, call_id: str, extension: str, to: str, *, attended: bool) -> None:
        """Hand the call from the extension to another extension or a number in E.164.

        Raises:
            NotFound: no such call. Invalid: field `to`, the dialplan has no such number. Unavailable: it was not done,
            or an attended one did not begin.
        """
        exten = dialled(to, self._tracker.numbering.region, self._dialling.form) if to.startswith("+") else to
        channel = self._tracker.live_channel(call_id, extension) if attended else self._tracker.outside_channel(call_id)
        if channel is None:
            raise NotFound("no such call")
        # A caller who is sent where nothing is would be cut off.
        if not await self._asked(self._control.may_dial(self._dialling.context, exten)):
            raise Invalid("to", "the telephone system knows no such extension")
        if not attended:
            await self._asked(self._control.redirect(channel, self._dialling.context, exten))
            return
        began = self._when(lambda: self._tracker.has_let_go(call_id, extension))
        await self._asked(self._control.attended(channel, exten, self._dialling.context))
        if not await began:
            raise Unavailable("the telephone system did not begin the transfer: it may allow none on this call")

    async def complete_transfer(self, call_id: str, extension: str) -> None:
        """Connect the party that waits with the one that the extension consults; raises as `transfer` does."""
        await self._asked(self._end(self._consulting(call_id, extension)))

    async def cancel_transfer(self, call_id: str, extension: str) -> None:
        """Take the extension back to the party that waits; raises as `transfer` does."""
        await self._asked(self._control.cancel_attended(self._consulting(call_id, extension)))

    def look(self) -> None:
        """Whether what is `expected` has come; to be called after each message, for nothing when that is empty."""
        for came, truth in self.expected.items():
            if not came.done() and truth():
                came.set_result(True)

    def _consulting(self, call_id: str, extension: str) -> str:
        """The channel by which the extension consults somebody."""
        channel = self._tracker.consulting_channel(call_id, extension)
        if channel is None:
            raise Unavailable("nobody is being asked about this call any more")
        return channel

    def _when(self, truth: Callable[[], bool]) -> Awaitable[bool]:
        """Watch for it from now on, whatever comes meanwhile; awaiting gives whether it came soon enough."""
        came: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.expected[came] = truth

        async def wait() -> bool:
            try:
                async with asyncio.timeout(BEGINS_WITHIN):
                    return await came
            except TimeoutError:
                return False
            finally:
                self.expected.pop(came, None)

        return wait()

    async def _end(self, channel: str) -> None:
        """One that is gone by now is what was asked for: the first channel of a call to end takes others along."""
        try:
            await self._control.hang_up(channel)
        except ActionRefused as refusal:
            if "no such channel" not in str(refusal).lower():
                raise

    async def _asked(self, action: Awaitable[Answer]) -> Answer:
        try:
            return await action
        except OutcomeUnknown as error:
            raise Unavailable("the telephone system did not answer; the call shows what came of it") from error
        except AmiError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: AmiError) -> Unavailable:
        """In a rep's words; what an operator has to put right is logged."""
        if isinstance(error, NotConnected):
            return Unavailable("the telephone system is not connected")
        if isinstance(error, ActionRefused):
            remedy = "the account needs write = call,originate" if "permission" in str(error).lower() else None
            log.warning("pbx refused", pbx=self.name, reason=str(error), remedy=remedy)
            return Unavailable("the telephone system refused this; the log says why")
        log.warning("pbx not asked", pbx=self.name, reason=str(error))
        return Unavailable("the telephone system can't do this")
