"""Message ids that stand elsewhere as plain values, where Babel does not see them: named here for the catalogs.

A test holds this list complete.
"""

from __future__ import annotations


def N_(message: str) -> str:
    """Mark a message id for the catalogs."""
    return message


MESSAGE_IDS = (
    # The default pipeline (pipeline/stages.py)
    N_("Sales"),
    N_("Unsorted"),
    N_("Opportunity"),
    N_("Proposal"),
    N_("Documents approval"),
    N_("Signature and payment"),
    N_("Fulfilment"),
    N_("Closed won"),
    N_("Closed lost"),
    # A caller without a number (pipeline/calls_to_deals.py)
    N_("Withheld number"),
    # Answers of the web (web/auth.py, web/errors.py, web/inputs.py, web/pages/call_settings.py)
    N_("the login or the password is wrong"),
    N_("log in first"),
    N_("this is not allowed"),
    N_("there is no such page"),
    N_("this can't be done here"),
    N_("this is too large"),
    N_("this is required"),
    N_("there is no such field"),
    N_("a time needs its zone, as in 2026-03-02T12:00:00Z"),
    N_("this text has characters that can't be kept"),
    N_("this time is out of range"),
    N_("not JSON"),
    N_("not a cursor of this list"),
    N_("a beginning of a number is + and digits"),
    N_("a currency is three letters, as in RUB"),
    N_("there is no such time zone, as Europe/Moscow is one"),
    N_("this can't be set"),
    N_("changed by somebody else meanwhile"),
    # What the lack of a right costs (ami/rights.py)
    N_("no call is seen: no pop-up, no deal"),
    N_("its starts and stops are not heard"),
    N_("queues are not seen: who waits in them, and who gave up there"),
    N_("the PBX's own record of an ended call is not heard"),
    N_("no hang-up, no transfer, and no calls in progress after a restart"),
    N_("no click-to-call"),
)
