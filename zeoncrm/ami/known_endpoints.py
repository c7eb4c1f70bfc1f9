"""The endpoints of one PBX as they are known now.

Asked for before its first calls are looked at, after each later log-in, after a reload, and now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

import structlog

from zeoncrm.ami.actions import Asked
from zeoncrm.ami.endpoints import Evidence, device_used_as_trunk, judged, named_otherwise, phones_of
from zeoncrm.ami.errors import AmiError
from zeoncrm.ami.messages import Message, Reloaded
from zeoncrm.ami.presence import PhoneChanged
from zeoncrm.ami.survey import survey
from zeoncrm.pipeline.endpoints import Endpoint, EndpointKind
from zeoncrm.pipeline.numbering import Numbering

log = structlog.get_logger(__name__)

EVERY_SECONDS = 300.0
# A reload comes in many parts.
SETTLED_SECONDS = 2.0
_MOST_DEVICES = 20_000


class KnownEndpoints:
    """Keeps `endpoints`, and calls `on_change` when the numbering with them is another."""

    def __init__(self, pbx: str, people: Numbering, on_change: Callable[[], None]) -> None:
        self.endpoints: tuple[Endpoint, ...] = ()
        # Once the PBX has told.
        self.told = asyncio.Event()
        self._pbx = pbx
        self._people = people
        self._on_change = on_change
        self._evidence: dict[str, Evidence] = {}
        # Those that are phones by what the PBX says alone, and what numbers their calls may have.
        self._strangers: dict[str, frozenset[str]] = {}
        self._wanted = asyncio.Event()
        # Devices that showed up in between.
        self._asked_for: set[str] = set()
        self._anew = False
        # Learned on this very link.
        self._fresh = False

    @property
    def numbering(self) -> Numbering:
        """The people's, and the phones of the PBX that are nobody's."""
        return replace(
            self._people,
            extensions=self._people.extensions | phones_of(self.endpoints),
            devices=named_otherwise(self.endpoints),
        )

    def renumber(self, people: Numbering) -> None:
        """People changed."""
        self._people = people
        self._judge()

    async def learn(self, pbx: Asked) -> None:
        """Before the first calls are looked at: whose phones they are on decides what they are."""
        self._fresh = False
        if not self.told.is_set() and await self._try(pbx):
            self._fresh = True

    def came_up(self) -> None:
        """The link is up: what is known may be of before it was lost."""
        if not self._fresh:
            self.ask_again()
        self._fresh = False

    def ask_again(self) -> None:
        """What is known holds no longer."""
        self._anew = True
        self._wanted.set()

    def feed(self, message: Message) -> None:
        """Look at a message before anybody else does."""
        if isinstance(message, Reloaded):
            self.ask_again()
        elif isinstance(message, PhoneChanged):
            self._note_device(message.device)
        elif device := device_used_as_trunk(message, self._strangers, self._people.region):
            log.info("an endpoint is a trunk: it carries calls of other numbers", pbx=self._pbx, endpoint=device)
            self._evidence[device] = replace(self._evidence[device], carries_calls=True)
            self._judge()

    async def keep(self, pbx: Asked) -> None:
        """Ask when it is time to, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._wanted.wait()
                    self._wanted.clear()
                    if self.told.is_set():
                        await asyncio.sleep(SETTLED_SECONDS)
            await self._try(pbx)

    async def _try(self, pbx: Asked) -> bool:
        """Ask; whether it was answered."""
        try:
            await self._survey(pbx)
        except AmiError:
            return False  # the link is lost: it asks again when it is back
        except Exception:
            log.exception("pbx endpoints not understood; what was known of them stays", pbx=self._pbx)
            return False
        return True

    def _note_device(self, device: str) -> None:
        """One that was not there before is asked about, once."""
        if device not in self._evidence and device not in self._asked_for and len(self._asked_for) < _MOST_DEVICES:
            self._asked_for.add(device)
            self._wanted.set()

    async def _survey(self, pbx: Asked) -> None:
        anew, self._anew = self._anew, False
        if anew:
            self._asked_for.clear()
        found = await survey(pbx, {} if anew else self._evidence)
        carriers = {device for device, evidence in self._evidence.items() if evidence.carries_calls}
        self._evidence = {
            device: replace(evidence, carries_calls=device in carriers) for device, evidence in found.items()
        }
        self._judge()
        self.told.set()

    def _judge(self) -> None:
        before = self.numbering
        self.endpoints = tuple(judged(each, self._people) for each in self._evidence.values())
        self._strangers = {
            endpoint.device: self._own_numbers(endpoint)
            for endpoint in self.endpoints
            if endpoint.kind is EndpointKind.PHONE and endpoint.extension not in self._people.extensions
        }
        if self.numbering != before:
            self._on_change()

    def _own_numbers(self, endpoint: Endpoint) -> frozenset[str]:
        given = self._evidence[endpoint.device].own_number
        return frozenset({endpoint.name, endpoint.extension, *([given] if given else [])})
