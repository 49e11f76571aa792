"""A message ready for SES: shaped, signed, addressed, and cut into requests.

One DATA becomes one message for each set of recipients that policy treats alike, and each message
becomes one request for every `recipients_per_request` recipients (SES takes 50 at most).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from relay.model.address import Address
from relay.model.content import Content
from relay.model.envelope import Recipient, Ret
from relay.model.outcome import Scope, ScopeKind
from relay.model.settings import Lane, Route

# Tags on every request, by which feedback finds message and user even where history was lost.
TAG_QUEUE_ID = "relay-queue-id"
TAG_USER = "relay-user"

# SES API reference, MessageTag: letters, digits, `_` and `-`, at most 256.
_NOT_IN_TAG = re.compile(r"[^A-Za-z0-9_-]")


def tag_of(name: str) -> str:
    """Spell a name as the value of a tag; different names may end as the same tag."""
    return _NOT_IN_TAG.sub("_", name)[:256]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a request tells SES beside envelope and content. Never taken from headers by SES."""

    configuration_set: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    from_arn: str | None = None
    source_arn: str | None = None
    return_path_arn: str | None = None
    tenant: str | None = None

    @classmethod
    def of(cls, route: Route, configuration_set: str | None, tags: Mapping[str, str]) -> Self:
        """Say what a route says of all its requests, and what this message adds."""
        return cls(
            configuration_set=configuration_set,
            tags=tuple(tags.items()),
            from_arn=route.from_arn,
            source_arn=route.source_arn,
            return_path_arn=route.return_path_arn,
            tenant=route.tenant,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One shaped message. `source` is what SES hears as the envelope's sender, never empty."""

    id: str  # queue id; also a tag on every request, so that feedback finds its way home
    session_id: str
    user: str  # name in `users`, or "-" for mail that nobody in particular submitted
    route: str
    lane: Lane
    sender: Address | None  # reverse-path as the client gave it; None: `<>`
    source: Address
    recipients: tuple[Recipient, ...]
    content: Content
    parameters: Parameters
    authors: tuple[Address, ...]  # From: addresses after shaping
    message_id: str  # the client's Message-ID header, which SES replaces
    received_at: datetime
    size: int  # octets of the shaped content
    ret: Ret | None = None
    envid: str | None = None
    reports: bool = True  # False for bounces and other reports: they never cause one

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Everything that can be held and would hold this message."""
        scopes = [Scope(ScopeKind.ROUTE, self.route), Scope(ScopeKind.USER, self.user)]
        scopes += [
            Scope(ScopeKind.IDENTITY, name, self.route)
            for address in (self.source, *self.authors)
            for name in (address.key, address.domain.lower())
        ]
        chosen = self.parameters
        if chosen.configuration_set:
            scopes.append(Scope(ScopeKind.CONFIGURATION_SET, chosen.configuration_set, self.route))
        if chosen.tenant:
            scopes.append(Scope(ScopeKind.TENANT, chosen.tenant, self.route))
        return tuple(dict.fromkeys(scopes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The recipients of one SES request, at most 50. `number` counts from 1 in its message."""

    number: int
    recipients: tuple[Address, ...]
    unknowns: int = 0  # answers lost so far: SES may have it, so that no other route may send it


def requests_of(recipients: tuple[Recipient, ...], per_request: int) -> tuple[Request, ...]:
    """Cut recipients into requests, in the order the client named them, each address once."""
    unique = list({recipient.address.key: recipient.address for recipient in recipients}.values())
    return tuple(
        Request(number=number, recipients=tuple(unique[start : start + per_request]))
        for number, start in enumerate(range(0, len(unique), per_request), start=1)
    )
