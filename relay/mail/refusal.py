"""A message that cannot be sent, said while the client can still act.

Standards: RFC 3463 §3.7 (X.6.x, message content), RFC 5321 §6.3 (loops).
SES facts: SES refuses whole messages for these faults (SES Developer Guide, header-fields and
attachments), so the relay says it first, with the name of what is wrong.
"""

from dataclasses import dataclass
from typing import Self

from relay.model import replies
from relay.model.reply import Reply

MALFORMED = Reply(554, "5.6.0", "Message is malformed")
HEADER_TOO_BIG = Reply(552, "5.3.4", "Message header is too big")
BAD_ATTACHMENT = Reply(554, "5.6.1", "Attachment type not taken by Amazon SES")
CONVERSION = Reply(554, "5.6.3", "Conversion required but not allowed")  # RFC 3463 §3.7
LOOP = Reply(554, "5.4.6", "Mail loop: too many Received fields")
NON_ASCII_ADDRESS = replies.NON_ASCII_ADDRESS
TOO_BIG = replies.TOO_BIG
NO_AUTHOR = replies.NO_AUTHOR


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reply that refuses a message; always permanent."""

    reply: Reply

    @classmethod
    def of(cls, reply: Reply, text: str) -> Self:
        """Refuse with the codes of `reply` and a text that names what is wrong."""
        return cls(reply.saying(text))


def shown(octets: bytes, most: int = 60) -> str:
    """Make octets of the message fit for a reply: printable and short."""
    text = octets[:most].decode("ascii", "replace").replace("\ufffd", "?")
    return text + "..." if len(octets) > most else text
