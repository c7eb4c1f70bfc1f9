"""The real programs that the tests talk to: what they are, whether they are here, how to add them.

`python -m tools.real_parts` installs what is missing when it runs as root on a machine with apt; otherwise it
names each part that the tests will leave out, and the command that adds it. With ZEONCRM_REQUIRE_REAL=1 a
part that is still missing makes it exit with 1. Standard library only: it runs on any Python.
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools import apt

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
POSTGRES_INITDB = "/usr/lib/postgresql/*/bin/initdb"
# The newest Asterisk is taken from a Debian suite whose signing keys this package brings.
DEBIAN_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class RealPart:
    """One real program; `packages` are Debian's names of what brings it."""

    name: str
    covers: str
    packages: tuple[str, ...]
    command: str
    """What an operator types to add the part."""
    missing: Callable[[], str | None]
    """Why the part cannot be used here, or None when it can."""


def chromium_path() -> str | None:
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def postgres_bin() -> Path | None:
    """The folder of the newest PostgreSQL's server programs."""
    found = [Path(initdb).parent for initdb in glob.glob(POSTGRES_INITDB)]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


def mariadb_server() -> Path | None:
    """MariaDB's server program."""
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


def _no_mariadb() -> str | None:
    return None if mariadb_server() else "no MariaDB server is installed"


def _no_chromium() -> str | None:
    return None if chromium_path() else "chromium is not installed"


def _no_postgres() -> str | None:
    return None if postgres_bin() else "no PostgreSQL server is installed"


def _no_pbx() -> str | None:
    if not shutil.which("debootstrap"):
        return "debootstrap is not installed"
    if not DEBIAN_KEYRING.exists():
        return "debian-archive-keyring is not installed"
    return None if os.geteuid() == 0 else "only root may build and run the test PBX in its chroot"


PARTS = {
    part.name: part
    for part in (
        RealPart(
            name="browser",
            covers="the pages in a real Chromium",
            packages=("chromium",),
            command="sudo apt-get install chromium",
            missing=_no_chromium,
        ),
        RealPart(
            name="postgres",
            covers="the store on PostgreSQL",
            packages=("postgresql",),
            command="sudo apt-get install postgresql",
            missing=_no_postgres,
        ),
        RealPart(
            name="mariadb",
            covers="call records in MariaDB",
            # The program alone: the package that runs it as a service is not wanted on anybody's machine.
            packages=("mariadb-server-core",),
            command="sudo apt-get install mariadb-server-core",
            missing=_no_mariadb,
        ),
        RealPart(
            name="pbx",
            covers="calls through a real Asterisk",
            packages=("debootstrap", "debian-archive-keyring"),
            # Besides its packages it needs root: the PBX is built and run in a chroot.
            command="sudo make test",
            missing=_no_pbx,
        ),
    )
}


def missing_parts() -> dict[RealPart, str]:
    """Each part that cannot be used here, with the reason."""
    return {part: reason for part in PARTS.values() if (reason := part.missing())}


def main() -> int:
    missing = missing_parts()
    if missing and apt.can_install():
        apt.install(package for part in missing for package in part.packages)
        missing = missing_parts()
    for part, reason in missing.items():
        print(f"left out: {part.covers} ({reason}). To add it: {part.command}", flush=True)
    return 1 if missing and os.environ.get("ZEONCRM_REQUIRE_REAL") == "1" else 0


if __name__ == "__main__":
    sys.exit(main())
