"""Every change the relay may make to a message: what, why, and the switch that governs it.

`CHANGES` is the whole list, rendered in README; a change that is not named here is a bug.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """The word for one kind of change, in logs and in `explain`."""

    MBOX_LINE = "mbox-line"
    HEADER_END = "header-end"
    FIELD_SYNTAX = "field-syntax"
    EMPTY_FIELD = "empty-field"
    FORGED_RESULTS = "forged-results"
    RULE_REMOVED = "rule-removed"
    RULE_ADDED = "rule-added"
    BCC = "bcc"
    BOUNCE_ADDRESS = "bounce-address"
    SES_HEADER = "ses-header"
    EIGHT_BIT_HEADER = "eight-bit-header"
    DUPLICATE = "duplicate"
    DEFAULT_FROM = "default-from"
    REWRITE_FROM = "rewrite-from"
    DATE = "date"
    MESSAGE_ID = "message-id"
    MIME_VERSION = "mime-version"
    THREADING = "threading"
    LONG_HEADER = "long-header"
    LONG_LINES = "long-lines"
    EIGHT_BIT_BODY = "eight-bit-body"
    SIGNATURE_REMOVED = "signature-removed"
    RECEIVED = "received"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One row of the table of changes."""

    what: str
    why: str
    switch: str


# In the order in which shaping makes them.
CHANGES: Mapping[Change, Reason] = {
    Change.MBOX_LINE: Reason(
        what="A first line `From …` or `>From …` of a mailbox file is removed.",
        why="It is no header field, and receivers would take it for the start of the body.",
        switch="always",
    ),
    Change.HEADER_END: Reason(
        what="The empty line between header and body is added where it is missing: at the end, or "
        "before the first line that is not a header field.",
        why="Every receiver reads such a message this way, but SES wants it said (RFC 5322 §2.1).",
        switch="always",
    ),
    Change.FIELD_SYNTAX: Reason(
        what="Blanks between a field's name and its colon, and folded lines of nothing but blanks, "
        "are removed; form feeds and vertical tabs become blanks.",
        why="Obsolete syntax (RFC 5322 §4.5) that programs read differently.",
        switch="always",
    ),
    Change.EMPTY_FIELD: Reason(
        what="A structured field without a value (To, Cc, Reply-To, Date, References, Content-Type "
        "and the like) is removed; an empty Subject stays.",
        why="SES refuses an empty To, and the grammar knows no such fields (RFC 5322 §3.6).",
        switch="always",
    ),
    Change.FORGED_RESULTS: Reason(
        what="An Authentication-Results field in the name of this relay's host is removed.",
        why="The relay writes none, so somebody else did, and receivers might believe it "
        "(RFC 8601 §5).",
        switch="always",
    ),
    Change.RULE_REMOVED: Reason(
        what="Header fields that a rule names are removed.",
        why="The operator wants it.",
        switch="rules[].then.remove_header",
    ),
    Change.RULE_ADDED: Reason(
        what="Header fields that a rule gives are added at the end of the header.",
        why="The operator wants it.",
        switch="rules[].then.add_header",
    ),
    Change.BCC: Reason(
        what="Bcc and Resent-Bcc are removed.",
        why="Nobody may see them, and SES does not promise to remove them.",
        switch="always",
    ),
    Change.BOUNCE_ADDRESS: Reason(
        what="Return-Path and Bounces-To are removed.",
        why="The envelope says where bounces go; SES would read these fields as a second opinion.",
        switch="always",
    ),
    Change.SES_HEADER: Reason(
        what="Every X-SES-* field is removed.",
        why="They steer SES: configuration set, tags, another account's identity. The relay says "
        "these things as parameters of the request.",
        switch="users[].ses_headers takes two of them over as parameters",
    ),
    Change.EIGHT_BIT_HEADER: Reason(
        what="Raw 8-bit text in a header field becomes RFC 2047 words, in parameters RFC 2231 "
        "values: UTF-8 where it is valid UTF-8, ISO-8859-1 otherwise. A non-ASCII domain "
        "becomes its A-label.",
        why="SES takes 7-bit header fields only.",
        switch="always",
    ),
    Change.DUPLICATE: Reason(
        what="A field that SES allows once and that came more often is reduced or merged.",
        why="SES refuses the whole message: `Duplicate header`.",
        switch="always",
    ),
    Change.DEFAULT_FROM: Reason(
        what="From is set where it is missing or holds no address; what it held stays as display "
        "name.",
        why="SES refuses a message without a verified author.",
        switch="users[].default_from",
    ),
    Change.REWRITE_FROM: Reason(
        what="From is replaced by a verified author with the old display name; the old From "
        "becomes Reply-To unless there is one, and is recorded as X-Original-From. Sender "
        "is removed.",
        why="SES does not know the author's domain.",
        switch="rules[].then.rewrite_from",
    ),
    Change.DATE: Reason(
        what="Date is added where it is missing.",
        why="RFC 6409 §8.2. SES writes its own time into it in any case.",
        switch="always",
    ),
    Change.MESSAGE_ID: Reason(
        what="Message-ID is added where it is missing.",
        why="RFC 6409 §8.3. SES replaces it by its own in any case.",
        switch="always",
    ),
    Change.MIME_VERSION: Reason(
        what="MIME-Version is added where Content-Type or Content-Transfer-Encoding stands without "
        "it.",
        why="Without it these fields mean nothing (RFC 2045 §4).",
        switch="always",
    ),
    Change.THREADING: Reason(
        what="The client's Message-ID is appended to References.",
        why="SES replaces Message-ID; replies still find their thread by References.",
        switch="users[].threading",
    ),
    Change.LONG_HEADER: Reason(
        what="A header line of more than 998 octets is folded at its blanks.",
        why="SES takes lines of 1,000 octets at most, CRLF included (RFC 5322 §2.1.1).",
        switch="always",
    ),
    Change.LONG_LINES: Reason(
        what="A part with lines of more than 998 octets is encoded anew: text as "
        "quoted-printable, anything else as base64; 8-bit text without Content-Type gets "
        "one. Such lines before the first and after the last part are dropped.",
        why="The same limit. Signed and encrypted parts are never touched; the message is refused.",
        switch="always",
    ),
    Change.EIGHT_BIT_BODY: Reason(
        what="A part of 8-bit content is encoded as quoted-printable or base64.",
        why="SES may do so itself when it adds tracking, after the message was signed.",
        switch="routes.*.seven_bit",
    ),
    Change.SIGNATURE_REMOVED: Reason(
        what="A DKIM-Signature that the message came with is removed.",
        why="SES takes one at most, and breaks those that cover Date or Message-ID.",
        switch="dkim[].existing, routes.*.dkim",
    ),
    Change.RECEIVED: Reason(
        what="A Received field is added at the top. It names client and relay, never a recipient.",
        why="RFC 5321 §4.4.",
        switch="always",
    ),
    Change.SIGNED: Reason(
        what="A DKIM-Signature is added at the top.",
        why="Receivers trust mail that its author's domain has signed (RFC 6376).",
        switch="dkim, routes.*.dkim",
    ),
}


@dataclass(frozen=True, slots=True)
class Changed:
    """One change that was made, and to what: a field's name, a part, a signing domain."""

    change: Change
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.change}: {self.subject}" if self.subject else str(self.change)
