"""Pipelines and their stages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from zeoncrm.store.database import Transaction
from zeoncrm.store.sql import new_id
from zeoncrm.store.tables import pipelines, stages


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage. `kind`: unsorted, open, won or lost."""

    id: int
    pipeline_id: int
    name: str
    kind: str
    position: int


@dataclass(frozen=True, slots=True)
class PipelineRow:
    """A pipeline with its stages in order."""

    id: int
    name: str
    position: int
    stages: tuple[StageRow, ...]


async def add_pipeline(tx: Transaction, name: str, stage_names: Iterable[tuple[str, str]]) -> int:
    """Add a pipeline with stages, each (name, kind); give its id."""
    position = (await tx.connection.execute(sa.select(sa.func.count()).select_from(pipelines))).scalar_one()
    result = await tx.connection.execute(pipelines.insert().values(name=name, position=position))
    pipeline_id = new_id(result)
    rows = [
        {"pipeline_id": pipeline_id, "name": stage, "kind": kind, "position": index}
        for index, (stage, kind) in enumerate(stage_names)
    ]
    await tx.connection.execute(stages.insert(), rows)
    return pipeline_id


async def all_pipelines(connection: AsyncConnection) -> list[PipelineRow]:
    """Every pipeline in order; the first is the default one."""
    heads = (await connection.execute(pipelines.select().order_by(pipelines.c.position, pipelines.c.id))).all()
    rows = (await connection.execute(stages.select().order_by(stages.c.position, stages.c.id))).all()
    return [
        PipelineRow(
            head.id,
            head.name,
            head.position,
            tuple(
                StageRow(row.id, row.pipeline_id, row.name, row.kind, row.position)
                for row in rows
                if row.pipeline_id == head.id
            ),
        )
        for head in heads
    ]


async def stage(connection: AsyncConnection, stage_id: int) -> StageRow | None:
    """One stage."""
    row = (await connection.execute(stages.select().where(stages.c.id == stage_id))).first()
    return None if row is None else StageRow(row.id, row.pipeline_id, row.name, row.kind, row.position)
