"""What AMI messages say of channels: the same block of headers in each, with a prefix for the second party."""

from __future__ import annotations

import re
from typing import NamedTuple

from zeoncrm.ami.headers import Fields, Lookup, escaped, text

# Asterisk's own limits are 150 for an id and 80 for a name, to which masquerading adds.
_MAX_ID = 200
# Asterisk's states of a channel as they are written: looked up, which is quicker than read.
_STATES: dict[str | None, int] = {str(state): state for state in range(11)}
_NAMES = ("Uniqueid", "Channel", "Linkedid", "ChannelState", "CallerIDNum", "CallerIDName", "Exten")


class Missing(Exception):
    """A header that a message cannot do without."""


class Facts(NamedTuple):
    """What one message says of one channel. `state` is Asterisk's number: 0 down, 4 ring, 5 ringing, 6 up."""

    uniqueid: str
    name: str
    linkedid: str
    state: int | None = None
    number: str | None = None
    caller_name: str | None = None
    exten: str | None = None


def facts_of(headers: Lookup, prefix: str = "") -> Facts:
    """The facts in the headers that begin with the prefix.

    Raises:
        Missing: the channel has no id or no name there, or one that is none.
    """
    facts = facts_or_none(headers, prefix)
    if facts is None:
        raise Missing
    return facts


def facts_or_none(headers: Lookup, prefix: str = "") -> Facts | None:
    """The same; None when there are none."""
    # Asterisk writes the block in one order, which one search finds; another order costs a lookup for each header.
    block = headers.search(_BLOCKS[prefix]) if isinstance(headers, Fields) else None
    if block is not None:
        channel, state, number, caller_name, exten, uniqueid, linkedid = block.groups()
    else:
        values = [headers.get(prefix + name) or "" for name in _NAMES]
        uniqueid, channel, linkedid, state, number, caller_name, exten = values
    linkedid = linkedid or uniqueid
    if not uniqueid or not channel or max(len(uniqueid), len(channel), len(linkedid)) > _MAX_ID:
        return None
    return Facts(uniqueid, channel, linkedid, _STATES.get(state), text(number), escaped(caller_name), text(exten))


def _block(prefix: str) -> re.Pattern[str]:
    # The gaps are bounded: what is damaged must not be searched over and over.
    return re.compile(
        rf"\n{prefix}Channel: (.*)\n{prefix}ChannelState: (.*)\n(?:.*\n){{0,2}}?"
        rf"{prefix}CallerIDNum: (.*)\n{prefix}CallerIDName: (.*)\n(?:.*\n){{0,6}}?"
        rf"{prefix}Exten: (.*)\n(?:.*\n){{0,3}}?{prefix}Uniqueid: (.*)\n{prefix}Linkedid: (.*)\n"
    )


_PREFIXES = (
    "",
    "Dest",
    "Target",
    "Parkee",
    "Transferer",
    "Transferee",
    "OrigTransferer",
    "SecondTransferer",
    "TransferTarget",
)
_BLOCKS = {prefix: _block(prefix) for prefix in _PREFIXES}
