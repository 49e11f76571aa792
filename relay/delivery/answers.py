"""The table from SES's answers to what becomes of the request, and the reading of it.

Every row says which answer it is for and what follows: what is held, or that the message is
refused, and the reply. The first row that fits holds. Codes alone do not tell (`Throttling` is the
rate and the daily quota), nor do words alone: SES quotes header fields and addresses, so that a
message could speak in SES's name. Words therefore count only under the codes that they come with,
and rows whose words stand at the start of the text come before those that search in it.

SES facts: SES API references v1 and v2 (errors of SendRawEmail and SendEmail, CommonErrors);
SES Developer Guide, troubleshoot-error-messages, troubleshoot-smtp, manage-sending-quotas-errors.
Texts that the documentation leaves out are those that users of SES report.
Errors: none. An answer that no row knows is held for an operator, never bounced.
"""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from relay.delivery import named, replies
from relay.delivery.answer import Answer, Sending
from relay.model.outcome import Cause, Outcome, ScopeKind, Unknown
from relay.model.reply import Reply


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the message; hold the thing of that kind which the request depends on."""

    cause: Cause
    kind: ScopeKind
    reply: Reply


@dataclass(frozen=True, slots=True)
class Refuse:
    """The message cannot be sent as it is."""

    reply: Reply


class Named(Enum):
    """What follows depends on whom or what SES names: see `relay.delivery.named`."""

    UNVERIFIED = "a sender of ours, or recipients in the sandbox"
    BAD_ADDRESS = "a recipient, the sender, or nobody"
    RESOURCE = "an identity or a configuration set that we may not use"


@dataclass(frozen=True, slots=True)
class Lost:
    """Something on the way answered for SES, which may have taken the message all the same."""


Verdict = Hold | Refuse | Named | Lost


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of answer: its codes, the words that must be in it, and what follows."""

    codes: frozenset[str]
    words: re.Pattern[str] | None  # None: whatever it says
    verdict: Verdict

    def fits(self, answer: Answer) -> bool:
        """Say if the answer is of this kind."""
        return answer.code in self.codes and (
            self.words is None or self.words.search(answer.words) is not None
        )


def _codes(names: str) -> frozenset[str]:
    return frozenset(names.split())


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_THROTTLED = _codes("Throttling TooManyRequests LimitExceeded ThrottledRequest RequestThrottled")
_REFUSED = _codes("MessageRejected InvalidParameterValue BadRequest")
_PAUSED = _codes("AccountSendingPaused SendingPaused MessageRejected BadRequest")
_NO_SUCH = _codes("ConfigurationSetDoesNotExist NotFound InvalidParameterValue BadRequest")

# A rate refusal holds nothing: the scheduler learns from the cause, the message just waits.
_TOO_FAST = Hold(Cause.RATE, ScopeKind.MESSAGE, replies.RATE)
_SERVICE = Hold(Cause.SERVICE, ScopeKind.MESSAGE, replies.SERVICE)
_ACCOUNT_PAUSED = Hold(Cause.ACCOUNT_PAUSED, ScopeKind.ROUTE, replies.PAUSED)
_NO_CONFIGURATION_SET = Hold(Cause.CONFIGURATION_SET, ScopeKind.CONFIGURATION_SET, replies.SETUP)
_NO_MAIL_FROM_MX = Hold(Cause.IDENTITY, ScopeKind.IDENTITY, replies.SETUP)
_UNCLASSIFIED = Hold(Cause.UNCLASSIFIED, ScopeKind.MESSAGE, replies.UNCLASSIFIED)

