"""How a link is, and who is told when that changes."""

import logging
from collections.abc import Callable
from datetime import datetime

from structlog.stdlib import BoundLogger

from zeoncrm.ami.link import LinkState, LinkStatus


class LinkNews:
    """Keeps the status of one link. Each change goes to `on_status`, which must neither block nor raise.

    The log says once that the link went and once that it is back, however often it was tried in between.
    """

    def __init__(
        self, clock: Callable[[], datetime], on_status: Callable[[LinkStatus], None] | None, log: BoundLogger
    ) -> None:
        self.status = LinkStatus(LinkState.CONNECTING, clock(), None)
        # The last time that it was not up, and why; it stays when the link is back.
        self.last_trouble: LinkStatus | None = None
        self._clock = clock
        self._on_status = on_status
        self._log = log
        self._told: tuple[LinkState, str | None] | None = None

    def change(self, state: LinkState, reason: str | None = None) -> None:
        """It is like this now; nobody is told of what was known."""
        before = self.status
        if (state, reason) == (before.state, before.reason):
            return
        self.status = LinkStatus(state, before.since if state is before.state else self._clock(), reason)
        if state in (LinkState.DOWN, LinkState.AUTH_FAILED):
            self.last_trouble = self.status
        self._log_change()
        if self._on_status is not None:
            try:
                self._on_status(self.status)
            except Exception:
                self._log.exception("pbx status not taken")

    def _log_change(self) -> None:
        status = self.status
        told = (status.state, status.reason if status.state is LinkState.UP else None)
        if status.state is LinkState.CONNECTING or told == self._told:
            return
        self._told = told
        level = logging.INFO if told == (LinkState.UP, None) else logging.WARNING
        self._log.log(level, f"pbx {status.state}", reason=status.reason)
