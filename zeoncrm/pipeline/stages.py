"""Pipelines and stages: the default funnel, and where a new deal stands."""

from __future__ import annotations

from enum import StrEnum

from zeoncrm.pipeline.errors import NotFound
from zeoncrm.store import stages as store
from zeoncrm.store.database import Database
from zeoncrm.store.stages import PipelineRow, StageRow


class StageKind(StrEnum):
    """What a stage means for a deal in it."""

    UNSORTED = "unsorted"
    OPEN = "open"
    WON = "won"
    LOST = "lost"

    @property
    def closed(self) -> bool:
        """Whether a deal in such a stage is closed."""
        return self in (StageKind.WON, StageKind.LOST)


# The names are message ids too: shown in the reader's language until somebody renames them.
DEFAULT_PIPELINE = "Sales"
DEFAULT_STAGES = (
    ("Unsorted", StageKind.UNSORTED),
    ("Opportunity", StageKind.OPEN),
    ("Proposal", StageKind.OPEN),
    ("Documents approval", StageKind.OPEN),
    ("Signature and payment", StageKind.OPEN),
    ("Fulfilment", StageKind.OPEN),
    ("Closed won", StageKind.WON),
    ("Closed lost", StageKind.LOST),
)


async def ensure_default_pipeline(database: Database) -> None:
    """Give a new database the default funnel."""
    async with database.write() as tx:
        if not await store.all_pipelines(tx.connection):
            await store.add_pipeline(tx, DEFAULT_PIPELINE, [(name, kind.value) for name, kind in DEFAULT_STAGES])


async def list_pipelines(database: Database) -> list[PipelineRow]:
    """Every pipeline with its stages; the first is the default one."""
    async with database.read() as connection:
        return await store.all_pipelines(connection)


async def get_pipeline(database: Database, pipeline_id: int | None) -> PipelineRow:
    """A pipeline, the default one without an id; raises NotFound."""
    for pipeline in await list_pipelines(database):
        if pipeline_id is None or pipeline.id == pipeline_id:
            return pipeline
    raise NotFound("no such pipeline")


def unsorted_stage(pipeline: PipelineRow) -> StageRow:
    """Where the system puts the deals that it creates."""
    return next((stage for stage in pipeline.stages if stage.kind == StageKind.UNSORTED), pipeline.stages[0])
