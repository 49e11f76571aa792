"""Flow and queue → SES: whose turn it is, and the hand-over of one request."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from relay.model.message import Message, Request
from relay.model.outcome import Deferred, Outcome, Scope
from relay.model.settings import Lane


class Transport(Protocol):
    """Hands one request to SES. It never retries: SES has no idempotency token."""

    async def send(self, message: Message, request: Request) -> Outcome:
        """Make the request and say what became of it, within the transport's own deadline."""
        ...


@dataclass(frozen=True, slots=True)
class QueueKey:
    """Whose turn it is: fresh mail never overtakes older mail of its own key."""

    route: str
    lane: Lane
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Leave to make one request now. Whoever got it reports the outcome, whatever happens."""

    key: QueueKey
    recipients: int
    scopes: tuple[Scope, ...]
    probes: tuple[Scope, ...] = ()  # the closed scopes that this request is the probe for


class Scheduler(Protocol):
    """Decides who sends now, for fresh mail and backlog alike. The only way to SES."""

    async def turn(
        self, key: QueueKey, scopes: tuple[Scope, ...], recipients: int, deadline: float | None
    ) -> Granted | Deferred:
        """Wait for a turn, until `deadline` (clock's monotonic seconds; None: do not give up).

        `Deferred` names what stood in the way: a closed scope, the rate, the quota.
        """
        ...

    def instead(self, key: QueueKey, scopes: tuple[Scope, ...], *, fresh: bool) -> str | None:
        """Give the route to use while that of the key cannot be reached; None: there is none.

        `fresh` mail waits behind what is kept of its key.
        """
        ...

    def learn(self, granted: Granted, outcome: Outcome | None) -> None:
        """Take in what the request showed. None: it was never made."""
        ...

    def kept(self, key: QueueKey) -> None:
        """Know of one more message that is being kept: fresh mail of its key stays behind it."""
        ...

    def backlog(self, key: QueueKey, waiting: int) -> None:
        """Know how many messages of a key are kept, due and not finished."""
        ...

    def eligible(self, claimed: Mapping[QueueKey, int], room: int) -> Mapping[QueueKey, int]:
        """Give how many more entries to claim under which key, `room` at most in all."""
        ...

    def largest(self, key: QueueKey) -> int:
        """Give how many recipients one request of this key may have."""
        ...

    def closed(self) -> Mapping[Scope, Deferred]:
        """List the closed scopes; `not_before` is when each is probed next."""
        ...


class Attempting(Protocol):
    """Makes one request, when its turn has come."""

    async def attempt(
        self,
        message: Message,
        request: Request,
        *,
        number: int = 1,
        deadline: float | None,
        prepare: Callable[[], Awaitable[Message | Deferred]] | None = None,
    ) -> Outcome:
        """Wait for a turn (`deadline` in monotonic seconds), make the request, tell the outcome.

        `prepare` runs between the two: what must be done before a kept message is attempted.
        """
        ...
