"""One send request, the same for both APIs, and what SES makes of it before judging it.

`Submission` is what the caller asked for. `read` resolves it: parameters win over headers,
X-SES-* headers fill what no parameter gave, recipients and sender come from the headers where
the request names none.

SES facts: SES API reference, SendRawEmail (Source, Destinations, ARNs, groups in headers);
SES Developer Guide, event-publishing-send-email (X-SES-CONFIGURATION-SET, X-SES-MESSAGE-TAGS,
API tags replace header tags), tenants (X-SES-TENANT); the first instance of a repeated
X-SES-* header wins (sending-authorization-delegate-sender-tasks-email).

Errors: none; what cannot be resolved is a `Refusal`.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from . import content as contents
from . import limits, refusal
from .addresses import BadAddress, Mailbox, mailbox, mailboxes
from .content import Content
from .refusal import Refusal

Api = Literal["v1", "v2"]
Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who signed the request, and for which Region."""

    arn: str
    account_id: str
    user_id: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arns:
    """Identities of other accounts the sender may use (sending authorisation)."""

    source: str | None = None
    author: str | None = None
    return_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """SendRawEmail or SendEmail as asked. None is "not given"."""

    api: Api
    raw: bytes = field(repr=False)
    source: str | None = None
    """v1 Source, v2 FromEmailAddress."""
    destinations: tuple[str, ...] | None = None
    feedback_to: str | None = None
    """v2 FeedbackForwardingEmailAddress."""
    configuration_set: str | None = None
    tags: Tags = ()
    tenant: str | None = None
    contact_list: str | None = None
    arns: Arns = Arns()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A readable submission with everything filled in that headers can fill in."""

    api: Api
    content: Content
    sender: Mailbox
    """Where bounces go: the envelope sender."""
    senders: tuple[Mailbox, ...]
    """All who must be verified: From, Source, Sender, Return-Path."""
    authors: tuple[Mailbox, ...]
    recipients: tuple[Mailbox, ...]
    explicit: bool
    """Whether the request named the recipients."""
    configuration_set: str | None
    tags: Tags
    tenant: str | None
    contact_list: str | None
    arns: Arns


_TAG = re.compile(r"[A-Za-z0-9_-]+")
_ADDRESS_HEADERS = ("from", "sender", "reply-to", "return-path", "to", "cc", "bcc")
# SES Developer Guide, troubleshoot-smtp: all of these must be verified.
_VERIFIED = ("source", "feedback", "from", "sender", "return-path")

_Named = dict[str, tuple[Mailbox, ...]]


def read(submission: Submission) -> Resolved | Refusal:
    """Read the message and settle senders, recipients and controls."""
    content = contents.read(submission.raw)
    if isinstance(content, Refusal):
        return content
    if (fault := contents.header_fault(content)) is not None:
        return fault
    named = _named(submission, content)
    if isinstance(named, Refusal):
        return named
    return _resolve(submission, content, named)


def _named(submission: Submission, content: Content) -> _Named | Refusal:
    """Everyone the header fields and the parameters name."""
    named: _Named = {}
    for name in _ADDRESS_HEADERS:
        listed = mailboxes(", ".join(content.values(name)))
        if isinstance(listed, BadAddress):
            return refusal.invalid(listed.text)
        named[name] = listed
    if not named["from"]:
        return refusal.invalid("Missing required header 'From'.")
    # UNCERTAIN: an empty Source and <> are refused here as no address.
    for name, value in (("source", submission.source), ("feedback", submission.feedback_to)):
        given = () if value is None else mailbox(value)
        if isinstance(given, BadAddress):
            return refusal.invalid(given.text)
        named[name] = (given,) if isinstance(given, Mailbox) else ()
    return named


def _resolve(submission: Submission, content: Content, named: _Named) -> Resolved | Refusal:
    recipients = _recipients(submission, named)
    if isinstance(recipients, Refusal):
        return recipients
    tags = submission.tags or _header_tags(content.value("x-ses-message-tags") or "")
    if (fault := _tag_fault(tags)) is not None:
        return fault
    chain = (*named["feedback"], *named["source"], *named["return-path"], *named["from"])
    asked = submission.arns
    return Resolved(
        api=submission.api,
        content=content,
        sender=chain[0],
        senders=tuple(box for name in _VERIFIED for box in named[name]),
        authors=named["from"],
        recipients=recipients,
        explicit=submission.destinations is not None,
        # That parameters win is documented for ARNs and tags, UNCERTAIN for these two.
        configuration_set=submission.configuration_set or content.value("x-ses-configuration-set"),
        tenant=submission.tenant or content.value("x-ses-tenant"),
        tags=tags,
        contact_list=submission.contact_list or content.value("x-ses-list-management-options"),
        arns=Arns(
            source=asked.source or content.value("x-ses-source-arn"),
            author=asked.author or content.value("x-ses-from-arn"),
            return_path=asked.return_path or content.value("x-ses-return-path-arn"),
        ),
    )


def _recipients(submission: Submission, named: _Named) -> tuple[Mailbox, ...] | Refusal:
    found: list[Mailbox] = []
    if submission.destinations is None:
        # UNCERTAIN: raw mail was seen refused without To when nothing else names recipients.
        if not named["to"]:
            return refusal.invalid("Missing required header 'To'.")
        found = [*named["to"], *named["cc"], *named["bcc"]]
    else:
        for written in submission.destinations:
            box = mailbox(written)
            if isinstance(box, BadAddress):
                return refusal.invalid(box.text)
            found.append(box)
    if len(found) > limits.RECIPIENTS_PER_MESSAGE:
        return refusal.invalid(f"Recipient count exceeds {limits.RECIPIENTS_PER_MESSAGE}.")
    return tuple(found)


def _header_tags(value: str) -> Tags:
    pairs = (pair.partition("=") for pair in value.split(",") if pair.strip())
    return tuple((name.strip(), text.strip()) for name, _, text in pairs)


def _tag_fault(tags: Tags) -> Refusal | None:
    """SES API reference, MessageTag: what names and values may hold. Wording UNCERTAIN."""
    for part, text in (pair for tag in tags for pair in zip(("name", "value"), tag, strict=True)):
        if not _TAG.fullmatch(text) or len(text) > limits.TAG_OCTETS:
            return refusal.invalid(
                f"Invalid tag {part} <{text}>: only alphanumeric ASCII characters, "
                f"'_' and '-' are allowed, at most {limits.TAG_OCTETS} of them."
            )
    return None
