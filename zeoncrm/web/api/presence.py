"""Who is free, and who waits in the queues."""

from __future__ import annotations

from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.schemas import PresenceOut, PresencePage, QueuePage, queue_out


async def list_presence(ask: Ask[None, None]) -> PresencePage:
    """Everybody sees whether a colleague is free, never with whom they talk."""
    return PresencePage(items=[PresenceOut.model_validate(each) for each in ask.services.watch.presence])


async def list_queues(ask: Ask[None, None]) -> QueuePage:
    """Who waits is nobody's yet: a supervisor's to see."""
    ask.viewer.must_supervise()
    return QueuePage(items=[queue_out(queue, ask.services.region) for queue in ask.services.watch.queues])


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/presence",
        handle=list_presence,
        summary="Who is free, rings, talks or is away",
        answer=PresencePage,
    ),
    Endpoint(
        method="GET",
        path="/queues",
        handle=list_queues,
        summary="The queues and who waits in them (supervisors)",
        answer=QueuePage,
        errors={403: "Only supervisors see who waits."},
    ),
)
