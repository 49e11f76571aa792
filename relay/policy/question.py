"""What policy is asked about: one recipient of one message, with as much as is known yet.

Errors: none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.model.address import Address
from relay.model.content import Content
from relay.model.envelope import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the content showed, once it is there."""

    content: Content
    authors: Sequence[Address]  # From
    size: int  # octets as received


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this go to that recipient? `seen` is None while only the envelope is known (RCPT)."""

    client: Client
    user: str  # name in `users`, or "-"
    sender: Address | None
    recipient: Address
    seen: Seen | None = None
