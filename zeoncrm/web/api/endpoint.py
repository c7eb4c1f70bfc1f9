"""An address of the API, described once: routes, checks and OpenAPI all come from the description."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel

from zeoncrm.pipeline.people import Viewer
from zeoncrm.web.context import request_services, viewer
from zeoncrm.web.inputs import call_id, read_json, read_query, row_id
from zeoncrm.web.services import Services

PREFIX = "/api/v1"

Query = TypeVar("Query")
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Ask(Generic[Query, Body]):
    """A request with its query and body checked."""

    request: web.Request
    query: Query
    body: Body

    @property
    def services(self) -> Services:
        """What `app` gave."""
        return request_services(self.request)

    @property
    def viewer(self) -> Viewer:
        """Who asks."""
        return viewer(self.request)

    def row_id(self, name: str = "id") -> int:
        """The id of a row in the path; raises NotFound."""
        return row_id(self.request, name)

    def call_id(self) -> str:
        """The id of a call in the path; raises NotFound."""
        return call_id(self.request)


Handle = Callable[[Ask[Any, Any]], Awaitable[BaseModel | web.StreamResponse | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one address below `PREFIX`. `errors`: what it may answer besides 401 and 500, and when.

    `media`: the type of what it answers when that is no JSON.
    """

    method: str
    path: str
    handle: Handle
    summary: str
    answer: type[BaseModel] | None
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: int = 200
    errors: dict[int, str] = field(default_factory=dict)
    # What it answers instead when asked for a part.
    other_answer: type[BaseModel] | None = None
    media: str | None = None
    # The answer as plain text, for programs that read no JSON: it is what they get unless they ask for JSON.
    plain: Callable[[Any], str] | None = None
    # What a 409 carries besides the problem.
    conflict: type[BaseModel] | None = None

    def route(self) -> web.RouteDef:
        """The route that serves it."""

        async def serve(request: web.Request) -> web.StreamResponse:
            query = None if self.query is None else read_query(request, self.query)
            body = None if self.body is None else await read_json(request, self.body)
            answer = await self.handle(Ask(request, query, body))
            if isinstance(answer, web.StreamResponse):
                return answer
            if answer is None:
                return web.Response(status=204)
            if self.plain is not None and not _asks_for_json(request):
                return web.Response(text=self.plain(answer), status=self.status, content_type="text/plain")
            return web.Response(
                body=answer.model_dump_json().encode(), status=self.status, content_type="application/json"
            )

        return web.route(self.method, PREFIX + self.path, serve)


def _asks_for_json(request: web.Request) -> bool:
    wanted = request.query.get("format") or ("json" if "application/json" in request.headers.get("Accept", "") else "")
    return wanted == "json"
