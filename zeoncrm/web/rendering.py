"""Pages from templates: escaped by default, in the reader's language, with no name left undefined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from babel.support import NullTranslations
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zeoncrm.web.context import csrf_token, viewer_or_none
from zeoncrm.web.filters import add_filters
from zeoncrm.web.language import language_of

TEMPLATES = Path(__file__).parent / "templates"
THEME_COOKIE = "theme"
THEMES = ("light", "dark")
ENVIRONMENTS: web.AppKey[Mapping[str, Environment]] = web.AppKey("environments", Mapping)


def make_environments(
    catalogs: Mapping[str, NullTranslations], region: str, static_url: Callable[[str], str]
) -> dict[str, Environment]:
    """An environment for each language; `_` and `{% trans %}` speak it, in imported macros too.

    `static_url` gives the address of a static file. It is a global: macros that need no context are made once.
    """
    environments = {language: _environment(language, catalog, region) for language, catalog in catalogs.items()}
    for environment in environments.values():
        environment.globals["static_url"] = static_url
    return environments


def render(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """A page. Every template has `viewer` (None for a stranger), `csrf_token`, `language`, `theme`, `path`."""
    text = render_text(request, template, status=status, **context)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def render_text(request: web.Request, template: str, **context: Any) -> str:
    """The text of a page, or of a part of one."""
    language = language_of(request)
    common = {
        "viewer": viewer_or_none(request),
        "csrf_token": csrf_token(request),
        "language": language,
        "theme": theme_of(request),
        "path": request.path,
    }
    return request.config_dict[ENVIRONMENTS][language].get_template(template).render(common | context)


def theme_of(request: web.Request) -> str | None:
    """The colours that were chosen in this browser; None: as the system has them."""
    chosen = request.cookies.get(THEME_COOKIE)
    return chosen if chosen in THEMES else None


def _environment(language: str, catalog: NullTranslations, region: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(catalog, newstyle=True)  # type: ignore[attr-defined]
    add_filters(environment, catalog, language, region)
    return environment
