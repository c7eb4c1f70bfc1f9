"""The files in which calls are recorded, for those who may listen."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import quote

from aiohttp import hdrs, web

from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.recording_files import TYPES
from zeoncrm.pipeline.recordings import Access, open_recording
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.inputs import Input

CHUNK = 256 * 1024


class RecordingQuery(Input):
    """`download`: as a copy to keep, rather than to play."""

    download: bool = False


async def read_recording(ask: Ask[RecordingQuery, None]) -> web.StreamResponse:
    """The sound, or the range of it that is asked for."""
    services = ask.services
    access = Access.DOWNLOADED if ask.query.download else Access.PLAYED
    audio = await open_recording(services.database, services.archives, ask.viewer, ask.row_id(), access, services.now())
    if _has_packed_neighbour(audio.file):
        raise NotFound("no such recording")
    name = str(PurePosixPath(audio.row.name).with_suffix(audio.file.suffix))
    headers = {
        hdrs.CONTENT_TYPE: TYPES[audio.file.suffix],
        hdrs.CONTENT_DISPOSITION: _disposition(name, attached=ask.query.download),
    }
    return web.FileResponse(audio.file, chunk_size=CHUNK, headers=headers)


def _disposition(name: str, *, attached: bool) -> str:
    """What the file is called when it is kept: plain letters, and the whole name for those who read RFC 6266."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._+-") else "_" for char in name)
    return f"{'attachment' if attached else 'inline'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _has_packed_neighbour(file: Path) -> bool:
    """aiohttp would send a packed copy that stands beside a file in its place, wherever that leads."""
    return any(file.with_name(file.name + ending).exists() for ending in (".gz", ".br"))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/recordings/{id}",
        handle=read_recording,
        summary="The sound of a recording; a range of it when one is asked for",
        query=RecordingQuery,
        answer=None,
        media="audio/*",
        errors={
            404: "There is no such recording, it is not yours to hear, or its file is gone.",
            416: "There is no such range.",
        },
    ),
)
