"""What answers on the port of a PBX when it is no AMI: an operator who wrote down the wrong one is told which it is."""

from codecs import getincrementaldecoder

from zeoncrm.ami.headers import UNREADABLE

GREETING = b"Asterisk Call Manager/"
# So much of what came first is looked at.
LOOKED_AT = 256

_SPEAKERS = (
    (b"SSH-", "SSH"),
    (b"HTTP/", "a web server"),
    (b"SIP/2.0", "SIP"),
    (b"220", "a mail or FTP server"),
    (b"\x15\x03", "TLS"),
)
_SHOWN = 40


def stranger(first: bytes) -> str | None:
    """Who speaks, judged by the first bytes; None as long as it can be AMI."""
    if first.startswith(GREETING) or GREETING.startswith(first):
        return None
    for beginning, name in _SPEAKERS:
        if first.startswith(beginning):
            return name
    if b"mysql" in first.lower() or b"mariadb" in first.lower():
        return "MySQL"
    # All of it, for what is no text may begin with the end of a line; a letter that is cut at the end is left out.
    shown = getincrementaldecoder("utf-8")("replace").decode(first).strip()
    if not shown or UNREADABLE in shown or not all(each.isprintable() or each.isspace() for each in shown):
        # Not which bytes: they may differ each time, and the log tells again of what has changed.
        return "something that sends no text"
    return f"something that says {shown.splitlines()[0][:_SHOWN]!r}"
