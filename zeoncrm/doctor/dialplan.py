"""Whether a click-to-call would find its way through the dialplan, and whether events come."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection

import phonenumbers

from zeoncrm.ami.errors import ActionRefused
from zeoncrm.ami.rights import READ_CALL, WRITE_ORIGINATE, Rights, getvar
from zeoncrm.config import PbxConfig
from zeoncrm.doctor.findings import Finding, note, ok, problem
from zeoncrm.doctor.line import ANSWER, Line
from zeoncrm.doctor.people import few
from zeoncrm.pipeline.numbers import dialled

Say = Callable[[Finding], None]

_CONTEXT = re.compile(r"[A-Za-z0-9_.-]{1,79}")
# A technology that no Asterisk has: the order is taken, fails at once, and an event tells so. Nothing rings.
PROBE = "Zeoncrm/doctor"


async def exists(link: Line, context: str, exten: str) -> bool | None:
    """Whether the dialplan has the extension; None when it does not tell."""
    answer = await getvar(link.action, f"DIALPLAN_EXISTS({context},{exten},1)")
    return {"1": True, "0": False}.get(answer or "")


async def examine_dialplan(
    link: Line, pbx: PbxConfig, extensions: Collection[str], region: str, rights: Rights, say: Say
) -> None:
    """Say whether the context is there, and knows these extensions of people and a number of the region."""
    part, context = f"pbx {pbx.name}", pbx.originate_context
    known = None
    if _CONTEXT.fullmatch(context):
        known = {"1": True, "0": False}.get(await getvar(link.action, f"DIALPLAN_EXISTS({context})") or "")
    else:
        known = False
    if known is False:
        say(problem(part, "originate-context", f"the dialplan has no context {context}: a click could dial nothing"))
    if not known:
        return
    found = [each for each in sorted(extensions) if await exists(link, context, each)]
    if missing := sorted(set(extensions) - set(found)):
        text = f"{context} does not know {few(missing)}: transfers to them fail"
        say(problem(part, "originate-extension", text))
    say(await _way_out(link, pbx, region))
    if found and may_listen(rights):
        say(await _echo(link, part, context, found[0]))


async def _way_out(link: Line, pbx: PbxConfig, region: str) -> Finding:
    """Whether a number of the region, written as a click would dial it, is known to the dialplan."""
    part, context = f"pbx {pbx.name}", pbx.originate_context
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164) if example else "+12015550123"
    written = dialled(number, region, pbx.dial)
    if await exists(link, context, written):
        return ok(part, f"{context} knows a way to numbers such as {written}")
    return note(part, "originate-number", f"{context} knows no way to a number such as {written}")


def may_listen(rights: Rights) -> bool:
    """Whether the account has what the echo takes."""
    return all(rights.has(right) is not False for right in (READ_CALL, WRITE_ORIGINATE))


async def _echo(link: Line, part: str, context: str, exten: str) -> Finding:
    """Order something that must fail, and wait for the event which says that it did."""
    action_id = f"zeoncrm-doctor-{secrets.token_hex(4)}"
    order = {"Action": "Originate", "ActionID": action_id, "Channel": PROBE, "Context": context, "Exten": exten}
    try:
        await link.action({**order, "Priority": "1", "Async": "true", "Timeout": "1000"})
    except ActionRefused as refusal:
        return note(part, "events-untried", f"whether events come can't be tried: Asterisk says {str(refusal)!r}")
    event = await link.heard(lambda each: each.get("ActionID") == action_id, ANSWER)
    link.must_stand()
    if event is None:
        return problem(part, "events-silent", f"no event came within {ANSWER:g} s of one that was asked for")
    return ok(part, "events come")
