"""A message that cannot be sent, said while the client can still act.

Standards: RFC 3463 §3.7 (X.6.x, message content), RFC 5321 §6.3 (loops).
SES facts: SES refuses whole messages for these faults (SES Developer Guide, header-fields and
attachments), so the relay says it first, with the name of what is wrong.
"""

from dataclasses import dataclass
from typing import Self

from relay.model.reply import Reply


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
