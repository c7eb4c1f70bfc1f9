"""`zeoncrm replay`: what the CRM makes of a recorded AMI stream."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import phonenumbers

from zeoncrm.ami.recording import calls_in, read_stream
from zeoncrm.pipeline.errors import Invalid
from zeoncrm.pipeline.events import CallView
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.web.api.schemas import call_json


def replay(file: Path, extensions: str, outside: Sequence[str], devices: Sequence[str], region: str) -> int:
    """Print each call that ended as one line of JSON; raises Invalid for an option, OSError for the file."""
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise Invalid("--region", f"no such country: {region[:20]}")
    numbering = Numbering(
        region=region,
        extensions=read_extensions(extensions),
        outside=dict(_outside(each, region) for each in outside),
        devices=dict(_device(each) for each in devices),
    )
    data = file.read_bytes()
    if b"Event: " not in data:
        print(f"zeoncrm: {file}: no AMI event in it; is it a recorded stream?", file=sys.stderr)
    for call in calls_in(read_stream(data), numbering):
        print(call_json(CallView(call), region))
    return 0


def read_extensions(text: str) -> frozenset[str]:
    """`101,102` or `101-108` or both; raises Invalid."""
    found: set[str] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        if not first.isascii() or not first.isdigit() or (last and not (last.isascii() and last.isdigit())):
            raise Invalid("--extensions", f"not an extension or a range: {part[:40]}")
        numbers = range(int(first), int(last or first) + 1)
        if len(numbers) > 10_000:
            raise Invalid("--extensions", f"too wide a range: {part[:40]}")
        found.update(str(number).zfill(len(first)) for number in numbers)
    return frozenset(found)


def _device(text: str) -> tuple[str, str]:
    extension, _, device = text.partition("=")
    technology, _, name = device.partition("/")
    if not extension.isdigit() or not technology or not name:
        raise Invalid("--device", f"EXTENSION=TECHNOLOGY/NAME is expected: {text[:40]}")
    return device, extension


def _outside(text: str, region: str) -> tuple[str, str]:
    extension, _, raw = text.partition("=")
    number = normalise(raw, region)
    if not extension.isdigit() or number is None:
        raise Invalid("--outside", f"EXTENSION=NUMBER is expected: {text[:40]}")
    return number, extension
