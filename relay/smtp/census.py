"""Who is connected: counts by listener and by client. They outlive a reload.

Errors: `Reply` when one more would be too many.
"""

from collections import Counter

from relay.model import replies
from relay.model.reply import Reply
from relay.model.settings import Listener
from relay.smtp.guesses import neighbourhood
from relay.smtp.users import Host


class Census:
    """Open connections, by listener and by client at a listener."""

    def __init__(self) -> None:
        self._all: Counter[str] = Counter()
        self._by_client: Counter[tuple[str, str]] = Counter()

    @property
    def total(self) -> int:
        """Connections open now."""
        return self._all.total()

    def enter(self, listener: Listener, host: Host | None) -> Reply | None:
        """Count a connection in, unless it is one too many.

        Peers on a unix socket cannot be told apart and are counted in all only.
        """
        bind = str(listener.bind)
        client = (bind, neighbourhood(host))
        if self._all[bind] >= listener.max_connections:
            return replies.TOO_MANY_CONNECTIONS
        if host is not None and self._by_client[client] >= listener.max_connections_per_client:
            return replies.TOO_MANY_CONNECTIONS
        self._all[bind] += 1
        self._by_client[client] += 1
        return None

    def leave(self, listener: Listener, host: Host | None) -> None:
        """Count a connection out."""
        bind = str(listener.bind)
        client = (bind, neighbourhood(host))
        self._all[bind] -= 1
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]
