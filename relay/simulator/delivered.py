"""The header as recipients would see it, beside the message as it was submitted.

SES facts: SES Developer Guide, header-fields (Message-ID and Date are replaced, Return-Path is
the bounce address of SES); event-publishing-send-email (X-SES-* are removed). UNCERTAIN: what
becomes of Bcc. It is removed here only where SES derived the recipients from it; with explicit
recipients it stays, so that a sender who leaks it finds out. Not imitated: Received,
Feedback-ID, X-SES-Outgoing and SES's own DKIM signatures.
"""

from datetime import datetime
from email.utils import format_datetime

from .submission import Resolved


def mail_domain(region: str) -> str:
    """The domain of SES's own ids: us-east-1 is the exception among the Regions."""
    return "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"


def delivered_header(resolved: Resolved, ses_id: str, region: str, now: datetime) -> bytes:
    """The delivered header block with its final blank line; the body follows unchanged."""
    own_id = f"<{ses_id}@{mail_domain(region)}>"
    own = {"message-id": f"Message-ID: {own_id}", "date": f"Date: {format_datetime(now)}"}
    lines = [f"Return-Path: {own_id}".encode()]
    for field in resolved.content.fields:
        if field.name in own:
            lines.append(own.pop(field.name).encode())
        elif not _is_removed(field.name, explicit=resolved.explicit):
            lines.append(field.raw)
    lines += [added.encode() for added in own.values()]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _is_removed(name: str, *, explicit: bool) -> bool:
    return name.startswith("x-ses-") or name == "return-path" or (name == "bcc" and not explicit)
