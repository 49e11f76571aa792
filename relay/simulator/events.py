"""Events as SES writes them, in both of its formats, and wrapped as SNS does.

SES facts: SES Developer Guide, notification-contents (identity notifications),
event-publishing-retrieving-sns-contents (configuration sets); both tell of one incident with one
feedback id. Headers are cut off at 10 KB.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from . import content as contents
from .content import Field
from .fates import Fate
from .mailbox import Message
from .refusal import Refusal

Format = Literal["identity", "configuration_set"]
_TRIED_FOR = timedelta(hours=14)  # the longest MaxDeliverySeconds
_HEADER_OCTETS = 10 * 1024
_MTA = "a1-2.smtp-out.amazonses.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One thing that happened to some recipients of a message."""

    message: Message
    fate: Fate
    recipients: tuple[str, ...]
    at: datetime
    feedback_id: str

    @classmethod
    def of(
        cls, message: Message, fate: Fate, recipients: Sequence[str], at: datetime
    ) -> "Incident":
        """Give it a feedback id."""
        return cls(
            message=message,
            fate=fate,
            recipients=tuple(recipients),
            at=at,
            feedback_id=f"0102{uuid4()}-000000",
        )


def written(incident: Incident, form: Format) -> str:
    """Write one event."""
    kind = incident.fate.kind
    word = "eventType" if form == "configuration_set" else "notificationType"
    member = "deliveryDelay" if kind == "DeliveryDelay" else kind.lower()
    return json.dumps({word: kind, member: _told(incident), "mail": _mail(incident.message, form)})


def _told(incident: Incident) -> dict[str, object]:
    fate, at = incident.fate, _time(incident.at)
    match fate.kind:
        case "Bounce":
            return {
                "bounceType": fate.type,
                "bounceSubType": fate.subtype,
                "bouncedRecipients": _recipients(incident),
                "timestamp": at,
                "feedbackId": incident.feedback_id,
                "reportingMTA": f"dsn; {_MTA}",
            }
        case "Complaint":
            return {
                "complainedRecipients": [{"emailAddress": one} for one in incident.recipients],
                "timestamp": at,
                "feedbackId": incident.feedback_id,
                "complaintSubType": fate.subtype or None,
                "complaintFeedbackType": fate.feedback or None,
                "userAgent": "ses-simulator",
                "arrivalDate": at,
            }
        case "Delivery":
            return {
                "timestamp": at,
                "processingTimeMillis": 500,
                "recipients": list(incident.recipients),
                "smtpResponse": fate.diagnostic or "250 2.6.0 Message received",
                "reportingMTA": _MTA,
                "remoteMtaIp": "192.0.2.1",
            }
        case "DeliveryDelay":
            return {
                "delayType": fate.type or "General",
                "delayedRecipients": _recipients(incident),
                "expirationTime": _time(incident.message.accepted_at + _TRIED_FOR),
                "timestamp": at,
                "reportingMTA": _MTA,
            }
        case "Reject":
            return {"reason": "Bad content"}


def _recipients(incident: Incident) -> list[dict[str, str]]:
    fate = incident.fate
    said = {"status": fate.status, "diagnosticCode": fate.diagnostic}
    if fate.kind == "Bounce":
        said["action"] = "failed"
    known = {name: text for name, text in said.items() if text}
    return [{"emailAddress": one, **known} for one in incident.recipients]


def _mail(message: Message, form: Format) -> dict[str, object]:
    account = message.caller_arn.split(":")[4]
    told: dict[str, object] = {
        "timestamp": _time(message.accepted_at),
        "messageId": message.id,
        "source": message.source,
        "sourceArn": f"arn:aws:ses:{message.region}:{account}:identity/{_domain(message)}",
        "sendingAccountId": account,
        "destination": list(message.destinations),
    }
    if form == "identity":
        return {**told, "sourceIp": "127.0.0.1", "callerIdentity": message.caller_arn}
    headers, truncated = _headers(message)
    return {
        **told,
        "headersTruncated": truncated,
        "headers": headers,
        "commonHeaders": _common(headers),
        "tags": {
            "ses:caller-identity": [message.caller_arn.rpartition("/")[2]],
            "ses:from-domain": [_domain(message)],
            "ses:source-ip": ["127.0.0.1"],
            "ses:configuration-set": [message.configuration_set or "default"],
            **{name: [value] for name, value in message.tags},
        },
    }


def _headers(message: Message) -> tuple[list[dict[str, str]], bool]:
    read = contents.read(message.raw)
    fields: Sequence[Field] = () if isinstance(read, Refusal) else read.fields
    kept: list[dict[str, str]] = []
    left = _HEADER_OCTETS
    for field in fields:
        left -= len(field.raw)
        if left < 0:
            return kept, True
        name = field.raw.partition(b":")[0].decode("ascii", "replace")
        kept.append({"name": name, "value": field.value})
    return kept, False


def _common(headers: Sequence[dict[str, str]]) -> dict[str, object]:
    named = {one["name"].lower(): one["value"] for one in headers}
    lists: dict[str, object] = {
        name: [named[name]] for name in ("from", "to", "cc") if name in named
    }
    texts = {"subject": "subject", "message-id": "messageId", "date": "date"}
    return lists | {member: named[name] for name, member in texts.items() if name in named}


def _domain(message: Message) -> str:
    return message.source.rpartition("@")[2].lower()


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
