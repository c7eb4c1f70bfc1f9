"""Brings the translations in line with the texts in the code: `python -m tools.messages`.

New texts come into each .po untranslated, those that are gone leave it; a test says what is still to be translated.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).parent.parent / "zeoncrm"
LOCALE = PACKAGE / "locale"
# Besides gettext's own functions: marked values, and the refusals that reach people.
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "N_": None,
    "NotFound": None,
    "Forbidden": None,
    "Unavailable": None,
    "TooMany": None,
    "Invalid": (2,),
    "Problem": (2,),
}


def extracted() -> Catalog:
    """Every text that people may read, as it stands in the code."""
    with (LOCALE / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    catalog = Catalog()
    for _, _, message, comments, context in extract_from_dir(str(PACKAGE), methods, options, keywords=KEYWORDS):
        catalog.add(message, auto_comments=comments, context=context)
    return catalog


def catalogs() -> list[Path]:
    """The translations that there are."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))


def read(path: Path) -> Catalog:
    """A translation as it is in its file."""
    with path.open("rb") as source:
        return read_po(source, locale=path.parent.parent.name)


def main() -> None:
    """Update each translation."""
    texts = extracted()
    for path in catalogs():
        catalog = read(path)
        head, _, _ = path.read_text(encoding="utf-8").partition("\n\n")
        catalog.update(texts, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        written = io.BytesIO()
        write_po(written, catalog, width=110, no_location=True, sort_output=True)
        # The head stays as it was: what Babel would put there are dates and gaps to fill in.
        _, _, entries = written.getvalue().decode().partition("\n\n")
        path.write_text(f"{head}\n\n{entries}", encoding="utf-8")
        missing = [message.id for message in catalog if message.id and not message.string]
        print(f"{path}: {len(catalog)} texts, {len(missing)} to translate")


if __name__ == "__main__":
    main()
