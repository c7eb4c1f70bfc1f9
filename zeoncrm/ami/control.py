"""Click-to-call, hang-up and transfer.

Whatever is given here has been checked by those who call; what could make Asterisk do something else than it was
asked for is refused once more. All methods raise as `AmiConnection.action` does: `NotConnected`, `ActionRefused`,
`OutcomeUnknown` and, for what is refused here, `BadHeader`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Protocol

from zeoncrm.ami.actions import ActionHeaders, Reply
from zeoncrm.ami.errors import BadHeader
from zeoncrm.ami.rights import getvar

_PLACE = "{extension}"
_EXTENSION = re.compile(r"[0-9]{1,20}")
# Letters, `&`, `/`, `@`, `,` and `;` would reach other channels, contexts or arguments than those meant.
_DIALLED = re.compile(r"[0-9*#+]{1,40}")
_CONTEXT = re.compile(r"[A-Za-z0-9_.-]{1,79}")
# A technology and one resource of it: `&` would ring several, a leading `/` is a pattern to Hangup.
_CHANNEL = re.compile(r"[A-Za-z0-9_]+/[^\s&,|\x00-\x1f\x7f]{1,200}")
_CHANNEL_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_VARIABLE = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*")
# Asterisk splits variables at commas, and quotes and brackets change where.
_UNSAFE_VALUE = re.compile(r"[,\"'\\()\[\]{}$]")


class Link(Protocol):
    """What is needed of an `AmiConnection`."""

    async def action(self, headers: ActionHeaders, *, timeout: float = 5) -> Reply: ...


def channel_for(template: str, extension: str) -> str:
    """The channel that rings an extension: `PJSIP/{extension}` and `101` give `PJSIP/101`.

    Raises `BadHeader` when the extension is not made of digits alone, or the template has no place for it.
    """
    if not _EXTENSION.fullmatch(extension):
        raise BadHeader("an extension consists of digits")
    if _PLACE not in template:
        raise BadHeader(f"the channel template lacks {_PLACE}")
    return _checked("Channel", template.replace(_PLACE, extension), _CHANNEL)


class Control:
    """Acts on the calls of one PBX."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def originate(
        self,
        *,
        channel: str,
        exten: str,
        context: str,
        channel_id: str,
        caller_id: str | None,
        variables: Mapping[str, str] = MappingProxyType({}),
        timeout: timedelta = timedelta(seconds=30),
    ) -> None:
        """Rings `channel` for at most `timeout`; once taken, it dials `exten` in `context`.

        Returns when Asterisk has taken the order: how it went comes as an `OriginateResponse` whose ActionID is
        `channel_id` (of a call that failed it tells no channel). The channel gets `channel_id` as its Uniqueid, so
        that it is found again even when the outcome is unknown; the second half of a Local channel gets
        `channel_id` with `;2` behind it. `caller_id` is the number shown on the ringing phone. `variables` are set
        on the channel; `__` before a name lets those inherit it that it calls.
        """
        headers: dict[str, str | tuple[str, ...]] = {
            "Action": "Originate",
            "ActionID": _checked("ChannelId", channel_id, _CHANNEL_ID),
            "Channel": _checked("Channel", channel, _CHANNEL),
            "Exten": _checked("Exten", exten, _DIALLED),
            "Context": _checked("Context", context, _CONTEXT),
            "Priority": "1",
            "Async": "true",
            "Timeout": str(int(timeout.total_seconds() * 1000)),
            "ChannelId": channel_id,
        }
        if channel.startswith("Local/"):
            headers["OtherChannelId"] = f"{channel_id};2"
        if caller_id is not None:
            headers["CallerID"] = _checked("CallerID", caller_id, _DIALLED)
        if variables:
            headers["Variable"] = tuple(_assignment(name, value) for name, value in variables.items())
        await self._link.action(headers)

    async def hang_up(self, channel: str) -> None:
        """Ends a channel, given by its name."""
        await self._link.action({"Action": "Hangup", "Channel": _checked("Channel", channel, _CHANNEL)})

    async def variable(self, channel: str, name: str) -> str | None:
        """The value of a channel's variable, as Asterisk tells it; needs the right to write `call`, none to read."""
        headers = {"Action": "Getvar", "Channel": _checked("Channel", channel, _CHANNEL), "Variable": name}
        return (await self._link.action(headers, timeout=2)).headers.get("Value")

    async def redirect(self, channel: str, context: str, exten: str) -> None:
        """Sends a channel to `exten`, whatever it was doing: a blind transfer when it is the outside party's."""
        await self._link.action(
            {
                "Action": "Redirect",
                "Channel": _checked("Channel", channel, _CHANNEL),
                "Context": _checked("Context", context, _CONTEXT),
                "Exten": _checked("Exten", exten, _DIALLED),
                "Priority": "1",
            }
        )

    async def attended(self, channel: str, exten: str, context: str) -> None:
        """Lets the one at `channel` talk with `exten` first; the transfer is done when they hang up.

        Asterisk presses the transfer's feature code and the digits for them, and says that it has done so whether or
        not the call was dialled with the option that allows transfers (`t`, `T`): what comes of it only events tell.
        """
        await self._link.action(
            {
                "Action": "Atxfer",
                "Channel": _checked("Channel", channel, _CHANNEL),
                "Exten": _checked("Exten", exten, _DIALLED),
                "Context": _checked("Context", context, _CONTEXT),
            }
        )

    async def cancel_attended(self, channel: str) -> None:
        """Takes the one at `channel` back from the consultation to the party that waits. Asterisk 16 and later."""
        await self._link.action({"Action": "CancelAtxfer", "Channel": _checked("Channel", channel, _CHANNEL)})

    async def may_dial(self, context: str, exten: str) -> bool:
        """Whether the dialplan has something for `exten`; true when the PBX does not tell."""
        context, exten = _checked("Context", context, _CONTEXT), _checked("Exten", exten, _DIALLED)
        return await getvar(self._link.action, f"DIALPLAN_EXISTS({context},{exten},1)") != "0"


def _checked(header: str, value: str, allowed: re.Pattern[str]) -> str:
    if not allowed.fullmatch(value):
        raise BadHeader(f"{header} is not allowed: {value[:60]!r}")
    return value


def _assignment(name: str, value: str) -> str:
    if not _VARIABLE.fullmatch(name) or _UNSAFE_VALUE.search(value):
        raise BadHeader(f"Variable is not allowed: {name[:60]!r}")
    return f"{name}={value}"
