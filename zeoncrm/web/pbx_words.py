"""What the PBX side says of its troubles, in the reader's language.

Its words are English, as in the log, in what the doctor prints and in the operator's guide. A page in another language
says them in that one; what is not known here, words of Asterisk or of a database for instance, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from zeoncrm.web.message_ids import N_

WORDS = (
    # The link (ami/wire.py, ami/stranger.py, ami/connection.py)
    N_("no connection to %(address)s within %(seconds)s s"),
    N_("no connection to %(address)s: %(cause)s"),
    N_("no AMI answers there, but %(speaker)s"),
    N_("no AMI answers there, or it hangs: nothing came for %(seconds)s s"),
    N_("a web server"),
    N_("a mail or FTP server"),
    N_("something that says %(words)s"),
    N_("something that sends no text"),
    N_("connection lost: %(cause)s"),
    N_("closed by the PBX"),
    N_("the PBX was shut down"),
    N_("hung: silent for %(seconds)s s"),
    N_("asked to connect anew"),
    N_("not connected"),
    N_("%(refusal)s: manager.conf says allowmultiplelogin = no"),
    N_("events have stopped while calls go on"),
    N_("no events come while calls go on: may the account read `call`?"),
    N_("calls in progress cannot be seen: may the account write `call`? Status: %(refusal)s"),
    N_("the account lacks %(rights)s"),
    N_("the states of phones are not known: only calls show who is busy"),
    N_("no answer to %(action)s: %(cause)s"),
    N_("the answer to %(action)s does not end"),
    N_("internal error: %(cause)s"),
    # Questions of the dialplan (ami/agi.py)
    N_("a question of the dialplan broke off"),
    N_("a question from an address that is not in agi.networks"),
    N_("too many questions of the dialplan at once"),
    N_("a question of the dialplan does not end"),
    N_("a question of the dialplan is too long"),
    N_("a question of the dialplan breaks off"),
    N_("the dialplan asks for something else than route"),
    N_("the dialplan does not take its answer"),
    N_("the dialplan's channel is gone, or says what can't be read"),
    # Call records (ami/cdr)
    N_("the CRM's own database: %(cause)s"),
    N_("%(count)s columns instead of 16 to 21"),
    N_("no start"),
    N_("no channel"),
    N_("an end that can't be of this start"),
    N_("a time that is none"),
    N_("it holds NUL bytes: no text in UTF-8, but in another encoding, or none"),
    N_("no line of comma-separated values"),
    N_("a name that is not in UTF-8, and can't be read"),
)
# What the system and Asterisk say most often.
FOREIGN = (
    N_("Connection refused"),
    N_("Connection reset by peer"),
    N_("Connection timed out"),
    N_("Network is unreachable"),
    N_("No route to host"),
    N_("Name or service not known"),
    N_("Temporary failure in name resolution"),
    N_("Broken pipe"),
    N_("Permission denied"),
    N_("No such file or directory"),
    N_("Is a directory"),
    N_("Input/output error"),
    N_("Authentication failed"),
)
# What is longer is nothing that we say.
LONGEST = 1000
_PLACE = re.compile(r"%\\\((\w+)\\\)s")
# How words are put together, the most telling first: a list, a matter and its cause, and a word with its meaning.
_JOINED = re.compile(r"(?P<first>.+?)(?P<joint>; )(?P<second>.+)", re.DOTALL)
_CAUSED = re.compile(r"(?P<first>.+?)(?P<joint>: )(?P<second>.+)", re.DOTALL)
_MEANT = re.compile(r"(?P<first>.+?)(?P<joint> \()(?P<second>.+)(?P<end>\))", re.DOTALL)


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(words)), re.DOTALL)


_PATTERNS = {words: _pattern(words) for words in WORDS if "%(" in words}


def in_language(words: str | None, gettext: Callable[[str], str]) -> str:
    """The words as the reader of these translations reads them; empty for none. What they name is left as it is."""
    if not words or len(words) > LONGEST:
        return words or ""
    if (known := gettext(words)) != words:
        return known
    if match := _JOINED.fullmatch(words):
        return _parts(match, gettext)
    for message, pattern in _PATTERNS.items():
        if (match := pattern.fullmatch(words)) and (known := gettext(message)) != message:
            return known % {name: in_language(value, gettext) for name, value in match.groupdict().items()}
    match = _MEANT.fullmatch(words) or _CAUSED.fullmatch(words)
    return words if match is None else _parts(match, gettext)


def _parts(match: re.Match[str], gettext: Callable[[str], str]) -> str:
    found = match.groupdict()
    first, second = (in_language(found[name], gettext) for name in ("first", "second"))
    return f"{first}{found['joint']}{second}{found.get('end', '')}"
