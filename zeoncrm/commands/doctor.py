"""`zeoncrm doctor`: what works, what does not, and the remedy."""

from __future__ import annotations

import re
from pathlib import Path

from zeoncrm import log
from zeoncrm.config import Config, config_file, load_config
from zeoncrm.doctor.everywhere import Wanted
from zeoncrm.doctor.findings import Finding, State, json_text, show
from zeoncrm.doctor.run import examine
from zeoncrm.pipeline.errors import Invalid

_WANTED = re.compile(r"([0-9]{1,20})(?:@(.+))?")


async def doctor(path: Path | None, *, call: str | None, as_json: bool) -> int:
    """Print each finding as it comes, or all of them as JSON; 1 when one is a problem.

    Raises:
        ConfigError: the configuration can't be used. Invalid: `call` is no extension, or on a PBX that is not named.
    """
    log.configure("error", "console")
    config = load_config(path)
    wanted = None if call is None else _wanted(call, config)
    for pbx in config.pbx:
        pbx.read_secret()
    found: list[Finding] = []

    def say(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            show(finding)

    await examine(config, path or config_file(), wanted, say)
    if as_json:
        print(json_text(found))
    return int(any(each.state is State.PROBLEM for each in found))


def _wanted(call: str, config: Config) -> Wanted:
    match = _WANTED.fullmatch(call)
    if match is None:
        raise Invalid("--call", "not an extension: %(number)s", number=call[:40])
    extension, pbx = match.groups()
    names = [each.name for each in config.pbx]
    if pbx is not None and pbx not in names:
        raise Invalid("--call", f"no [[pbx]] has the name {pbx[:64]}: {', '.join(names) or 'there is none'}")
    return Wanted(extension, pbx)
