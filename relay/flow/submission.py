"""What one transaction brings to the end of DATA.

Errors: none.
"""

from dataclasses import dataclass

from relay.flow.snapshot import Snapshot
from relay.model.decision import Decision
from relay.model.envelope import Client, Envelope, Recipient
from relay.model.settings import User
from relay.policy.rules import NeedsContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An envelope with what was decided about each recipient at RCPT."""

    id: str  # queue id, whether or not a queue will ever see it
    envelope: Envelope
    user: User
    snapshot: Snapshot
    decided: tuple[tuple[Recipient, Decision | NeedsContent], ...]

    @property
    def client(self) -> Client:
        """Who submits."""
        return self.envelope.client
