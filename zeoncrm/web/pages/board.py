"""The board: whole, a column's next page, and what has changed of it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from zeoncrm.pipeline.board import Board, BoardFilter, load_board, load_changed
from zeoncrm.pipeline.stages import list_pipelines
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import Input, Text, read_query, row_id
from zeoncrm.web.pages.frame import page, part, wants_part

MOST_CHANGED = 100


class BoardQuery(Input):
    """What of the board is wanted. `owner` 0: nobody's; `hot`: one's own hot deals."""

    q: Annotated[Text, Field(max_length=100)] = ""
    owner: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    hot: bool = False


class ColumnQuery(BoardQuery):
    """A column's page."""

    cursor: Text | None = None


class ChangedQuery(BoardQuery):
    """The deals that an open board was told of."""

    ids: Annotated[str, Field(pattern=r"^[0-9]{1,18}(,[0-9]{1,18})*$", max_length=2000)]


async def front(request: web.Request) -> web.Response:
    """Where everybody begins."""
    raise web.HTTPSeeOther("/board")


async def board_page(request: web.Request) -> web.Response:
    """The board of a pipeline, or its columns alone when the filter changes."""
    services, asked = request_services(request), read_query(request, BoardQuery)
    pipeline_id = row_id(request, "pipeline") if "pipeline" in request.match_info else None
    board = await load_board(services.database, viewer(request), pipeline_id, _filter(request, asked))
    if wants_part(request):
        return part(request, "board/part.html", **_context(request, board, asked))
    return page(
        request,
        "board/board.html",
        section="board",
        pipelines=await list_pipelines(services.database),
        people=[row for row in services.directory().rows if row.active],
        **_context(request, board, asked),
    )


async def column_page(request: web.Request) -> web.Response:
    """Some more cards of a column."""
    asked = read_query(request, ColumnQuery)
    board = await load_board(
        request_services(request).database,
        viewer(request),
        row_id(request, "pipeline"),
        _filter(request, asked),
        stage_id=row_id(request, "stage"),
        cursor=asked.cursor,
    )
    return part(request, "board/cards.html", column=board.columns[0], **_context(request, board, asked))


async def changed_part(request: web.Request) -> web.Response:
    """The heads of all columns, and those of the asked-for cards that the board shows now."""
    asked = read_query(request, ChangedQuery)
    board = await load_changed(
        request_services(request).database,
        viewer(request),
        row_id(request, "pipeline"),
        _filter(request, asked),
        [int(each) for each in asked.ids.split(",")][:MOST_CHANGED],
    )
    return part(request, "board/changed.html", **_context(request, board, asked))


def _filter(request: web.Request, asked: BoardQuery) -> BoardFilter:
    owner_id = asked.owner if asked.owner is not None or not asked.hot else viewer(request).id
    return BoardFilter(owner_id, asked.q.strip() or None, "hot" if asked.hot else None)


def _context(request: web.Request, board: Board, asked: BoardQuery) -> dict[str, Any]:
    kept = {"q": asked.q.strip(), "owner": "" if asked.owner is None else asked.owner, "hot": "1" if asked.hot else ""}
    query = urlencode({key: value for key, value in kept.items() if value != ""})
    return {
        "board": board,
        "pipeline": board.pipeline,
        "asked": asked,
        "filtered": bool(query),
        "query_string": f"?{query}" if query else "",
    }
