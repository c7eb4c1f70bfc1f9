"""What can go wrong between us and a PBX. Texts are fit to be shown to an operator and never hold a secret."""


class AmiError(Exception):
    """Base of all errors of the PBX side."""


class BadHeader(AmiError):
    """A header was refused before anything was sent: it could have been read as something else by Asterisk."""


class NotConnected(AmiError):
    """The link was not up; nothing was sent."""


class OutcomeUnknown(AmiError):
    """The action was sent, its answer never came. It may have been carried out: never simply send it again."""


class ActionRefused(AmiError):
    """Asterisk answered with an error; the text is Asterisk's."""


class LoginRefused(AmiError):
    """Asterisk knows no such account or takes no such secret; the text is Asterisk's."""


class LinkLost(AmiError):
    """The connection is of no more use; the text says why."""


class EventsStopped(LinkLost):
    """It answers, but its events do not come while calls go on."""


def is_in_use(refusal: ActionRefused) -> bool:
    """Whether a log-in was refused only because the account is logged in already (`allowmultiplelogin = no`)."""
    return "already in use" in str(refusal).lower()
