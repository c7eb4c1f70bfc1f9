"""The player of a recording, put where somebody wants to listen."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from zeoncrm.pipeline.call_access import may_listen
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.people import Viewer
from zeoncrm.pipeline.recording_files import is_played
from zeoncrm.pipeline.recordings import get_recording, listeners
from zeoncrm.store.recordings import RecordingRow
from zeoncrm.web.api.schemas import recording_address
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import row_id
from zeoncrm.web.pages.frame import part


def heard(view: CallView, who: Viewer) -> Sequence[RecordingRow]:
    """What the viewer may listen to of a call."""
    return view.recordings if may_listen(view, who) else ()


async def player_part(request: web.Request) -> web.Response:
    """The player, and for those who supervise who has listened."""
    database, who, recording_id = request_services(request).database, viewer(request), row_id(request)
    recording = await get_recording(database, who, recording_id)
    return part(
        request,
        "calls/player.html",
        address=recording_address(recording_id),
        played=is_played(recording.path or recording.name),
        listeners=await listeners(database, who, recording_id),
        tells_listeners=who.sees_all,
    )
