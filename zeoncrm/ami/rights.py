"""What an AMI account may do. Asterisk never says it outright, but two questions that change nothing tell.

`ListCommands` names the actions that the account may ask for, each with its classes: that is `write`. `Getvar` of
`AST_CONFIG` reads the account's own line in manager.conf: that is `read`, as it was when the account logged in unless
the file has changed since. Both were tried on Asterisk 16 and 22.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from zeoncrm.ami.actions import ActionHeaders, Reply
from zeoncrm.ami.errors import ActionRefused, OutcomeUnknown

Ask = Callable[[ActionHeaders], Awaitable[Reply]]

# A comma or a bracket would change which line of which file is read.
_USERNAME = re.compile(r"[A-Za-z0-9_.@-]+")
_PRIVILEGES = re.compile(r"\(Priv: ([a-z,<>]+)\)\s*\Z")


@dataclass(frozen=True)
class Right:
    """A class that is needed, and what is missed without it."""

    kind: str
    name: str
    cost: str

    @property
    def key(self) -> str:
        """`read = call`, as manager.conf has it."""
        return f"{self.kind} = {self.name}"


READ_CALL = Right("read", "call", "no call is seen: no pop-up, no deal")
WRITE_CALL = Right("write", "call", "no hang-up, no transfer, and no calls in progress after a restart")
WRITE_ORIGINATE = Right("write", "originate", "no click-to-call")

NEEDED = (
    READ_CALL,
    Right("read", "system", "its starts and stops are not heard"),
    Right("read", "agent", "queues are not seen: who waits in them, and who gave up there"),
    Right("read", "cdr", "the PBX's own record of an ended call is not heard"),
    WRITE_CALL,
    WRITE_ORIGINATE,
)


@dataclass(frozen=True)
class Rights:
    """The classes that an account has; None when they can't be learned."""

    read: frozenset[str] | None = None
    write: frozenset[str] | None = None

    def has(self, right: Right) -> bool | None:
        """None: that can't be learned."""
        held = self.read if right.kind == "read" else self.write
        return None if held is None else right.name in held or "all" in held

    def lack(self) -> str | None:
        """What is known to be missing and what that costs, in a line; None when nothing is."""
        missing = [f"{right.key} ({right.cost})" for right in NEEDED if self.has(right) is False]
        return f"the account lacks {'; '.join(missing)}" if missing else None


async def learn_rights(ask: Ask, username: str) -> Rights:
    """Ask what the account may do. What a PBX does not tell stays unknown."""
    return Rights(read=await _readable(ask, username), write=await _writable(ask))


async def own_setting(ask: Ask, username: str, key: str) -> str | None:
    """A value of the account's section in manager.conf, empty when there is none; None when it can't be read."""
    if not _USERNAME.fullmatch(username):
        return None
    return await getvar(ask, f"AST_CONFIG(manager.conf,{username},{key})")


async def getvar(ask: Ask, variable: str) -> str | None:
    """What a function of the dialplan gives, evaluated on no channel; None when the PBX does not tell."""
    reply = await _answered(ask, {"Action": "Getvar", "Variable": variable})
    return None if reply is None else reply.headers.get("Value")


def classes(setting: str) -> frozenset[str]:
    """`system, call` as a set."""
    return frozenset(filter(None, (word.strip().lower() for word in setting.split(","))))


async def _readable(ask: Ask, username: str) -> frozenset[str] | None:
    read = await own_setting(ask, username, "read")
    if read:
        return classes(read)
    # No line `read`, or an account that is not kept in manager.conf? Another line of its own tells.
    kept_there = read is not None and await own_setting(ask, username, "write")
    return frozenset() if kept_there else None


async def _writable(ask: Ask) -> frozenset[str] | None:
    reply = await _answered(ask, {"Action": "ListCommands"})
    if reply is None:
        return None
    found = [match[1].split(",") for value in reply.headers.values() if (match := _PRIVILEGES.search(value))]
    # An action of several classes is open to each of them: only one of a single class tells which the account has.
    # `all` stands behind each, and actions that are open to everybody have `<none>`.
    return frozenset(names[0] for names in found if len(names) == 2) if found else None


async def _answered(ask: Ask, action: ActionHeaders) -> Reply | None:
    try:
        return await ask(action)
    except (ActionRefused, OutcomeUnknown):
        return None
