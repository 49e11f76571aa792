"""The edges of the flow, dry: every turn is granted, every request taken, nothing leaves.

Errors: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from relay.model import ses_limits
from relay.model.address import Address
from relay.model.decision import Decision
from relay.model.entry import Held, QueueEntry
from relay.model.message import Message, Request
from relay.model.outcome import Deferred, Outcome, Relayed, Scope
from relay.model.ports import Granted, NewEntry, QueueKey, Stale
from relay.model.progress import Refusal
from relay.policy.policy import Policy
from relay.policy.question import Question
from relay.policy.rules import NeedsContent

SES_ID = "MESSAGE-ID-OF-SES"


@dataclass(frozen=True, slots=True)
class Leaving:
    """A message that would leave, in these requests."""

    message: Message
    requests: tuple[Request, ...]
    held: Held | None = None


@dataclass(slots=True)
class Exit:
    """Stands for SES and for the queue alike: whatever gets here would leave."""

    leaving: list[Leaving] = field(default_factory=list)

    async def send(self, message: Message, request: Request) -> Outcome:
        """Take a request as a healthy SES would."""
        self.leaving.append(Leaving(message, (request,)))
        return Relayed(ses_message_id=SES_ID)

    async def put(self, new: Sequence[NewEntry]) -> None:
        """Take messages as a sound store would."""
        for one in new:
            message = replace(one.entry.message, content=one.content)
            requests = tuple(
                Request(number=request.number, recipients=request.recipients)
                for request in one.entry.requests
            )
            self.leaving.append(Leaving(message, requests, one.entry.held))

    async def record(self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()) -> QueueEntry | Stale:
        """Take the outcome of a message that was put while it was under way."""
        del spawn
        return entry


class OpenGates:
    """Implements `relay.model.ports.Scheduler` for an account that nothing holds."""

    async def turn(
        self, key: QueueKey, scopes: tuple[Scope, ...], recipients: int, deadline: float | None
    ) -> Granted:
        """Grant it at once."""
        del deadline
        return Granted(key=key, recipients=recipients, scopes=scopes)

    def instead(self, key: QueueKey, scopes: tuple[Scope, ...], *, fresh: bool) -> str | None:
        """Every route can be reached."""

    def learn(self, granted: Granted, outcome: Outcome | None) -> None:
        """Learn nothing."""

    def kept(self, key: QueueKey) -> None:
        """Nothing is kept."""

    def backlog(self, key: QueueKey, waiting: int) -> None:
        """Nothing waits."""

    def eligible(self, claimed: Mapping[QueueKey, int], room: int) -> Mapping[QueueKey, int]:
        """Let nothing be claimed."""
        del claimed, room
        return {}

    def largest(self, key: QueueKey) -> int:
        """Give what SES takes: the account's rate, which cuts bulk mail smaller, is not asked."""
        del key
        return ses_limits.RECIPIENTS

    def closed(self) -> Mapping[Scope, Deferred]:
        """Nothing is closed."""
        return {}


class NoReports:
    """Implements `relay.model.ports.Reports`: nothing fails here."""

    async def failed(self, message: Message, refusal: Refusal) -> Sequence[NewEntry]:
        """Report nobody."""
        del message, refusal
        return ()

    async def relayed(self, message: Message, recipients: Sequence[Address]) -> Sequence[NewEntry]:
        """Report nobody."""
        del message, recipients
        return ()


class WatchedPolicy(Policy):
    """The relay's policy, which remembers what it said last of each recipient."""

    def __init__(self, policy: Policy) -> None:
        self.said: dict[Address, Decision | NeedsContent] = {}
        self.__dict__ |= vars(policy)

    def recipient(self, question: Question) -> Decision | NeedsContent:
        """Decide, and remember."""
        decision = super().recipient(question)
        self.said[question.recipient] = decision
        return decision


@dataclass(slots=True)
class Heard:
    """Log and history of the run: what was left out and why, and bugs of ours."""

    left_out: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Hear of recipients that would get nothing."""
        del at
        if event == "message.discarded":
            named = facts.get("recipients")
            who = ", ".join(map(str, named)) if isinstance(named, list | tuple) else str(named)
            self.left_out.append((who, str(facts.get("reason", ""))))

    def debug(self, event: str, **facts: object) -> None:
        """Pass over it."""

    info = warning = debug

    def error(self, event: str, **facts: object) -> None:
        """Hear of what should not have happened."""
        self.faults.append(f"{event}: {facts.get('error') or facts.get('reason') or facts}")
