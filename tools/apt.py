"""Installs Debian packages where that is ours to do: as root, on a machine with apt. Standard library only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Iterable[str]) -> bool:
    """Install the packages, printing the commands; False when apt could not, whose own message is shown then."""
    return _run("apt-get", "update") and _run("apt-get", "install", "-y", "--no-install-recommends", *packages)


def _run(*command: str) -> bool:
    print("+", *command, flush=True)
    done = subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout)
    return done.returncode == 0
