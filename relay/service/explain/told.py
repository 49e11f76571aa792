"""What a dry run tells, for people and programs.

Errors: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.model.entry import Held
from relay.model.reply import Reply


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of the client, and what it would hear."""

    said: str
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What policy made of one recipient."""

    recipient: str
    decision: str  # accept, hold, discard, reject; undecided where its turn never came
    rules: Sequence[str] = ()  # those that matched
    redirect: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequest:
    """One request to SES, without the message's octets."""

    operation: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One message as it would leave."""

    route: str
    region: str
    lane: str
    held: Held | None  # why somebody has to release it first
    diff: str  # of the header, unified
    body: str  # what became of the body, in a sentence
    requests: Sequence[PlannedRequest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The whole story."""

    listener: str
    user: str  # "-" for nobody in particular
    stages: Sequence[Stage]
    recipients: Sequence[Settled] = ()
    left_out: Sequence[tuple[str, str]] = ()  # recipient and reason: discarded, or suppressed
    messages: Sequence[Planned] = ()
    faults: Sequence[str] = ()  # bugs of ours that the run met

    @property
    def accepted(self) -> bool:
        """Whether the client would hear that its message was taken."""
        return self.stages[-1].reply.positive
