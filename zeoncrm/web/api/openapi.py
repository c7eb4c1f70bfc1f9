"""The API's description, made from what it is served from: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import zeoncrm
from zeoncrm.web.access import public
from zeoncrm.web.api.endpoint import PREFIX, Endpoint

REF = "#/components/schemas/{model}"
ROW_ID = {"type": "integer", "minimum": 1}
ALWAYS = {401: "Nobody is logged in, or the token holds no longer.", 503: "The database does not answer."}
WRITES = {
    400: "The body is not JSON.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not sent as application/json.",
}


class FieldError(BaseModel):
    """A field that is wrong, and why."""

    field: str
    message: str


class ProblemOut(BaseModel):
    """A refusal (RFC 9457). `field` is the first of `errors`."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    errors: list[FieldError] | None = None


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The OpenAPI document of these endpoints and the live socket."""
    schemas = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(PREFIX + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    paths[f"{PREFIX}/live"] = {"get": LIVE}
    paths[f"{PREFIX}/openapi.json"] = {"get": SELF}
    return {
        "openapi": "3.1.0",
        "info": {"title": "zeoncrm", "version": zeoncrm.__version__},
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "zeoncrm"},
            },
        },
    }


def route(endpoints: Sequence[Endpoint]) -> web.RouteDef:
    """The route that serves the document; it tells nothing of anybody."""

    @cache
    def body() -> bytes:
        return json.dumps(describe(endpoints), ensure_ascii=False).encode()

    @public
    async def serve(request: web.Request) -> web.Response:
        return web.Response(body=body(), content_type="application/json")

    return web.get(f"{PREFIX}/openapi.json", serve)


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    sent: set[type[BaseModel]] = {ProblemOut}
    taken: set[type[BaseModel]] = set()
    for endpoint in endpoints:
        sent.update(filter(None, (endpoint.answer, endpoint.other_answer, endpoint.conflict)))
        taken.update(filter(None, (endpoint.body, endpoint.query)))
    by_name = [(model, "serialization") for model in sent] + [(model, "validation") for model in taken]
    _, document = models_json_schema(sorted(by_name, key=lambda each: each[0].__name__), ref_template=REF)  # type: ignore[arg-type]
    found: dict[str, Any] = document["$defs"]
    return found


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": endpoint.handle.__name__ + "_" + endpoint.handle.__module__.rpartition(".")[2],
        "tags": [endpoint.path.split("/")[1]],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint, schemas)],
        "responses": _responses(endpoint),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(endpoint.body)}
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    is_call = endpoint.path.startswith("/calls")
    schemas: dict[str, dict[str, Any]] = {
        "id": {"type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$"} if is_call else ROW_ID,
        "name": {"type": "string"},
    }
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas.get(name, ROW_ID)}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    properties: dict[str, Any] = schemas[endpoint.query.__name__]["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(endpoint.status).phrase}
    if endpoint.answer is not None:
        good["content"] = _content(endpoint.answer, endpoint.other_answer)
        if endpoint.plain is not None:
            good["content"]["text/plain"] = {"schema": {"type": "string"}}
    if endpoint.media is not None:
        good["content"] = {endpoint.media: {}}
    refusals = ALWAYS | ({} if endpoint.body is None else WRITES) | endpoint.errors
    return {str(endpoint.status): good} | {
        str(status): _refusal(words, endpoint if status == HTTPStatus.CONFLICT else None)
        for status, words in sorted(refusals.items())
    }


def _refusal(words: str, conflict: Endpoint | None) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": REF.format(model=ProblemOut.__name__)}
    if conflict is not None and conflict.conflict is not None:
        model = conflict.conflict.__name__
        key = model.removesuffix("Out").lower()
        current = {"type": "object", "properties": {key: {"$ref": REF.format(model=model)}}, "required": [key]}
        schema = {"allOf": [schema, current]}
    return {"description": words, "content": {"application/problem+json": {"schema": schema}}}


def _content(*models: type[BaseModel] | None) -> dict[str, Any]:
    refs = [{"$ref": REF.format(model=model.__name__)} for model in models if model is not None]
    return {"application/json": {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}}


_LIVE_WORDS = """A WebSocket of events, each `{"id": n, "type": "call.rang", ...}` with the thing under `call`, `deal`,
`contact` or `pbx` as it is after the event. The first message is `{"type": "hello", "id": n, "calls": [...]}` with the
calls in progress. `after` resumes behind an event: then the hello says `"resumed": true` and what was missed follows;
when that is no longer kept, `{"type": "resync"}` follows and everything is to be read again. Types: `call.rang`,
`call.answered`, `call.changed`, `call.ended`, `call.dropped`, `deal.created`, `deal.moved`, `deal.changed`,
`deal.gone`, `contact.changed`, `contact.gone`, `note.written`, `recording.ready`, `call_back.changed`,
`presence.changed`, `queue.changed` (supervisors), `pbx.changed`, `people.changed`, `settings.changed`.
Close codes:
1001 the server stops, 1013 the reader is too slow, 4401 the session or token holds no longer, 4403 the person's rights
are others now: connect again."""
LIVE: dict[str, Any] = {
    "summary": "Live events (WebSocket)",
    "description": " ".join(_LIVE_WORDS.split()),
    "operationId": "live",
    "tags": ["live"],
    "parameters": [{"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0}}],
    "responses": {
        "101": {"description": "Switching Protocols"},
        "400": _refusal("This is no WebSocket handshake.", None),
        "401": _refusal(ALWAYS[401], None),
        "403": _refusal("The page is another site's.", None),
    },
}
SELF: dict[str, Any] = {
    "summary": "This document",
    "operationId": "openapi",
    "tags": ["openapi.json"],
    "security": [],
    "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}}},
}
