"""Reports about a message's delivery: failed, delayed, relayed.

A report has three parts: a text for people, the facts for programs, and the message it is about or
its header. SES takes no null sender, so a report is sent by a verified address; `Auto-Submitted`
keeps machines from answering it, and the caller keeps reports about reports from being made.

Standards: RFC 3461 §6 (what a DSN returns), RFC 3464 (message/delivery-status), RFC 6522
(multipart/report), RFC 3834 §5 (Auto-Submitted), RFC 3463 (status codes).
Errors: none.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import assert_never

from relay.mail.pieces import pieces
from relay.model.address import Address
from relay.model.content import Content, Field
from relay.model.envelope import Recipient, Ret
from relay.model.reply import Reply

FULL_LIMIT = 1024 * 1024  # octets of a message that a report returns whole

_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_UNPRINTABLE = re.compile(r"[^ -~]")


class Action(StrEnum):
    """RFC 3464 §2.3.3. Never `delivered`: SES's acceptance is no delivery."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class Status:
    """What became of one recipient, with the reply that says so."""

    recipient: Recipient
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The message that a report is about."""

    queue_id: str
    content: Content
    received_at: datetime
    message_id: str = ""
    ret: Ret | None = None
    envid: str | None = None  # xtext, as given


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything a report says. `until`: how long a delayed message is tried on."""

    id: str  # the report's own queue id
    action: Action
    about: Subject
    statuses: tuple[Status, ...]
    sender: Address
    to: Address
    hostname: str
    now: datetime
    until: datetime | None = None


def report(what: Report) -> Content:
    """Write a report as a message of its own, unsigned."""
    returned = _returned(what)
    boundary = _boundary(what.id, returned)
    fields = [
        Field.of("From", f'"Mail Delivery System" <{what.sender}>'),
        Field.of("To", f"<{what.to}>"),
        Field.of("Subject", _subject(what)),
        Field.of("Date", format_datetime(what.now)),
        Field.of("Message-ID", f"<{what.id}@{what.hostname}>"),
        Field.of("Auto-Submitted", "auto-replied"),
        Field.of("MIME-Version", "1.0"),
        Field.of(
            "Content-Type",
            f'multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"',
        ),
    ]
    about = _printable(what.about.message_id)
    if about and len(about) < 900:
        fields.insert(5, Field.of("References", about))
    if any(not piece.isascii() for piece in pieces(returned)):
        fields.append(Field.of("Content-Transfer-Encoding", "8bit"))
    delimiter = f"--{boundary}\r\n"
    before = (
        f"{delimiter}Content-Description: Notification\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
        f"{_text(what)}\r\n"
        f"{delimiter}Content-Description: Delivery report\r\n"
        "Content-Type: message/delivery-status\r\n\r\n"
        f"{_facts(what)}\r\n{delimiter}"
    )
    after = f"\r\n--{boundary}--\r\n"
    return Content(tuple(fields), before.encode("ascii") + returned + after.encode("ascii"))


def _subject(what: Report) -> str:
    match what.action:
        case Action.FAILED:
            return "Your message could not be delivered"
        case Action.DELAYED:
            return "Your message is delayed"
        case Action.RELAYED:
            return "Your message was handed on"
        case _:
            assert_never(what.action)


def _text(what: Report) -> str:
    """Write what a person needs to know."""
    match what.action:
        case Action.FAILED:
            lead = "could not be delivered to the following recipients. It will not be tried again."
        case Action.DELAYED:
            until = f" until {format_datetime(what.until)}" if what.until else ""
            lead = f"has not reached the following recipients yet. It will be tried on{until}."
        case Action.RELAYED:
            lead = (
                "was handed on for the following recipients to a system\r\n"
                "that sends no delivery reports. You will hear no more unless delivery fails."
            )
        case _:
            assert_never(what.action)
    lines = [
        f"This is the mail system at {what.hostname}.",
        "",
        f"Your message of {format_datetime(what.about.received_at)}",
        lead,
        "",
    ]
    for status in what.statuses:
        lines += [f"<{status.recipient.address}>", f"    {status.reply}", ""]
    lines += [f"Queue id: {what.about.queue_id}", ""]
    return "\r\n".join(lines)


def _facts(what: Report) -> str:
    """Write the message/delivery-status body: per message, then per recipient (RFC 3464 §2.1)."""
    about = what.about
    message = [f"Reporting-MTA: dns; {what.hostname}"]
    if about.envid:
        message.append(f"Original-Envelope-Id: {_from_xtext(about.envid)}")
    message.append(f"Arrival-Date: {format_datetime(about.received_at)}")
    groups = [message]
    for status in what.statuses:
        lines = []
        if status.recipient.orcpt:
            kind, _, address = status.recipient.orcpt.partition(";")
            lines.append(f"Original-Recipient: {_printable(kind)}; {_from_xtext(address)}")
        lines += [
            f"Final-Recipient: rfc822; {status.recipient.address}",
            f"Action: {what.action}",
            f"Status: {status.reply.enhanced or '2.0.0'}",
            f"Diagnostic-Code: smtp; {status.reply}",
        ]
        if what.action is not Action.RELAYED:
            lines.append(f"Last-Attempt-Date: {format_datetime(what.now)}")
        if what.action is Action.DELAYED and what.until is not None:
            lines.append(f"Will-Retry-Until: {format_datetime(what.until)}")
        lines.append(f"Final-Log-Id: {about.queue_id}")
        groups.append(lines)
    return "\r\n".join("\r\n".join(lines) + "\r\n" for lines in groups)


def _returned(what: Report) -> bytes:
    """Write the third part: the message where a failure is to return it whole, else its header."""
    content = what.about.content
    whole = (
        what.action is Action.FAILED
        and what.about.ret is not Ret.HEADERS
        and content.size <= FULL_LIMIT
    )
    if not whole:
        head = b"Content-Description: Header of your message\r\nContent-Type: text/rfc822-headers"
        return head + b"\r\n\r\n" + content.header
    head = b"Content-Description: Your message\r\nContent-Type: message/rfc822\r\n"
    octets = content.octets()
    if not octets.isascii():
        head += b"Content-Transfer-Encoding: 8bit\r\n"
    return head + b"\r\n" + octets


def _boundary(report_id: str, returned: bytes) -> str:
    """Make a boundary that does not occur in what is returned."""
    boundary = f"report-{report_id}"
    while boundary.encode("ascii") in returned:
        boundary += "x"
    return boundary


def _from_xtext(text: str) -> str:
    """Decode xtext (RFC 3461 §4); what is not printable ASCII becomes a question mark."""
    return _printable(_XTEXT.sub(lambda match: chr(int(match.group(1), 16)), text))


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)
