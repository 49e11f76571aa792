"""Everybody → stores: what is remembered beside the messages themselves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from relay.model.address import Address
from relay.model.custody import (
    HistoryEvent,
    ScopeHold,
)
from relay.model.outcome import Scope
from relay.model.ports.keeping import StoreFault
from relay.model.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """Why an address gets no mail."""

    address: str
    reason: str
    since: datetime
    until: datetime | None = None
    note: str = ""


class Suppression(Protocol):
    """The addresses that get no mail. Compared without regard to case, in either part."""

    def surely_absent(self, address: Address) -> bool:
        """Say, without waiting, that nothing is known against it; False: `suppressed` must say."""
        ...

    async def suppressed(self, address: Address, now: datetime) -> Suppressed | StoreFault | None:
        """Look one address up; None: nothing is known against it."""
        ...

    async def suppress(self, entries: Sequence[Suppressed]) -> StoreFault | None:
        """Add addresses; one already there is replaced."""
        ...

    async def unsuppress(self, addresses: Sequence[str]) -> Sequence[str] | StoreFault:
        """Remove addresses and say which of them were there."""
        ...

    async def listed(self, after: str, limit: int) -> Sequence[Suppressed] | StoreFault:
        """List by address, from the first beyond `after` (empty: from the top)."""
        ...


class Holds(Protocol):
    """Scopes stopped by an operator or by the reputation breaker, kept over restarts."""

    async def holds(self, now: datetime) -> Sequence[ScopeHold] | StoreFault:
        """List what is held now."""
        ...

    async def hold(self, hold: ScopeHold) -> StoreFault | None:
        """Stop a scope; a hold already there is replaced."""
        ...

    async def release(self, scope: Scope) -> bool | StoreFault:
        """End a hold; False: there was none."""
        ...


class Verdicts(Protocol):
    """Replies that their client cannot have heard, kept to be given when it asks again."""

    async def keep(self, fingerprint: bytes, reply: Reply, until: datetime) -> StoreFault | None:
        """Remember the reply to the message with this fingerprint of user, envelope and octets."""
        ...

    def surely_none(self, fingerprint: bytes) -> bool:
        """Say, without waiting, that nothing is owed; False: `take` must be asked."""
        ...

    async def take(self, fingerprint: bytes, now: datetime) -> Reply | StoreFault | None:
        """Give the reply out, once; None: nothing is owed."""
        ...


SENDERS_KEPT = timedelta(days=400)  # since they last sent


class Senders(Protocol):
    """Senders that SES has taken mail from, by the account that they sent by.

    A name is an address as it is compared, or `@` and a domain.
    """

    async def remember(
        self, account: str, names: Sequence[str], now: datetime
    ) -> StoreFault | None:
        """Write down that these have sent; who has not for `SENDERS_KEPT` is forgotten."""
        ...

    async def remembered(self, account: str, names: Sequence[str]) -> frozenset[str] | StoreFault:
        """Say who of them has sent."""
        ...


class History(Protocol):
    """What `trace` and the dashboard can look back on. Lossy by contract: mail never waits for it.

    Found again by `queue_id`, `ses_message_id`, `message_id` and `recipients` among the facts.
    """

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Remember one event of a message's life; returns at once."""
        ...


class Trace(Protocol):
    """What was noted, read back."""

    async def trace(self, what: str, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the lives of the newest messages known by this name, in order of time.

        A name is an id, a recipient, or `name_of_user`. Lives are given whole, as many as the limit
        of events has room for; only one that is longer by itself is cut.
        """
        ...

    async def recent(self, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the newest events, newest first."""
        ...

    async def forget(self, now: datetime) -> int | StoreFault:
        """Remove a piece of what is older than the history goes back; 0: there is none."""
        ...


def name_of_user(user: str) -> str:
    """Give the name by which `trace` finds all mail of a user."""
    return f"user:{user}"


def spellings(what: str) -> Iterator[str]:
    """Give the names to look for: as written, then as a Message-ID with and without its brackets.

    SES writes its MessageId into the Message-ID header of what it sends, with a domain of its own.
    """
    yield what
    bare = what.strip().removeprefix("<").removesuffix(">")
    yield f"<{bare}>"
    yield bare
    local, at, domain = bare.rpartition("@")
    if at and domain.endswith("amazonses.com"):
        yield local
