"""The live socket: each browser hears of what concerns its person, in order, as soon as it is committed.

Each client has one bounded queue and one writer. A client that can't keep up is closed, not waited for: it comes
back and asks for what it missed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import Field

from zeoncrm.pipeline.bus import Published
from zeoncrm.pipeline.call_access import audience
from zeoncrm.pipeline.events import Event, PeopleChanged
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store.errors import StoreError
from zeoncrm.web.api.schemas import call_json
from zeoncrm.web.context import viewer
from zeoncrm.web.credentials import Credential, credential_of, person_with
from zeoncrm.web.errors import Problem
from zeoncrm.web.inputs import LARGEST_ID, Input, read_query
from zeoncrm.web.live_messages import FOR_ALL, draft, hears, presence_json, queues_json, text_of
from zeoncrm.web.moments import rfc3339
from zeoncrm.web.security import same_origin
from zeoncrm.web.services import Services

MOST_WAITING = 1_000
HEARTBEAT_SECONDS = 20.0
CLOSE_SECONDS = 2.0
RECHECK_SECONDS = 30.0
# Between two clients when nothing has changed: a full house is looked through without holding anybody up.
PAUSE_SECONDS = 0.05
LOGGED_OUT = 4401
RIGHTS_CHANGED = 4403

log = structlog.get_logger(__name__)


class LiveQuery(Input):
    """`after`: the id of the last event that was heard."""

    after: Annotated[int, Field(ge=0, le=LARGEST_ID)] | None = None


@dataclass(eq=False)
class Client:
    """A socket, who listens at it and with what right."""

    viewer: Viewer
    credential: Credential
    closing: asyncio.Future[int]
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))

    def put(self, message: bytes) -> None:
        """Send the message when its turn comes; a client that is too far behind is closed."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.close(WSCloseCode.TRY_AGAIN_LATER)

    def close(self, code: int) -> None:
        """End the connection with this code; the first one counts."""
        if not self.closing.done():
            self.closing.set_result(code)


class LiveHub:
    """Gives events to the clients that may hear of them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._all_seeing: set[Client] = set()
        self._of_person: dict[int, set[Client]] = {}
        self._recheck = asyncio.Event()
        self._stopped = False

    @property
    def clients(self) -> Sequence[Client]:
        """Everybody who is connected."""
        return [*self._all_seeing, *(client for own in self._of_person.values() for client in own)]

    def join(self, client: Client, after: int | None) -> list[bytes]:
        """Let the client hear of everything from now on; what it has to be sent before that."""
        self._set_of(client.viewer).add(client)
        missed = None if after is None else self._services.bus.after(after)
        if missed is not None and after is not None:
            told = (self._message(published, client.viewer) for published in missed)
            return [self._hello(client.viewer, after, resumed=True), *(message for message in told if message)]
        last = self._services.bus.last_id
        hello = self._hello(client.viewer, last, resumed=False)
        return [hello] if after is None else [hello, b'{"id":%d,"type":"resync"}' % last]

    def leave(self, client: Client) -> None:
        """Forget the client."""
        self._set_of(client.viewer).discard(client)
        if client.viewer.id in self._of_person and not self._of_person[client.viewer.id]:
            del self._of_person[client.viewer.id]

    def publish(self, published: Published) -> None:
        """Queue the event for whom it concerns, made into text once for each view of it."""
        event = published.event
        made: dict[tuple[str, Hashable], bytes] = {}
        for client in self._hearing(event):
            message = draft(event, client.viewer, self._services.region)
            if message is None:
                return
            key = (message.type, message.key)
            if key not in made:
                made[key] = text_of(published, message)
            client.put(made[key])
        if isinstance(event, PeopleChanged):
            self._recheck.set()

    def end_session(self, credential: Credential) -> None:
        """Close what was opened with this session: it was logged out."""
        for client in self.clients:
            if client.credential == credential:
                client.close(LOGGED_OUT)

    def close_all(self) -> None:
        """The server stops."""
        for client in self.clients:
            client.close(WSCloseCode.GOING_AWAY)

    async def run(self) -> None:
        """Look again and again whether everybody may still listen: at once when people change, and now and then.

        Ends by `stop`, not by being cancelled: a query that is under way ends well.
        """
        while not self._stopped:
            await self._changed_within(RECHECK_SECONDS)
            self._recheck.clear()
            for client in self.clients:
                if not self._stopped:
                    await self.check(client)
                    await self._changed_within(PAUSE_SECONDS)

    async def _changed_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._recheck.wait(), seconds)

    def stop(self) -> None:
        """End `run` soon."""
        self._stopped = True
        self._recheck.set()

    async def check(self, client: Client) -> None:
        """Close a client whose session or token holds no longer, or whose rights are others now."""
        try:
            person = await person_with(self._services, client.credential)
        except StoreError as error:
            log.warning("a live client's right could not be looked up", reason=str(error))
            return
        if person is None:
            client.close(LOGGED_OUT)
        elif person.role is not client.viewer.role:
            client.close(RIGHTS_CHANGED)

    def _hearing(self, event: Event) -> Iterable[Client]:
        if isinstance(event, FOR_ALL):
            return self.clients
        own = (client for person_id in event.people for client in self._of_person.get(person_id, ()))
        return [*self._all_seeing, *own]

    def _message(self, published: Published, viewer: Viewer) -> bytes | None:
        message = draft(published.event, viewer, self._services.region) if hears(published.event, viewer) else None
        return None if message is None else text_of(published, message)

    def _hello(self, viewer: Viewer, event_id: int, *, resumed: bool) -> bytes:
        """Where the stream begins, and the state of each PBX; for a fresh one also the calls in progress, how people
        stand, and for supervisors who waits."""
        services, directory = self._services, self._services.directory()
        pbx = {
            name: {"state": status.state, "since": rfc3339(status.since), "reason": status.reason}
            for name, status in services.pbx().items()
        }
        calls = [
            call_json(view, services.region, viewer)
            for view in services.recorder.live()
            if viewer.sees_all or viewer.id in audience(directory, view)
        ]
        head = json.dumps({"id": event_id, "type": "hello", "resumed": resumed, "pbx": pbx}, ensure_ascii=False)
        if resumed:
            return head.encode()
        rest = [f'"calls": [{",".join(calls)}]', f'"presence": {presence_json(services.watch.presence)}']
        if viewer.sees_all:
            rest.append(f'"queues": {queues_json(services.watch.queues, services.region)}')
        return f"{head[:-1]}, {', '.join(rest)}}}".encode()

    def _set_of(self, viewer: Viewer) -> set[Client]:
        return self._all_seeing if viewer.sees_all else self._of_person.setdefault(viewer.id, set())


HUB = web.AppKey("live_hub", LiveHub)


async def hub_context(services: Services, hub: LiveHub) -> AsyncIterator[None]:
    """The hub's life: it listens to the bus while the application runs."""
    unsubscribe = services.bus.subscribe(hub.publish)
    task = asyncio.create_task(hub.run(), name="live hub")
    yield
    unsubscribe()
    hub.stop()
    await task


