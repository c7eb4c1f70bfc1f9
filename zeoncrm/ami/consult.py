"""An attended transfer under way: one of ours lets the caller wait and speaks with somebody else about the call."""

from __future__ import annotations

from collections.abc import Iterable

from zeoncrm.ami.channels import UP, Channel
from zeoncrm.ami.view import View, talks
from zeoncrm.pipeline.call_events import Consult


def consultation(
    view: View, caller: Channel | None, talking: Iterable[tuple[str, Channel]], before: Consult | None
) -> Consult | None:
    """The consultation that goes on. `caller`: the outside party's channel; `talking`: our extensions in the call with
    the channels by which they talked with the caller; `before`: the one that went on. A call of the phone's own beside
    this one is none: the PBX does not say that the two have to do with one another until the phone joins them."""
    if caller is None or caller.gone or caller.bridge is None:
        return None
    for extension, rep in talking:
        if rep.gone or rep.state != UP or rep.bridge is caller.bridge:
            continue
        hearing = view.conversation(rep)
        if caller in hearing:
            continue
        found = _other(view, extension, rep, hearing, before) if talks(rep) else None
        if found is not None:
            return found
        if before is not None and before.extension == extension:
            return before  # Local channels are being taken out of the way
    return None


def _other(view: View, extension: str, rep: Channel, hearing: list[Channel], before: Consult | None) -> Consult | None:
    """With whom the extension speaks, else whom it calls: of several that ring, the one that was told."""
    found: dict[str, bool] = {}
    for channel in (*hearing, *_called(view, hearing)):
        if channel is not rep and not view.is_helper(channel):
            party = view.party(channel)
            other = party.extension or party.number or party.raw
            if other is not None and other != extension:
                found[other] = found.get(other, False) or channel.state == UP
    if not found:
        return None
    told = before.other if before is not None else None
    other = max(found, key=lambda each: (found[each], each == told))
    return Consult(extension, other, talking=found[other])


def _called(view: View, hearing: list[Channel]) -> list[Channel]:
    """Whom the far ends of Local channels call, perhaps by further ones. What the rep's own channel was called by is
    the caller."""
    helpers = {channel: None for channel in hearing if view.is_helper(channel)}
    pending, called = list(helpers), []
    while pending:
        for target in pending.pop().targets:
            if not view.is_helper(target):
                called.append(target)
                continue
            for near in view.conversation(target):
                if near not in helpers and view.is_helper(near):
                    helpers[near] = None
                    pending.append(near)
    return called
