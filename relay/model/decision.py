"""What policy decides, recipient by recipient."""

from dataclasses import dataclass

from relay.model.address import Address
from relay.model.reply import Reply
from relay.model.settings import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a decision changes for the recipients it covers; empty means as it came.

    Two recipients whose changes are equal travel in one message, others in messages of their own.
    """

    route: str
    lane: Lane
    configuration_set: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    add_headers: tuple[tuple[str, str], ...] = ()
    remove_headers: tuple[str, ...] = ()
    rewrite_from: Address | None = None
    rewrite_sender: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Go on, to these addresses instead of the one asked about when it was redirected."""

    changes: Changes
    redirect: tuple[Address, ...] = ()
    rules: tuple[str, ...] = ()  # names of the rules that matched, for the log and `explain`


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Refuse, with the words of the policy."""

    reply: Reply
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Keep until an operator releases it."""

    changes: Changes
    reason: str
    redirect: tuple[Address, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """Say 250 and throw away, because the operator wrote so; logged for each recipient."""

    reason: str
    rule: str = ""


Decision = Accept | Reject | Hold | Discard
