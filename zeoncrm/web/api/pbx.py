"""The links to the telephone systems, for admins."""

from __future__ import annotations

from datetime import datetime

from zeoncrm.pipeline.endpoints import EndpointKind, EndpointSign
from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.pbx_desks import PbxDesk
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.schemas import Output
from zeoncrm.web.services import Services


class RightOut(Output):
    """A class that the account needs; `held` is null when that can't be learned."""

    key: str
    held: bool | None
    cost: str


class EndpointOut(Output):
    """A device of the PBX, what it is taken for, and by what that was told."""

    device: str
    kind: EndpointKind
    sign: EndpointSign
    reachable: bool | None


class TroubleOut(Output):
    """The last time that something was amiss, and why."""

    at: datetime
    reason: str | None


class BackfillOut(Output):
    """How the PBX's own records of calls are read; `watermark`: the end of the last call read, `misread`: the last time
    that a record was not understood."""

    source: str
    watermark: datetime | None
    last_run: datetime | None
    problem: str | None
    problem_since: datetime | None
    misread: TroubleOut | None
    made: int
    completed: int


class RecordingsOut(Output):
    """The folder with the PBX's recordings, and why they can't be read."""

    folder: str
    problem: str | None
    since: datetime | None


class PbxOut(Output):
    """A link. Counts are since the daemon started; `quiet`: no event for long though calls go on. `write_timeout` is in
    milliseconds, `clock_ahead` in seconds; null when the PBX does not tell them."""

    name: str
    state: str
    since: datetime
    reason: str | None
    version: str | None
    logins: int
    stalls: int
    trouble: TroubleOut | None
    events_per_second: float
    last_event_at: datetime | None
    quiet: bool
    calls: int
    drift: int
    not_understood: int
    too_long: int
    backfill: BackfillOut | None
    recordings: RecordingsOut | None = None
    rights: list[RightOut]
    write_timeout: int | None
    clock_ahead: float | None
    endpoints: list[EndpointOut]


class PbxPage(Output):
    """Every link, by name."""

    items: list[PbxOut]


async def list_pbx(ask: Ask[None, None]) -> PbxPage:
    """How each link is."""
    ask.viewer.must_administer()
    return PbxPage(items=[_out(ask.services, desk) for _, desk in sorted(ask.services.desks.items())])


async def retry_pbx(ask: Ask[None, None]) -> PbxOut:
    """Connect anew at once."""
    ask.viewer.must_administer()
    desk = ask.services.desks.get(ask.request.match_info["name"])
    if desk is None:
        raise NotFound("there is no such page")
    desk.retry()
    return _out(ask.services, desk)


def _out(services: Services, desk: PbxDesk) -> PbxOut:
    report = PbxOut.model_validate(desk.report(services.now()))
    folder = services.folders().get(report.name)
    return report.model_copy(update={"recordings": folder and RecordingsOut.model_validate(folder)})


ONLY_ADMINS = {403: "Only administrators see this."}

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/pbx",
        handle=list_pbx,
        summary="The links to the telephone systems (administrators)",
        answer=PbxPage,
        errors=ONLY_ADMINS,
    ),
    Endpoint(
        method="POST",
        path="/pbx/{name}/retry",
        handle=retry_pbx,
        summary="Connect anew at once; changed rights count from then on",
        answer=PbxOut,
        status=202,
        errors=ONLY_ADMINS | {404: "There is no such PBX."},
    ),
)
