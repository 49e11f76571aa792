"""Header fields that SES obeys, hides or refuses twice: the lists, and the removal of the first.

Bcc, Resent-Bcc, Return-Path, Bounces-To and every X-SES-* field of a client are removed, folded
lines and obsolete spellings (`Bcc :`) included. A user with `ses_headers` has two of them taken
over as parameters of the request, so that an application written for SES's SMTP interface goes on
working.

SES facts: SES Developer Guide, header-fields (fields allowed once), event-publishing-send-email
(X-SES-CONFIGURATION-SET, X-SES-MESSAGE-TAGS; the first instance wins), SES API reference,
MessageTag (names and values of letters, digits, `_`, `-`, at most 256 characters).
Errors: a malformed field that a user may set is a `Refusal`.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from relay.mail.refusal import Refusal, shown
from relay.model import replies
from relay.model.content import Field
from relay.model.settings import SesHeader

# SES Developer Guide, header-fields: a second instance of these refuses the whole message.
_ONCE_ONLY = """
    Accept-Language acceptLanguage Archived-At Auto-Submitted Bounces-to Comments
    Content-Alternative Content-Base Content-Class Content-Description Content-Disposition
    Content-Duration Content-ID Content-Language Content-Length Content-Location Content-MD5
    Content-Transfer-Encoding Content-Type Date Delivered-To Disposition-Notification-Options
    Disposition-Notification-To DKIM-Signature DomainKey-Signature Errors-To From Importance
    In-Reply-To Keywords List-Archive List-Help List-Id List-Owner List-Post List-Subscribe
    List-Unsubscribe List-Unsubscribe-Post Message-Context Message-ID MIME-Version Organization
    Original-From Original-Message-ID Original-Recipient Original-Subject Precedence Priority
    References Reply-To Return-Path Return-Receipt-To Sender Solicitation Sensitivity Subject
    Thread-Index Thread-Topic User-Agent VBR-Info
"""
ONCE_ONLY: frozenset[bytes] = frozenset(_ONCE_ONLY.lower().encode("ascii").split())

BLIND: frozenset[bytes] = frozenset({b"bcc", b"resent-bcc"})
BOUNCE_ADDRESSES: frozenset[bytes] = frozenset({b"return-path", b"bounces-to"})
SES_PREFIX = b"x-ses-"

_TAG = re.compile(rb"[A-Za-z0-9_-]{1,256}")


def is_hidden(raw: bytes) -> bool:
    """Tell whether a raw line begins a field that nobody behind the relay may see."""
    name = raw.partition(b":")[0].rstrip(b" \t").lower()
    return name in BLIND or name in BOUNCE_ADDRESSES or name.startswith(SES_PREFIX)


@dataclass(frozen=True, slots=True)
class SesParameters:
    """What a client told SES through header fields that its user may set."""

    configuration_set: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


def ses_parameters(
    fields: Iterable[Field], allowed: Collection[SesHeader]
) -> SesParameters | Refusal:
    """Read the X-SES-* fields that the user may set; the first of each counts, as with SES."""
    values: dict[bytes, bytes] = {}
    if allowed:
        for field in fields:
            values.setdefault(field.name, field.value)
    configuration_set: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    for header in allowed:
        value = values.get(header.value.lower().encode("ascii"))
        if value is None:
            continue
        match header:
            case SesHeader.CONFIGURATION_SET:
                if not _TAG.fullmatch(value):
                    return _malformed(header, value)
                configuration_set = value.decode("ascii")
            case SesHeader.MESSAGE_TAGS:
                parsed = parse_tags(value)
                if parsed is None:
                    return _malformed(header, value)
                tags = parsed
    return SesParameters(configuration_set, tags)


def parse_tags(value: bytes) -> tuple[tuple[str, str], ...] | None:
    """Read `name=value, name2=value2`; None when it is anything else or names a tag twice."""
    tags: dict[str, str] = {}
    for item in value.split(b","):
        name, equals, text = (part.strip(b" \t") for part in item.partition(b"="))
        if not (equals and _TAG.fullmatch(name) and _TAG.fullmatch(text)):
            return None
        if name.decode("ascii") in tags:
            return None
        tags[name.decode("ascii")] = text.decode("ascii")
    return tuple(tags.items())


def _malformed(header: SesHeader, value: bytes) -> Refusal:
    return Refusal.of(replies.MALFORMED, f"{header.value} cannot be read: '{shown(value)}'")