async def live(request: web.Request) -> web.WebSocketResponse:
    """The socket of one tab."""
    socket = web.WebSocketResponse(
        compress=False, heartbeat=HEARTBEAT_SECONDS, timeout=CLOSE_SECONDS, max_msg_size=4096
    )
    if not same_origin(request):
        raise Problem(403, "this request comes from another site")
    if not socket.can_prepare(request):
        raise Problem(400, "this is a WebSocket")
    after = read_query(request, LiveQuery).after
    await socket.prepare(request)
    hub = request.config_dict[HUB]
    client = Client(viewer(request), credential_of(request), asyncio.get_running_loop().create_future())
    first = hub.join(client, after)
    try:
        # Its rights may have changed between its log-in being looked up and its joining.
        await hub.check(client)
        code = await _talk(socket, client, first)
    finally:
        hub.leave(client)
    await _close(request, socket, code)
    return socket


async def _talk(socket: web.WebSocketResponse, client: Client, first: Sequence[bytes]) -> int:
    """Send and listen until either side has enough; the code to close with."""
    writer = asyncio.create_task(_write(socket, client, first))
    reader = asyncio.create_task(_listen(socket))
    ends: set[asyncio.Future[Any]] = {writer, reader, client.closing}
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        writer.cancel()
        reader.cancel()
        await asyncio.wait({writer, reader})
    return client.closing.result() if client.closing.done() else WSCloseCode.OK


async def _write(socket: web.WebSocketResponse, client: Client, first: Sequence[bytes]) -> None:
    with suppress(ConnectionError):
        for message in first:
            await socket.send_frame(message, WSMsgType.TEXT)
        while True:
            await socket.send_frame(await client.queue.get(), WSMsgType.TEXT)


async def _listen(socket: web.WebSocketResponse) -> None:
    """Browsers have nothing to say; reading is how their going away is noticed."""
    async for _ in socket:
        pass


async def _close(request: web.Request, socket: web.WebSocketResponse, code: int) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(code=code, drain=False)
    except TimeoutError:
        # Its buffers are full of what it does not read.
        if request.transport is not None:
            request.transport.abort()
