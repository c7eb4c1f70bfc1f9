"""What goes wrong, as an answer: a problem document (RFC 9457) for the API, a page for people. Nowhere else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from zeoncrm.pipeline.errors import Forbidden, Invalid, NotFound, Refused, Stale, TooMany, Unavailable
from zeoncrm.store.errors import StoreError, Unsound
from zeoncrm.store.paging import BadCursor
from zeoncrm.web.context import wants_json
from zeoncrm.web.language import told, translate
from zeoncrm.web.rendering import render

RETRY_STORE_AFTER = 5

STATUS: dict[type[Refused], int] = {
    NotFound: 404,
    Forbidden: 403,
    Invalid: 422,
    Stale: 409,
    Unavailable: 409,
    TooMany: 429,
}

log = structlog.get_logger(__name__)


class Problem(Exception):
    """An answer that refuses: its status, words for a person, and the fields that are wrong."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.more = more


@web.middleware
async def errors_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an answer; what nobody foresaw is logged and tells nothing."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400 or error.content_type != "text/plain":
            raise
        return answer(request, _of_http(error))
    except Exception as error:
        return answer(request, _of(request, error))


def answer(request: web.Request, problem: Problem) -> web.Response:
    """The problem in the form that the asker reads."""
    detail = translate(request, problem.detail)
    title = HTTPStatus(problem.status).phrase
    if not wants_json(request):
        page = render(request, "error.html", status=problem.status, title=title, detail=detail, errors=problem.errors)
        page.headers.update(problem.headers)
        return page
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": problem.status, "detail": detail}
    if problem.errors:
        body["field"] = problem.errors[0][0]
        body["errors"] = [{"field": field, "message": translate(request, text)} for field, text in problem.errors]
    return web.Response(
        text=json.dumps(body | problem.more, ensure_ascii=False),
        status=problem.status,
        headers=problem.headers,
        content_type="application/problem+json",
    )


def _of(request: web.Request, error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case Invalid():
            return Problem(422, told(request, error), errors=[(error.field, told(request, error))])
        case TooMany():
            return Problem(429, told(request, error), headers={"Retry-After": str(error.retry_after)})
        case Refused():
            return Problem(STATUS[type(error)], told(request, error))
        case BadCursor():
            return Problem(400, str(error), errors=[("cursor", str(error))])
        case Unsound():
            log.warning("the database refused a value", path=request.path, reason=str(error))
            return Problem(422, "this can't be kept as it is")
        case StoreError() | TimeoutError():
            log.error("the database does not serve", path=request.path, reason=str(error))
            return Problem(
                503,
                "the database does not answer: nothing was changed",
                headers={"Retry-After": str(RETRY_STORE_AFTER)},
            )
    log.error("a request failed", path=request.path, method=request.method, exc_info=error)
    return Problem(500, "something went wrong; it was noted")


def _of_http(error: web.HTTPException) -> Problem:
    kept = {name: error.headers[name] for name in ("Allow", "WWW-Authenticate", "Retry-After") if name in error.headers}
    return Problem(error.status, DETAILS.get(error.status, error.reason), headers=kept)


DETAILS = {
    401: "log in first",
    403: "this is not allowed",
    404: "there is no such page",
    405: "this can't be done here",
    413: "this is too large",
}
