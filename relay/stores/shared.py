"""What every store gives beside a queue of its own: to a relay, and to a command beside it.

Errors: those of the ports it names.
"""

from typing import Protocol

from relay.model.ports import (
    History,
    Holds,
    Lessons,
    Mirrors,
    QueueControl,
    Senders,
    Sendings,
    Suppression,
    Tallies,
    Trace,
    Verdicts,
)


class Notes(History, Trace, Protocol):
    """A history that is written and read."""


class Shared(Protocol):
    """Shared by all processes that work on the store."""

    @property
    def control(self) -> QueueControl:
        """An operator's hands on everything kept."""
        ...

    @property
    def suppression(self) -> Suppression:
        """The addresses that get no mail."""
        ...

    @property
    def holds(self) -> Holds:
        """Scopes that stand still."""
        ...

    @property
    def verdicts(self) -> Verdicts:
        """Replies that nobody heard."""
        ...

    @property
    def senders(self) -> Senders:
        """Who has sent by which account."""
        ...

    @property
    def history(self) -> Notes:
        """What was noted of each message."""
        ...

    @property
    def sendings(self) -> Sendings:
        """The requests that SES took."""
        ...

    @property
    def lessons(self) -> Lessons:
        """What events have taught."""
        ...

    @property
    def tallies(self) -> Tallies:
        """What reputations are made of."""
        ...

    @property
    def mirrors(self) -> Mirrors:
        """What is known of the accounts' suppression lists."""
        ...

    async def close(self) -> None:
        """Finish what is under way, then let the store go."""
        ...
