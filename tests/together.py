"""Which tests run in one process when the run is spread over several."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling


class SharedTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Tests that share a running PBX or a browser stay together; each of the others goes wherever there is room."""

    def _split_scope(self, nodeid: str) -> str:
        return shared_by(nodeid) or nodeid


def shared_by(nodeid: str) -> str | None:
    """What a test shares with others that is costly to start; None when nothing.

    The scenarios take as long as all other tests on a PBX of that version together, which have another one then.
    """
    if nodeid.startswith("tests/browser/"):
        return "browser"
    version = re.search(r"\b(\d\d(?: \w+)?)\]$", nodeid) if nodeid.startswith("tests/pbx/") else None
    if version is None:
        return None
    return f"asterisk {version[1]}{' scenarios' if 'test_scenarios' in nodeid else ''}"
