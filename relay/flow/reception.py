"""Where sessions bring their mail: hands out transactions under the configuration of the moment.

Errors: none.
"""

from collections.abc import Callable

from relay.flow.snapshot import Snapshot
from relay.flow.transaction import Desk, MailTransaction
from relay.model.envelope import Client


class MailReception:
    """Implements `relay.model.ports.Reception`."""

    def __init__(self, desk: Desk, snapshot: Callable[[], Snapshot]) -> None:
        self._desk = desk
        self._snapshot = snapshot

    def size_limit(self, user: str | None) -> int:
        """Octets to announce in EHLO."""
        snapshot = self._snapshot()
        return snapshot.size_limit(snapshot.policy.user(user))

    def begin(self, client: Client) -> MailTransaction:
        """Open a transaction; it keeps this snapshot to its end."""
        return MailTransaction(client, self._snapshot(), self._desk)
