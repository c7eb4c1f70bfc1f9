"""Makes the virtual environment that the Makefile works in: locked packages, then zeoncrm itself, editable.

Usage: python3 -m tools.setup_venv FOLDER. Needs Python 3.11 with its venv module; on Debian and Ubuntu that
is a package of its own, which is installed when this runs as root. Standard library only.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from tools import apt

OLDEST = (3, 11)
ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements-dev.lock"


def main(folder: Path) -> None:
    require_python()
    require_ensurepip()
    python = folder / "bin" / "python"
    # An environment whose making was cut short has its Python, and no pip yet.
    if not python.with_name("pip").exists():
        run(sys.executable, "-m", "venv", folder)
    options = ("--disable-pip-version-check", "--quiet", "--no-deps")
    pip: tuple[str | Path, ...] = (python, "-m", "pip", "install", *options)
    print("Installing the locked packages; the first time takes a minute or two.", flush=True)
    run(*pip, "--require-hashes", "--requirement", LOCK)
    # The build requirements are among the locked packages; the build adds the browser's files.
    run(*pip, "--no-build-isolation", "--editable", ROOT)


def require_python() -> None:
    if sys.version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        sys.exit(
            f"Python {wanted} or newer is needed; this is {sys.version.split()[0]}. Try: make PYTHON=python{wanted}"
        )


def require_ensurepip() -> None:
    """A venv gets its pip from ensurepip, which Debian leaves out of its python3 package."""
    if importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not apt.can_install() or not apt.install([package]):
        sys.exit(f"Python's venv module is incomplete here. Add it: sudo apt-get install {package}")


def run(*command: str | Path) -> None:
    print("+", *command, flush=True)
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        sys.exit(f"That failed with exit code {code}; its own message stands above.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
