"""Logs: structlog, JSON in production, lines for people on a terminal. No secret and no personal number gets out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_KEYS = re.compile(r"secret|password|token|cookie|authorization|csrf", re.IGNORECASE)
# Telephone numbers: seven digits and more in a row, with the usual separators. Times and ids of ours are not strings.
_NUMBER = re.compile(r"(?<![\w.])\+?\d[\d ()-]{5,18}\d(?![\w.])")
_KEPT_KEYS = frozenset({"timestamp", "event", "level", "logger", "since", "call_id", "exception"})


def configure(level: str = "info", form: str = "auto") -> None:
    """Set logging up for the whole process: `form` is auto, json or console."""
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: list[Any] = (
        [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Libraries that tell too much: panoramisk writes actions with their secrets, aiosqlite each statement's values.
    for name in ("panoramisk", "aiosqlite", "sqlalchemy", "alembic", "aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.ERROR)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets and telephone numbers out of an entry."""
    for key, value in event.items():
        if _SECRET_KEYS.search(key):
            event[key] = "[hidden]"
        elif isinstance(value, str) and key not in _KEPT_KEYS:
            event[key] = _NUMBER.sub(_masked, value)
    if isinstance(event.get("event"), str):
        event["event"] = _NUMBER.sub(_masked, event["event"])
    return event


def _masked(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match.group())
    return f"{digits[:2]}…{digits[-2:]}"
