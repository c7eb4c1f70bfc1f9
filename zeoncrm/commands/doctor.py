"""`zeoncrm doctor`: what works, what does not, and the remedy."""

from __future__ import annotations

import re
from pathlib import Path

from zeoncrm import log
from zeoncrm.config import config_file, load_config
from zeoncrm.doctor.findings import Finding, State, json_text, show
from zeoncrm.doctor.run import examine
from zeoncrm.pipeline.errors import Invalid

_EXTENSION = re.compile(r"[0-9]{1,20}")


async def doctor(path: Path | None, *, call: str | None, as_json: bool) -> int:
    """Print each finding as it comes, or all of them as JSON; 1 when one is a problem.

    Raises:
        ConfigError: the configuration can't be used. Invalid: `call` is no extension.
    """
    log.configure("error", "console")
    if call is not None and not _EXTENSION.fullmatch(call):
        raise Invalid("--call", "not an extension: %(number)s", number=call[:40])
    config = load_config(path)
    for pbx in config.pbx:
        pbx.read_secret()
    found: list[Finding] = []

    def say(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            show(finding)

    await examine(config, path or config_file(), call, say)
    if as_json:
        print(json_text(found))
    return int(any(each.state is State.PROBLEM for each in found))
