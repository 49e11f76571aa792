"""The seam to a mailbox whose messages the dashboard can open: what the simulated SES received.

Errors: a message that is no longer kept is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxMessage:
    """One message as SES took it, with everything SES was told beside it."""

    id: str  # the SES MessageId that was answered
    api: str  # v1 or v2
    accepted_at: datetime
    source: str
    destinations: tuple[str, ...]
    raw: bytes | memoryview = field(repr=False)
    configuration_set: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    tenant: str | None = None


class Inbox(Protocol):
    """Where taken messages can be looked at."""

    def list(self) -> Sequence[InboxMessage]:
        """Give the messages that are kept, newest first."""
        ...

    def get(self, message_id: str) -> InboxMessage | None:
        """Give one message."""
        ...
