"""What a PBX lists beside its channels: asked for on each connection, and again with each snapshot."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from zeoncrm.ami.errors import ActionRefused, OutcomeUnknown
from zeoncrm.ami.link import Listing
from zeoncrm.ami.messages import Message
from zeoncrm.ami.wire import Wire


class Listings:
    """Puts each listing into the stream. A PBX that can't give one is not asked again on the same connection.

    `lack` says what cannot be seen for want of one; None: nothing that is missed. `timeout`: seconds for each.
    """

    def __init__(
        self,
        listings: Sequence[Listing],
        put: Callable[[Message], None],
        clock: Callable[[], datetime],
        timeout: float,
    ) -> None:
        self.lack: str | None = None
        self._listings = listings
        self._put = put
        self._clock = clock
        self._timeout = timeout
        self._refused: set[Listing] = set()

    def begin(self) -> None:
        """On a new connection all are asked for: the account may have got other rights."""
        self._refused.clear()
        self.lack = None

    async def take(self, wire: Wire, on_lack: Callable[[], None]) -> None:
        """Asks for each; `on_lack` is called when `lack` is another."""
        for listing in self._listings:
            if listing in self._refused:
                continue
            try:
                take = partial(self._read, listing, self._clock())
                await wire.request({"Action": listing.action}, timeout=self._timeout, on_list=take)
            except (ActionRefused, OutcomeUnknown) as error:
                if wire.lost is not None:
                    return  # the next wait says so
                self._refused.add(listing)
                if listing.lack is not None:
                    self.lack = f"{listing.lack} ({listing.action}: {error})"
                    on_lack()

    def _read(self, listing: Listing, asked_at: datetime, entries: list[bytes]) -> None:
        self._put(listing.read(entries, asked_at))
