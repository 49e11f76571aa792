"""Where a kept message stands, in the words of the pages: its state, why it waits, and until when.

Errors: none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from relay.model.custody import EntryState, ScopeHold, why
from relay.model.entry import QueueEntry
from relay.model.outcome import Scope, ScopeKind
from relay.web.frame import moment, pill
from relay.web.html import Html, markup


@dataclass(frozen=True, slots=True)
class Outlook:
    """What has to be known beside the message itself."""

    now: datetime
    routes: Collection[str]  # of the configuration
    holds: Sequence[ScopeHold]

    def state(self, entry: QueueEntry) -> Html:
        """Show the state; a message whose user or route is held is held."""
        state = EntryState.of(entry, self.now)
        if state is EntryState.WAITING and self._hold(entry) is not None:
            return pill(EntryState.HELD)
        return pill("in work" if state is EntryState.LEASED else state)

    def why(self, entry: QueueEntry) -> str:
        """Say why it is still here, in one line."""
        state, hold = EntryState.of(entry, self.now), self._hold(entry)
        if state is EntryState.WAITING and hold is not None:
            return f"{hold.scope.kind} {hold.scope.name} is held: {hold.held.reason}"
        return why(entry, state, self.routes)

    def next_attempt(self, entry: QueueEntry) -> Html | None:
        """Say when it is tried again; None: not before something else happens."""
        state = EntryState.of(entry, self.now)
        if state is not EntryState.WAITING or self._hold(entry) is not None:
            return None
        due = entry.next_attempt_at
        return markup("next attempt ", moment(due)) if due > self.now else markup("due now")

    def _hold(self, entry: QueueEntry) -> ScopeHold | None:
        message = entry.message
        stopped_by = {
            Scope(ScopeKind.USER, message.user),
            Scope(ScopeKind.ROUTE, message.route),
            entry.waits_for,
        }
        return next((hold for hold in self.holds if hold.scope in stopped_by), None)
