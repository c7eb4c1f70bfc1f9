"""A Debian with the servers that our files are for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.pbx.instance import new_folder, remove_folder
from tests.pbx.roots import LabUnavailable, asterisk_root
from tests.real import need, require_real

SHIPPED = Path(__file__).parents[2] / "config"


class Debian:
    """`folder` is the test's own in it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self.folder = folder

    def inside(self, path: Path) -> str:
        """How the programs see a file of the folder."""
        return f"/{path.relative_to(self._root)}"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run("chroot", str(self._root), *words)

    def nginx(self, *words: str) -> None:
        """Run nginx with `site.conf` of the folder; it must succeed."""
        folder = self.inside(self.folder)
        names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{name}_temp_path {folder};\n" for name in names)
        (self.folder / "nginx.conf").write_text(
            f"pid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{places}include {folder}/site.conf;\n}}\n"
        )
        done = self.run("nginx", *words, "-c", f"{folder}/nginx.conf", "-p", folder)
        assert done.returncode == 0, done.stderr


@contextmanager
def made_debian() -> Iterator[Debian]:
    """One for a test; it is skipped where there can be none."""
    need("pbx")
    try:
        root = asterisk_root("22")
    except LabUnavailable as error:
        require_real("pbx", str(error))
    folder = new_folder(root)
    try:
        yield Debian(root, folder)
    finally:
        remove_folder(folder)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
