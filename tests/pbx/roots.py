"""Debian chroots with Asterisk, built once into a cache folder outside the repository.

A root is complete when its folder exists: it is built in a temporary folder and renamed at the end. Two runs that
start together do not build twice: the second waits for the lock of the first.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

DEBOOTSTRAP = Path("/usr/sbin/debootstrap")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SCRIPTS = "/usr/share/debootstrap/scripts"


class LabUnavailable(RuntimeError):
    """The lab cannot be had on this machine; the text says why."""


@dataclass(frozen=True)
class Release:
    """A Debian release, which carries this Asterisk version."""

    asterisk: str
    suite: str
    script: str  # debootstrap's own script: an older debootstrap does not know the newest suite by name
    packages: tuple[str, ...]

    @property
    def root(self) -> Path:
        """Where the root is or will be. Another recipe gets another folder."""
        recipe = hashlib.sha256(repr(self).encode()).hexdigest()[:8]
        return cache_folder() / f"asterisk-{self.asterisk}-{recipe}"


# What else an operator runs with files of ours: tried here rather than installed on the machine.
SERVERS = ("nginx", "openssl", "caddy", "docker-compose")

RELEASES = {
    release.asterisk: release
    for release in (
        Release("22", "forky", "sid", ("asterisk", "asterisk-core-sounds-en", *SERVERS)),
        Release("16", "bullseye", "bullseye", ("asterisk", "asterisk-voicemail", "asterisk-core-sounds-en")),
    )
}


def cache_folder() -> Path:
    """Where roots are kept: $ZEONCRM_TEST_CACHE, else ~/.cache/zeoncrm."""
    given = os.environ.get("ZEONCRM_TEST_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "zeoncrm"


def asterisk_root(version: str) -> Path:
    """The root of this Asterisk version, built when it is not there yet. Raises LabUnavailable."""
    release = RELEASES[version]
    root = release.root
    if os.geteuid() != 0:
        raise LabUnavailable("Asterisk runs in a chroot, which needs root")
    if root.exists():
        return root
    if shutil.which("debootstrap") is None:
        raise LabUnavailable("debootstrap is not installed")
    with _lock(root):
        if not root.exists():
            _build(release, root)
    return root


@contextlib.contextmanager
def _lock(root: Path) -> Iterator[None]:
    root.parent.mkdir(parents=True, exist_ok=True)
    with root.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the kernel lets go of it when this process dies
        yield


def _build(release: Release, root: Path) -> None:
    print(f"Building Asterisk {release.asterisk} (Debian {release.suite}) in {root}, once: a minute or two", flush=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{root.name}.", dir=root.parent))
    log = root.with_suffix(".log")
    try:
        with log.open("wb") as output:
            _bootstrap(release, unfinished, output)
            _forbid_services(unfinished)
            _install(release, unfinished, output)
        unfinished.chmod(0o755)
        unfinished.rename(root)
    except (subprocess.CalledProcessError, OSError) as error:
        raise LabUnavailable(f"cannot build Asterisk {release.asterisk}: {error}; see {log}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _bootstrap(release: Release, root: Path, log: IO[bytes]) -> None:
    mirror = os.environ.get("ZEONCRM_TEST_MIRROR") or _default_mirror()
    words = [release.suite, str(root), mirror, f"{SCRIPTS}/{release.script}"]
    try:
        _run(["debootstrap", "--variant=minbase", f"--keyring={KEYRING}", *words], log)
    except subprocess.CalledProcessError:
        # An older keyring lacks the newest suite's keys: then it is TLS that says who sent the packages.
        words[2] = mirror.replace("http://", "https://")
        shutil.rmtree(root)
        root.mkdir()
        _run(["debootstrap", "--variant=minbase", "--no-check-gpg", *words], log)


def _default_mirror() -> str:
    """Where debootstrap gets Debian from unless it is told otherwise."""
    named = re.search(r'^DEF_MIRROR="(.+)"$', DEBOOTSTRAP.read_text(), re.MULTILINE)
    if named is None:
        raise LabUnavailable("debootstrap names no mirror: set ZEONCRM_TEST_MIRROR")
    return named[1]


def _install(release: Release, root: Path, log: IO[bytes]) -> None:
    inside = ["chroot", str(root), "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]
    _run([*inside, "apt-get", "install", "-y", "--no-install-recommends", *release.packages], log)
    _run([*inside, "apt-get", "clean"], log)


def _run(command: list[str], log: IO[bytes]) -> None:
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)


def _forbid_services(root: Path) -> None:
    """Let no package start its service: a policy-rc.d that exits 101 refuses every start."""
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
