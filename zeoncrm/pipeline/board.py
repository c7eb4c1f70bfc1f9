"""The board: a pipeline's columns with their totals and cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.people import Viewer
from zeoncrm.store import deals, stages
from zeoncrm.store.database import Database
from zeoncrm.store.deals import ColumnTotal, DealRow
from zeoncrm.store.paging import Page
from zeoncrm.store.stages import PipelineRow, StageRow

CARDS = 30


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What of a board is looked at. `owner_id` 0: nobody's; it narrows what the viewer may see, never widens it."""

    owner_id: int | None = None
    query: str | None = None
    priority: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A stage with all its deals counted and summed, and a page of them."""

    stage: StageRow
    total: ColumnTotal
    cards: Page[DealRow]


@dataclass(frozen=True, slots=True)
class Board:
    """A pipeline as a viewer sees it."""

    pipeline: PipelineRow
    columns: tuple[Column, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is no deal in it at all."""
        return not any(column.total.deals for column in self.columns)

    @property
    def open_total(self) -> ColumnTotal:
        """The deals that are neither won nor lost."""
        sums: dict[str, Decimal] = {}
        working = [column for column in self.columns if column.stage.kind in ("unsorted", "open")]
        for column in working:
            for currency, amount in column.total.sums.items():
                sums[currency] = sums.get(currency, Decimal(0)) + amount
        return ColumnTotal(sum(column.total.deals for column in working), sums)


async def load_board(
    database: Database,
    viewer: Viewer,
    pipeline_id: int | None,
    wanted: BoardFilter = BoardFilter(),
    *,
    stage_id: int | None = None,
    cursor: str | None = None,
    limit: int = CARDS,
) -> Board:
    """The board, or with `stage_id` only that column, from `cursor` on.

    Raises:
        NotFound: no such pipeline or stage. BadCursor: the cursor is none of this column's.
    """
    async with database.read() as connection:
        pipeline, shown = _chosen(await stages.all_pipelines(connection), pipeline_id, stage_id)
        narrowed = _narrowed(viewer, wanted)
        ids = [stage.id for stage in shown]
        totals = await deals.totals(connection, ids, **narrowed)
        pages = await deals.columns(connection, ids, limit=limit, cursor=cursor, **narrowed)
    columns = [Column(stage, totals[stage.id], pages[stage.id]) for stage in shown]
    return Board(pipeline, tuple(columns))


async def load_changed(
    database: Database, viewer: Viewer, pipeline_id: int, wanted: BoardFilter, deal_ids: Sequence[int]
) -> Board:
    """The board with all its totals, but of its cards only these: what an open board needs after a change.

    Raises:
        NotFound: no such pipeline.
    """
    async with database.read() as connection:
        pipeline, shown = _chosen(await stages.all_pipelines(connection), pipeline_id, None)
        narrowed = _narrowed(viewer, wanted)
        ids = [stage.id for stage in shown]
        totals = await deals.totals(connection, ids, **narrowed)
        cards = await deals.in_stages(connection, ids, deal_ids, **narrowed)
    columns = [
        Column(stage, totals[stage.id], Page([card for card in cards if card.stage_id == stage.id], None))
        for stage in shown
    ]
    return Board(pipeline, tuple(columns))


def _chosen(
    pipelines: Sequence[PipelineRow], pipeline_id: int | None, stage_id: int | None
) -> tuple[PipelineRow, Sequence[StageRow]]:
    pipeline = next((p for p in pipelines if pipeline_id is None or p.id == pipeline_id), None)
    if pipeline is None:
        raise NotFound("no such pipeline")
    shown = [stage for stage in pipeline.stages if stage_id is None or stage.id == stage_id]
    if not shown:
        raise NotFound("no such stage")
    return pipeline, shown


def _narrowed(viewer: Viewer, wanted: BoardFilter) -> dict[str, Any]:
    return {
        "scope": viewer.scope,
        "owner_id": wanted.owner_id,
        "query": wanted.query,
        "priority": wanted.priority,
    }
