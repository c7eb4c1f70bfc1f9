"""Forms of settings pages: shown again with what was typed and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiohttp import web

from zeoncrm.pipeline.errors import Invalid
from zeoncrm.web.language import told


async def typed(request: web.Request, *names: str) -> dict[str, str]:
    """What was typed into these fields of the form; nothing for those that were not sent."""
    form = await request.post()
    return {name: value if isinstance(value := form.get(name, ""), str) else "" for name in names}


def words(text: str, separators: str = r"[\s,;]+") -> Sequence[str]:
    """The parts of a field that takes several values."""
    return [word.strip() for word in re.split(separators, text) if word.strip()]


def messages(request: web.Request, error: Invalid) -> dict[str, str]:
    """What a form shows at the field that was refused."""
    text = told(request, error)
    return {error.field: text[:1].upper() + text[1:]}
