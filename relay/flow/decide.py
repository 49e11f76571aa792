"""DECIDE: what becomes of each recipient, and who of them travels together.

Recipients that policy treats alike share a message; others get messages of their own, so that one
DATA may become several (a redirect, another route, another lane).
Errors: none; a `Reject` refuses the message as a whole.
"""

from dataclasses import dataclass
from typing import assert_never

from relay.flow.submission import Submission
from relay.model.address import Address
from relay.model.decision import Accept, Changes, Decision, Discard, Hold, Reject
from relay.model.envelope import Recipient
from relay.policy.question import Question, Seen
from relay.policy.rules import NeedsContent


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients of one message."""

    changes: Changes
    recipients: tuple[Recipient, ...]
    held: str | None = None  # why an operator must release it


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What is to be sent to whom, and whose copy the operator wants thrown away."""

    groups: tuple[Group, ...]
    discarded: tuple[tuple[Address, str], ...] = ()  # recipient, reason


def decide(submission: Submission, seen: Seen) -> Decided | Reject:
    """Settle every recipient, now that the content is known."""
    groups: dict[tuple[Changes, str | None], list[Recipient]] = {}
    discarded: list[tuple[Address, str]] = []
    for recipient, known in submission.decided:
        decision = _settle(submission, recipient, known, seen)
        match decision:
            case Reject():
                return decision
            case Discard(reason=reason):
                discarded.append((recipient.address, reason))
            case Accept(changes=changes, redirect=redirect):
                groups.setdefault((changes, None), []).extend(_targets(recipient, redirect))
            case Hold(changes=changes, redirect=redirect, reason=reason):
                groups.setdefault((changes, reason), []).extend(_targets(recipient, redirect))
            case _:
                assert_never(decision)
    return Decided(
        groups=tuple(
            # Whom the client named twice with the same wishes hears and costs nothing twice.
            Group(changes, tuple(dict.fromkeys(recipients)), held)
            for (changes, held), recipients in groups.items()
        ),
        discarded=tuple(discarded),
    )


def _settle(
    submission: Submission, recipient: Recipient, known: Decision | NeedsContent, seen: Seen
) -> Decision:
    if not isinstance(known, NeedsContent):
        return known
    decision = submission.snapshot.policy.recipient(
        Question(
            client=submission.client,
            user=submission.user.name,
            sender=submission.envelope.sender,
            recipient=recipient.address,
            seen=seen,
        )
    )
    if isinstance(decision, NeedsContent):
        raise TypeError("policy asks for the content it was given")
    return decision


def _targets(recipient: Recipient, redirect: tuple[Address, ...]) -> tuple[Recipient, ...]:
    if not redirect:
        return (recipient,)
    # RFC 3461 §5.2.7.1: what the message was first sent to stays known in reports.
    original = recipient.orcpt or f"rfc822;{recipient.address}"
    return tuple(
        Recipient(address, notify=recipient.notify, orcpt=original) for address in redirect
    )
