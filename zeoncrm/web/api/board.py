"""Pipelines and the board."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zeoncrm.pipeline.board import CARDS, BoardFilter, Column, load_board
from zeoncrm.pipeline.stages import list_pipelines
from zeoncrm.web.api.deals import BAD_CURSOR, WRONG
from zeoncrm.web.api.endpoint import Ask, Endpoint
from zeoncrm.web.api.owners import owner_wanted
from zeoncrm.web.api.schemas import (
    BoardOut,
    ColumnOut,
    PipelineOut,
    PipelinePage,
    StageOut,
    TotalOut,
    deal_out,
    total_values,
)
from zeoncrm.web.inputs import Input, Limit, RowId, Text


class BoardQuery(Input):
    """With `stage_id` that column alone, from `cursor` on. `owner`: a login, or `-` for nobody's."""

    stage_id: RowId | None = None
    cursor: Text | None = None
    limit: Limit = CARDS
    owner: Text | None = None
    q: Annotated[Text, Field(max_length=200)] | None = None


async def list_all_pipelines(ask: Ask[None, None]) -> PipelinePage:
    """Every pipeline."""
    pipelines = await list_pipelines(ask.services.database)
    return PipelinePage(items=[PipelineOut.model_validate(pipeline) for pipeline in pipelines])


async def read_board(ask: Ask[BoardQuery, None]) -> BoardOut | ColumnOut:
    """The board, or one column of it."""
    query, currency = ask.query, ask.services.settings().currency
    board = await load_board(
        ask.services.database,
        ask.viewer,
        ask.row_id("pipeline_id"),
        BoardFilter(owner_wanted(ask, query.owner), query.q),
        stage_id=query.stage_id,
        cursor=query.cursor,
        limit=query.limit,
    )
    columns = [_column_out(column, currency) for column in board.columns]
    if query.stage_id is not None:
        return columns[0]
    return BoardOut(
        pipeline=PipelineOut.model_validate(board.pipeline),
        columns=columns,
        open=TotalOut(**total_values(board.open_total, currency)),
    )


def _column_out(column: Column, currency: str) -> ColumnOut:
    return ColumnOut(
        **total_values(column.total, currency),
        stage=StageOut.model_validate(column.stage),
        items=[deal_out(deal) for deal in column.cards.items],
        next=column.cards.next,
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/pipelines",
        handle=list_all_pipelines,
        summary="Pipelines with their stages",
        answer=PipelinePage,
    ),
    Endpoint(
        method="GET",
        path="/board/{pipeline_id}",
        handle=read_board,
        summary="The board: columns with count, sum and deals; with `stage_id` a page of one column",
        query=BoardQuery,
        answer=BoardOut,
        other_answer=ColumnOut,
        errors={404: "There is no such pipeline or stage."} | BAD_CURSOR | WRONG,
    ),
)
