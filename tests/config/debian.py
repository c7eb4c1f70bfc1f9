"""A Debian with the servers that our files are for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.patience import PATIENCE
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

    def try_nginx(self) -> None:
        """nginx must take `site.conf` of the folder."""
        done = self.run(*self._nginx(), "-t")
        assert done.returncode == 0, done.stderr

    @asynccontextmanager
    async def nginx(self) -> AsyncIterator[None]:
        """nginx with `site.conf` of the folder, from when it listens; afterwards it has ended.

        In the foreground: from the background it may be told to stop before it has written its pid file, and may remove
        that of the next one when it ends.
        """
        words = ("chroot", str(self._root), *self._nginx(), "-g", "daemon off;")
        process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
        assert process.stderr is not None
        told = b""
        try:
            async with asyncio.timeout(PATIENCE):
                while b"start worker process" not in told:
                    line = await process.stderr.readline()
                    assert line, told.decode()
                    told += line
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            await process.communicate()

    def _nginx(self) -> tuple[str, ...]:
        folder = self.inside(self.folder)
        names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{name}_temp_path {folder};\n" for name in names)
        (self.folder / "nginx.conf").write_text(
            f"pid {folder}/pid;\nerror_log stderr notice;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{places}include {folder}/site.conf;\n}}\n"
        )
        return "nginx", "-c", f"{folder}/nginx.conf", "-p", folder


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