TABLE: tuple[Row, ...] = (
    # Throttles: HTTP 400 in v1, 429 in v2; any other one sheds load or limits control calls.
    Row(_THROTTLED, _words(r"sending rate exceeded"), _TOO_FAST),
    Row(
        _THROTTLED,
        _words(r"daily (message|sending) quota"),
        Hold(Cause.QUOTA, ScopeKind.ROUTE, replies.QUOTA),
    ),
    Row(_THROTTLED, None, Hold(Cause.SERVICE, ScopeKind.MESSAGE, replies.BUSY)),
    # What SES says about the message begins the text.
    Row(_REFUSED, _words(r"^email address(es)? (is|are) not verified"), Named.UNVERIFIED),
    Row(
        _REFUSED,
        _words(r"^message (length is more than|is too (long|large))"),
        Refuse(replies.TOO_LARGE),
    ),
    # The relay cuts requests to 50 recipients, so this would be its own fault.
    Row(_REFUSED, _words(r"^recipient count exceeds"), _UNCLASSIFIED),
    Row(_REFUSED, _words(r"^there are non-ascii characters"), Refuse(replies.NON_ASCII)),
    Row(
        _REFUSED,
        _words(
            r"^(missing final '@domain'|missing local name|illegal address|extra route-addr"
            r"|local address (contains|starts|ends)|domain (contains|starts|ends)"
            r"|invalid (email|recipient) address)"
        ),
        Named.BAD_ADDRESS,
    ),
    Row(
        _REFUSED,
        _words(
            r"^(duplicate header|missing (required header|(start|end) boundary|blank line)"
            r"|empty header names|expected '='|(invalid |malformed )?(mime|header)\b"
            r"|message (contains|has)\b|line (is|length)\b)"
        ),
        Refuse(replies.MALFORMED),
    ),
    Row(_REFUSED, _words(r"^illegal filename"), Refuse(replies.ATTACHMENT)),
    # Paused, from the account down; v2 has no exception of its own for set and tenant.
    Row(_PAUSED, _words(r"^sending paused for this account"), _ACCOUNT_PAUSED),
    Row(_codes("AccountSuspended"), None, _ACCOUNT_PAUSED),
    Row(_codes("ConfigurationSetSendingPaused"), None, _NO_CONFIGURATION_SET),
    Row(
        _PAUSED,
        _words(
            r"^(email )?sending\b.*\b(paused|disabled)\b.*\bconfiguration set\b"
            r"|^(the )?configuration set\b.*\b(paused|disabled)\b"
        ),
        _NO_CONFIGURATION_SET,
    ),
    Row(
        _PAUSED,
        _words(
            r"^(email )?sending\b.*\b(paused|disabled)\b.*\btenant\b"
            r"|^(the )?tenant\b.*\b(paused|disabled)\b"
        ),
        Hold(Cause.TENANT_PAUSED, ScopeKind.TENANT, replies.PAUSED),
    ),
    Row(_codes("AccountSendingPaused SendingPaused"), None, _ACCOUNT_PAUSED),
    # Set-up: names that SES does not know, rights, credentials.
    Row(
        _NO_SUCH,
        _words(
            r"^(the )?tenant\b.*(not exist|not found|not associated)"
            r"|^(the )?(identity|configuration set)\b.*\bnot associated with.*\btenant\b"
        ),
        Hold(Cause.TENANT_PAUSED, ScopeKind.TENANT, replies.SETUP),
    ),
    Row(_NO_SUCH, _words(r"^configuration set\b.*(not exist|not found)"), _NO_CONFIGURATION_SET),
    Row(_codes("ConfigurationSetDoesNotExist NotFound"), None, _NO_CONFIGURATION_SET),
    # The custom MAIL FROM domain has no MX record and the identity says: reject then.
    Row(_codes("MailFromDomainNotVerified"), None, _NO_MAIL_FROM_MX),
    Row(_codes("MessageRejected"), _words(r"^mail from domain not verified"), _NO_MAIL_FROM_MX),
    Row(_codes("AccessDenied NotAuthorized UnauthorizedOperation"), None, Named.RESOURCE),
    Row(
        _codes(
            "InvalidClientTokenId InvalidAccessKeyId UnrecognizedClient SignatureDoesNotMatch "
            "InvalidSignature IncompleteSignature ExpiredToken MissingAuthenticationToken "
            "AuthFailure OptInRequired RequestExpired RequestTimeTooSkewed"
        ),
        None,
        Hold(Cause.CREDENTIALS, ScopeKind.ROUTE, replies.CREDENTIALS),
    ),
    # The wording for banned attachments is not documented.
    Row(
        _REFUSED,
        _words(r"\battachment\b|\bfile (name|type|extension)\b"),
        Refuse(replies.ATTACHMENT),
    ),
    Row(_codes("RequestEntityTooLarge"), None, Refuse(replies.TOO_LARGE)),
    Row(
        _codes(
            "InternalFailure InternalServiceError InternalServerError InternalError "
            "ServiceUnavailable RequestTimeout RequestAborted"
        ),
        None,
        _SERVICE,
    ),
    Row(
        _codes(
            "MalformedQueryString MalformedHttpRequest MissingParameter MissingAction "
            "InvalidAction InvalidQueryParameter InvalidParameterCombination ValidationError "
            "Validation Serialization UnknownOperation"
        ),
        None,
        _UNCLASSIFIED,
    ),
)

# What answers by status alone is not SES but a proxy, a load balancer or a login page.
BY_STATUS: Mapping[int, Verdict] = {
    **dict.fromkeys(range(200, 300), Lost()),
    # The gateway lost SES, and SES perhaps had the message: sent again and again, as after any
    # other 5xx, it could arrive each time.
    502: Lost(),
    504: Lost(),
    407: Hold(Cause.NETWORK, ScopeKind.MESSAGE, replies.NETWORK),
    408: _SERVICE,
    413: Refuse(replies.TOO_LARGE),
    429: _TOO_FAST,
}


def judge(answer: Answer, sending: Sending, verified: Container[str]) -> Outcome:
    """Say what becomes of a request that was answered so.

    `verified` holds the keys of the addresses that this route has sent for before.
    """
    verdict = verdict_on(answer)
    match verdict:
        case Hold(cause=cause, kind=kind, reply=reply):
            return answer.deferred(cause, sending.scope(kind), reply)
        case Refuse(reply=reply):
            return answer.failed(reply)
        case Named.UNVERIFIED:
            return named.unverified(answer, sending, verified)
        case Named.BAD_ADDRESS:
            return named.bad_address(answer, sending)
        case Named.RESOURCE:
            return named.denied(answer, sending)
        case Lost():
            return Unknown(reply=replies.LOST_ANSWER, detail=answer.detail)
        case _:
            assert_never(verdict)


def verdict_on(answer: Answer) -> Verdict:
    """Find the row for an answer; any other 5xx is SES's trouble (RFC 9110 §15.6)."""
    if not answer.code and answer.status in BY_STATUS:
        return BY_STATUS[answer.status]
    found = next((row.verdict for row in TABLE if row.fits(answer)), None)
    return found or (_SERVICE if answer.status >= 500 else _UNCLASSIFIED)
