"""The files that hold secrets, and the folders that the config names."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

from zeoncrm.config import Config
from zeoncrm.doctor.findings import Finding, ok, problem

PART = "config"


def file_findings(file: Path | None, config: Config) -> list[Finding]:
    """`file`: the config file; None when the environment gives it all."""
    found = [ok(PART, f"{file or 'the environment'} can be used")]
    if not config.pbx:
        found.append(problem(PART, "pbx-none", "no [[pbx]] is named: there is no telephone"))
    named = [file] if file is not None and _holds_secret(config) else []
    secrets = [*named, *(Path(pbx.secret_file) for pbx in config.pbx if pbx.secret_file is not None)]
    found += [finding for path in secrets for finding in _readers(path)]
    return found + [_recordings(pbx.name, Path(pbx.recordings)) for pbx in config.pbx if pbx.recordings is not None]


def _holds_secret(config: Config) -> bool:
    given = any(pbx.secret_file is None for pbx in config.pbx)
    return given or urlsplit(config.database.url).password is not None


def _recordings(pbx: str, folder: Path) -> Finding:
    part = f"pbx {pbx}"
    try:
        os.listdir(folder)
    except OSError as error:
        return problem(part, "recordings-folder", f"recordings: {folder}: {error.strerror or error}")
    return ok(part, f"recordings: {folder} can be read")


def _readers(path: Path) -> list[Finding]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & stat.S_IROTH:
        return []
    if os.fspath(path).startswith("/run/secrets/"):  # given by the container's engine, to the container alone
        return []
    return [problem(PART, "config-readable", f"{path} holds a secret and can be read by everybody ({mode:04o})")]
