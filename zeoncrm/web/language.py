"""In which language a person reads: their choice, else their browser's, else English."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from babel import negotiate_locale
from babel.support import NullTranslations, Translations

import zeoncrm
from zeoncrm.pipeline.errors import Refused
from zeoncrm.web.context import request_services, viewer_or_none

LOCALE = Path(zeoncrm.__file__).parent / "locale"
CATALOGS: web.AppKey[Mapping[str, NullTranslations]] = web.AppKey("catalogs", Mapping)
FALLBACK = "en"


def load_catalogs(languages: tuple[str, ...]) -> dict[str, NullTranslations]:
    """The translations of each language; English needs no catalog."""
    return {language: Translations.load(str(LOCALE), [language]) for language in {FALLBACK, *languages}}


def language_of(request: web.Request) -> str:
    """The language to answer in."""
    known = request_services(request).languages
    person = viewer_or_none(request)
    if person is not None and person.language in known:
        return person.language or FALLBACK
    return negotiate_locale(_accepted(request), known, sep="-") or FALLBACK


def translations(request: web.Request) -> NullTranslations:
    """The catalog to answer from."""
    return request.config_dict[CATALOGS][language_of(request)]


def translate(request: web.Request, text: str) -> str:
    """The text in the language to answer in."""
    return str(translations(request).gettext(text)) if text else text


def told(request: web.Request, error: Refused) -> str:
    """A refusal in the language to answer in."""
    text = translate(request, error.message)
    return text % error.values if error.values else text


def _accepted(request: web.Request) -> list[str]:
    """The browser's languages, the liked ones first; each `ru-RU` stands for `ru` too."""
    weighed: list[tuple[float, str]] = []
    for part in request.headers.get("Accept-Language", "")[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.strip().lower()))
        except ValueError:
            continue
    tags = [tag for _, tag in sorted(weighed, key=lambda each: each[0]) if tag]
    return [form for tag in tags for form in dict.fromkeys((tag, tag.partition("-")[0]))]
