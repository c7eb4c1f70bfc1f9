"""How a leg and a call ended, read from what Asterisk says: pure functions.

The PBX's own words are not to be trusted one by one: a phone that rejects gives NOANSWER with cause 21, a cancelled
one cause 127, 26, 21 or 16, a ringing timeout cause 0.
"""

from __future__ import annotations

from zeoncrm.pipeline.call_events import CallResult, LegOutcome

_BUSY, _REJECTED, _ELSEWHERE = 17, 21, 26
_DECLINED = 603
# No user responding, no answer, subscriber absent, call rejected.
_NOT_BUSY = frozenset({18, 19, 20, 21})
# Normal clearing, no user responding, no answer, subscriber absent from the phone that rang, interworking.
_NOBODY_TOOK_IT = frozenset({0, 16, 18, 19, 31, 127})

_VOICEMAIL = frozenset({"VoiceMail", "MiniVmRecord", "Minivmrecord", "VoiceMailMain"})
# The better-known outcome first: of several devices of one extension it tells for the extension.
_PRECEDENCE = tuple(LegOutcome)


def leg_outcome(
    status: str | None,
    cause: int | None,
    sip: int | None,
    *,
    elsewhere: bool,
    caller_left: bool,
) -> LegOutcome:
    """Why a phone that was called does not talk.

    `status` is the dial's, None when it was not told. `elsewhere`: another one took the call, `caller_left`: the
    caller gave up.
    """
    status = _meant(status, cause)
    if cause == _ELSEWHERE and (elsewhere or not caller_left):
        return LegOutcome.ANSWERED_ELSEWHERE
    if status == "ANSWER" and not (elsewhere or caller_left):
        return LegOutcome.FAILED  # answered, and was gone before it came into the conversation
    if status == "ANSWER" and elsewhere:
        return LegOutcome.ANSWERED_ELSEWHERE
    if status not in {"ANSWER", "CANCEL"}:
        known = _refused(status, cause, sip)
        if known is not None:
            return known
    if caller_left:
        return LegOutcome.CANCELLED
    return LegOutcome.ANSWERED_ELSEWHERE if elsewhere else LegOutcome.NO_ANSWER


def _meant(status: str | None, cause: int | None) -> str | None:
    """chan_sip calls BUSY also who declined or cannot be reached now; the cause tells."""
    return "NOANSWER" if status == "BUSY" and cause in _NOT_BUSY else status


def _refused(status: str | None, cause: int | None, sip: int | None) -> LegOutcome | None:
    if cause == _REJECTED or sip == _DECLINED:
        return LegOutcome.REJECTED
    if status == "BUSY" or cause == _BUSY:
        return LegOutcome.BUSY
    if status == "NOANSWER":
        return LegOutcome.NO_ANSWER
    if status in {"CHANUNAVAIL", "CONGESTION"} or cause not in (_NOBODY_TOOK_IT | {None, _ELSEWHERE}):
        return LegOutcome.FAILED
    return None


def best_known(outcomes: list[LegOutcome]) -> LegOutcome:
    """The outcome of an extension of whose devices each had one of these."""
    return min(outcomes, key=_PRECEDENCE.index)


def outside_result(status: str | None, cause: int | None, *, rang: bool, played: bool = False) -> CallResult:
    """Why an outbound call that was put to the carrier was not answered.

    `rang`: it rang there. `played`: that is only known from sound that was sent, which may have told why it cannot
    ring there.
    """
    status = _meant(status, cause)
    if status == "BUSY" or cause == _BUSY:
        return CallResult.BUSY
    given_up = status in {None, "CALLING", "CANCEL"}
    refused = not given_up and cause not in _NOBODY_TOOK_IT | {None}
    if rang and not (refused and played):
        return CallResult.NO_ANSWER
    if refused:
        return CallResult.FAILED
    if status == "NOANSWER":
        return CallResult.NO_ANSWER
    return CallResult.CANCELLED if given_up else CallResult.FAILED


def originate_result(reason: int | None) -> CallResult:
    """What it means that a click-to-call did not get through to the rep's own phone."""
    return CallResult.CANCELLED if reason in {1, 3, 5} else CallResult.FAILED


def is_voicemail(application: str | None) -> bool:
    """Whether the application records a message."""
    return application in _VOICEMAIL
