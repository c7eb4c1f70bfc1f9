"""What may be amiss with an account or its PBX although the link works: found by questions that change nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass

from zeoncrm.ami.errors import ActionRefused, OutcomeUnknown
from zeoncrm.ami.rights import Ask, own_setting

# Asterisk's own, where the account names none; and what is too short for a machine that is busy for a moment.
DEFAULT_WRITE_TIMEOUT, SHORT = 100, 1000
# Seconds by which clocks may differ.
CLOCKS = 10.0


@dataclass(frozen=True, slots=True)
class Condition:
    """`write_timeout`: after how many milliseconds Asterisk cuts a reader that stalls. `clock_ahead`: by how many
    seconds its clock is ahead of ours. None: it did not tell."""

    write_timeout: int | None = None
    clock_ahead: float | None = None

    @property
    def cuts_soon(self) -> bool:
        """Whether a moment's stall costs the link."""
        return self.write_timeout is not None and self.write_timeout < SHORT

    @property
    def clocks_differ(self) -> bool:
        """By more than the way of an answer explains."""
        return self.clock_ahead is not None and abs(self.clock_ahead) > CLOCKS

    @property
    def words(self) -> tuple[str, ...]:
        """What is amiss, for an operator."""
        said = []
        if self.cuts_soon:
            said.append(f"writetimeout is {self.write_timeout} ms: a moment's stall cuts the link")
        if self.clocks_differ and self.clock_ahead is not None:
            said.append(f"its clock is {abs(self.clock_ahead):.0f} s {'ahead' if self.clock_ahead > 0 else 'behind'}")
        return tuple(said)


async def learn_condition(ask: Ask, username: str) -> Condition:
    """Raises `ActionRefused` and `OutcomeUnknown` never: what a PBX does not tell stays unknown."""
    setting = await own_setting(ask, username, "writetimeout")
    timeout = int(setting) if setting and setting.isascii() and setting.isdigit() else DEFAULT_WRITE_TIMEOUT
    return Condition(None if setting is None else timeout, await _clock_ahead(ask))


async def _clock_ahead(ask: Ask) -> float | None:
    sent = time.time()
    try:
        reply = await ask({"Action": "Ping"})
        return float(reply.headers.get("Timestamp", "")) - (sent + time.time()) / 2
    except (ActionRefused, OutcomeUnknown, ValueError):
        return None
