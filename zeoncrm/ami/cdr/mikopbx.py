"""MikoPBX's own records, `cdr_general`, put in Asterisk's terms.

A row is written for each leg when all of the call is over. Instead of the application there is, where a caller was
with the PBX, `Queue:NUMBER` or `App:NUMBER` in the place of the second channel; the id is the channel's with a suffix
(https://github.com/mikopbx/Core, `extensions.lua` and `WorkerCdr`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_ID = re.compile(r"((?:.*-)?\d{9,11}\.\d+)(?:_.*)?")
_DISPOSITIONS = {"NOANSWER": "NO ANSWER", "CANCEL": "NO ANSWER", "CHANUNAVAIL": "FAILED"}
_APPS = {"queue": "Queue", "voicemail": "VoiceMail"}


def as_asterisk_writes(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that mean something else, or are not there; by Asterisk's names."""
    peer, called = (str(columns.get(name) or "") for name in ("dstchannel", "dst"))
    is_channel = "/" in peer
    kind, _, place = peer.partition(":")
    app = _APPS.get(kind.lower()) or _APPS.get(called.lower(), "")
    disposition = str(columns.get("disposition") or "")
    made = _ID.fullmatch(str(columns.get("uniqueid") or ""))
    return {
        "dstchannel": peer if is_channel else "",
        "lastapp": "Dial" if is_channel else app,
        "lastdata": place if app == "Queue" else "",
        "disposition": _DISPOSITIONS.get(disposition, disposition),
        "uniqueid": made[1] if made else "",
    }
