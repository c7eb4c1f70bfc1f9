"""Which form of a script a browser gets."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zeoncrm.web.assets import load_assets

SOURCE = "// Why.\nexport const answer = 40 + 2;\n"


def _static(folder: Path, *, made_of: str) -> Path:
    for name in ("js", "minified"):
        (folder / name).mkdir()
    (folder / "js/answer.js").write_text(SOURCE)
    digest = hashlib.sha256(made_of.encode()).hexdigest()
    (folder / "minified/answer.js").write_text(f"//{digest}\nexport const answer=42;")
    return folder


def test_a_script_is_served_as_the_build_minified_it(tmp_path: Path) -> None:
    files = load_assets(_static(tmp_path, made_of=SOURCE)).files
    assert {name: asset.body for name, asset in files.items()} == {"js/answer.js": b"export const answer=42;"}


def test_a_script_that_was_edited_since_is_served_as_it_is(tmp_path: Path) -> None:
    files = load_assets(_static(tmp_path, made_of="export const answer = 41;")).files
    assert files["js/answer.js"].body == SOURCE.encode()


def test_every_script_of_ours_is_minified_by_the_build() -> None:
    ours = [asset.body for name, asset in load_assets().files.items() if name.startswith("js/")]
    assert len(ours) > 10
    assert all(body.count(b"\n") <= 2 for body in ours)
