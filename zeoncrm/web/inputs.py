"""What comes in, checked against models: bodies, forms, queries and ids in paths. Every refusal names its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

from aiohttp import web
from aiohttp.http import HttpProcessingError
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
)

from zeoncrm.pipeline.errors import NotFound
from zeoncrm.pipeline.ids import is_call_id
from zeoncrm.store.paging import MAX_LIMIT
from zeoncrm.web.errors import Problem

LARGEST_ID = 2**63 - 1
CSRF_FIELD = "csrf_token"
# Days from the first and before the last are taken: at the edge of the calendar a time that is rounded, or looked at in
# another zone, is none any more.
EARLIEST, END = date(1970, 1, 1), date(9990, 1, 1)
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("this text has characters that can't be kept")
    return text


def in_utc(moment: datetime) -> datetime:
    """The time in UTC; raises ValueError when it is out of range."""
    _in_range(moment.date())
    return moment.astimezone(UTC)


def _in_range(day: date) -> date:
    if not EARLIEST <= day < END:
        raise ValueError("this time is out of range")
    return day


def _plus_restored(value: Any) -> Any:
    """A `+` that was not escaped in an address arrives as a space."""
    return re.sub(r" (\d\d:?\d\d)\Z", r"+\1", value) if isinstance(value, str) else value


def _no_flag(value: Any) -> Any:
    if isinstance(value, bool):  # which Python takes for 0 or 1
        raise ValueError("this is no number")
    return value


def _at_most(value: int) -> int:
    return min(value, MAX_LIMIT)


Text = Annotated[str, AfterValidator(_storable)]
Moment = Annotated[AwareDatetime, BeforeValidator(_plus_restored), AfterValidator(in_utc)]
Day = Annotated[date, AfterValidator(_in_range)]
RowId = Annotated[int, BeforeValidator(_no_flag), Field(ge=1, le=LARGEST_ID)]
# In a body, where JSON has a word for it.
Flag = Annotated[bool, Strict()]
Limit = Annotated[int, Field(ge=1), AfterValidator(_at_most)]


class Input(BaseModel):
    """Base of what people and programs send: an unknown key is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def given(self) -> dict[str, Any]:
        """The keys that were sent, with their values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _without_defaults(schema: dict[str, Any]) -> None:
    """What is not sent is not changed: the values that stand in for it here mean nothing to others."""
    for name, known in schema["properties"].items():
        schema["properties"][name] = {key: value for key, value in known.items() if key != "default"}


class Patch(Input):
    """Base of changes: `given` has what is to be changed."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class PageQuery(Input):
    """Which page of a list; `cursor` is the `next` of the page before, `limit` is 200 at most."""

    limit: Limit = 50
    cursor: Text | None = None


Model = TypeVar("Model", bound=BaseModel)


async def read_json(request: web.Request, model: type[Model]) -> Model:
    """The request's JSON body; raises Problem 400, 415 or 422."""
    if request.content_type != "application/json":
        raise Problem(415, "send the body as application/json")
    body = await request.read()
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _problem(error, "body") from error


async def posted(request: web.Request) -> dict[str, str]:
    """The text fields of a form, the last of each name; raises Problem 400, 415."""
    if request.content_type not in FORMS:
        raise Problem(415, "send the body as a form")
    try:
        form = await request.post()
    except (ValueError, LookupError, AssertionError, HttpProcessingError) as error:
        # No boundary, an unknown charset, bytes that are no text: aiohttp lets them all out.
        raise Problem(400, "the form can't be read") from error
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def read_form(request: web.Request, model: type[Model]) -> Model:
    """The request's form, empty fields counted as not given; raises Problem 400, 415 or 422. The token is left out."""
    fields = {name: value for name, value in (await posted(request)).items() if name != CSRF_FIELD and value != ""}
    return _validated(model, fields)


def read_query(request: web.Request, model: type[Model]) -> Model:
    """The request's query, empty values counted as not given; raises Problem 422."""
    return _validated(model, {key: value for key, value in request.query.items() if value != ""})


def row_id(request: web.Request, name: str = "id") -> int:
    """A number in the path; raises NotFound when no row can have it."""
    text = request.match_info[name]
    if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) or not 1 <= int(text) <= LARGEST_ID:
        raise NotFound("there is no such page")
    return int(text)


def call_id(request: web.Request, name: str = "id") -> str:
    """A call's id in the path; raises NotFound when no call can have it."""
    text = request.match_info[name]
    if not is_call_id(text):
        raise NotFound("no such call")
    return text


def _validated(model: type[Model], fields: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise _problem(error, "query") from error


def _problem(error: ValidationError, whole: str) -> Problem:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(each["type"] == "json_invalid" for each in found):
        return Problem(400, "the body is not JSON", errors=[("body", "not JSON")])
    errors = [(".".join(map(str, each["loc"])) or whole, _words(each["type"], each["msg"])) for each in found]
    return Problem(422, f"{errors[0][0]}: {errors[0][1]}", errors=errors)


def _words(kind: str, message: str) -> str:
    return WORDS.get(kind, message.removeprefix("Value error, "))


WORDS = {
    "missing": "this is required",
    "extra_forbidden": "there is no such field",
    "timezone_aware": "a time needs its zone, as in 2026-03-02T12:00:00Z",
}
