"""Answers whose meaning hangs on whom or what SES names in its words.

SES facts: "Email address is not verified. The following identities failed the check in region
EU-WEST-1: a@b, Name <c@d>" names senders of ours or, in the sandbox, recipients; the list may be
cut off with "..." (SES Developer Guide, troubleshoot-error-messages). A denial names the ARN of
the identity or configuration set (SES Developer Guide, control-user-access).

Errors: none. Where SES names nobody we know, the smallest thing that is safe to hold is held.
"""

import re
from collections.abc import Container

from relay.delivery import replies
from relay.delivery.answer import Answer, Sending
from relay.model.outcome import Cause, Deferred, Failed, ScopeKind

_ADDRESS = re.compile(r"[^\s<>,;:'\"]+@[^\s<>,;:'\"]+")
_RESOURCE = re.compile(
    r"arn:aws[\w-]*:ses:[\w-]*:\d*:(identity|configuration-set)/([^\s'\"`,;]+)", re.IGNORECASE
)


def unverified(answer: Answer, sending: Sending, verified: Container[str]) -> Failed | Deferred:
    """Tell a sandbox recipient from a sender who never was verified and from one who was.

    `verified` holds the keys of the addresses that this route has sent for before.
    """
    names = _addresses(answer.words)
    message = sending.message
    senders = [a for a in (message.source, *message.authors) if str(a).lower() in names]
    if names and not senders:
        strangers = frozenset(a for a in sending.request.recipients if str(a).lower() in names)
        # Nobody of the envelope either: an address in the header (Sender), this message's affair.
        return answer.failed(
            replies.UNVERIFIED_RECIPIENT if strangers else replies.UNVERIFIED_SENDER,
            strangers or None,
        )
    for sender in senders or [message.source]:
        if sender.key in verified:
            scope = sending.identity(sender.key) or sending.scope(ScopeKind.IDENTITY)
            return answer.deferred(Cause.IDENTITY, scope, replies.SETUP)
    return answer.failed(replies.UNVERIFIED_SENDER)


def bad_address(answer: Answer, sending: Sending) -> Failed | Deferred:
    """Find the address that SES cannot read: one bad recipient refuses the whole request."""
    names = _addresses(answer.words)
    message = sending.message
    recipients = sending.request.recipients
    refused = frozenset(a for a in recipients if str(a).lower() in names)
    if refused:
        return answer.failed(replies.BAD_RECIPIENT, refused)
    if any(str(a).lower() in names for a in (message.source, *message.authors)):
        return answer.failed(replies.BAD_SENDER)
    if len(recipients) == 1:
        return answer.failed(replies.BAD_RECIPIENT, frozenset(recipients))
    scope = sending.scope(ScopeKind.MESSAGE)
    return answer.deferred(Cause.UNNAMED_RECIPIENT, scope, replies.UNNAMED)


def denied(answer: Answer, sending: Sending) -> Deferred:
    """Hold what we may not use: the identity or configuration set named, else the route.

    An identity that has nothing to do with our sender is a recipient's (IAM checks recipients
    who are identities of the account, too), and concerns this message alone.
    """
    found = _RESOURCE.search(answer.words)
    if found is None or found[2].startswith("*"):
        scope = sending.scope(ScopeKind.ROUTE)
    elif found[1].lower() == "configuration-set":
        scope = sending.scope(ScopeKind.CONFIGURATION_SET)
    else:
        scope = sending.identity(found[2].rstrip(".")) or sending.scope(ScopeKind.MESSAGE)
    return answer.deferred(Cause.PERMISSION, scope, replies.SETUP)


def _addresses(words: str) -> frozenset[str]:
    """Read the addresses out of SES's words, lower case, the full stop of a sentence removed."""
    return frozenset(found.rstrip(".").lower() for found in _ADDRESS.findall(words))
