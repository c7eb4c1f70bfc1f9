"""The files that hold secrets, and the folders that the config names."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from zeoncrm.config import Config, PbxConfig
from zeoncrm.doctor.findings import Finding, note, ok, problem
from zeoncrm.pipeline.recording_files import unreadable

PART = "config"


def file_findings(file: Path | None, config: Config) -> list[Finding]:
    """`file`: the config file; None when the environment gives it all."""
    found = [ok(PART, f"{file or 'the environment'} can be used")]
    if not config.pbx:
        found.append(problem(PART, "pbx-none", "no [[pbx]] is named: there is no telephone"))
    named = [file] if file is not None and _holds_secret(config) else []
    secrets = [*named, *(Path(pbx.secret_file) for pbx in config.pbx if pbx.secret_file is not None)]
    found += [finding for path in secrets for finding in _readers(path)]
    if os.geteuid() == 0:
        found.append(note(PART, "run-as-root", "doctor runs as root, who may read what the daemon may not"))
    return found + [each for pbx in config.pbx if pbx.recordings for each in _recordings(pbx, Path(pbx.recordings))]


def _holds_secret(config: Config) -> bool:
    given = any(pbx.secret_file is None for pbx in config.pbx)
    return given or urlsplit(config.database.url).password is not None


def _recordings(pbx: PbxConfig, folder: Path) -> list[Finding]:
    part = f"pbx {pbx.name}"
    if reason := unreadable(folder, datetime.now(UTC).date()):
        return [problem(part, "recordings-folder", f"recordings: {reason}")]
    found = [ok(part, f"recordings: {folder} can be read")]
    if pbx.recordings_days and pbx.recordings_delete and not os.access(folder, os.W_OK, effective_ids=True):
        found.append(problem(part, "recordings-delete", f"recordings: old ones can't be deleted in {folder}"))
    return found


def _readers(path: Path) -> list[Finding]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & stat.S_IROTH:
        return []
    if os.fspath(path).startswith("/run/secrets/"):  # given by the container's engine, to the container alone
        return []
    return [problem(PART, "config-readable", f"{path} holds a secret and can be read by everybody ({mode:04o})")]
