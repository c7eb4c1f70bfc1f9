"""An attended transfer under way: one of ours lets the caller wait and speaks with somebody else about the call."""

from __future__ import annotations

from collections.abc import Iterable

from zeoncrm.ami.channels import UP, Channel
from zeoncrm.ami.view import View, talks
from zeoncrm.pipeline.call_events import Consult


def consultation(view: View, caller: Channel | None, talking: Iterable[tuple[str, Channel]]) -> Consult | None:
    """The consultation that goes on. `caller`: the outside party's channel; `talking`: our extensions in the call with
    the channels by which they talked with the caller. A call of the phone's own beside this one is none: the PBX does
    not say that the two have to do with one another until the phone joins them."""
    if caller is None or caller.gone or caller.bridge is None:
        return None
    for extension, rep in talking:
        if rep.gone or rep.state != UP or rep.bridge is caller.bridge or not talks(rep):
            continue
        hearing = view.conversation(rep)
        if caller in hearing:
            continue
        # Whom the far end of a Local channel calls; what the rep's own channel was called by is the caller.
        called = [target for channel in hearing if view.is_helper(channel) for target in channel.targets]
        for channel in (*hearing, *called):
            if channel is not rep and not view.is_helper(channel):
                party = view.party(channel)
                other = party.extension or party.number or party.raw
                if other is not None and other != extension:
                    return Consult(extension, other, talking=channel.state == UP)
    return None
