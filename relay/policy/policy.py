"""The operator's decisions: who may send as whom, to whom, and what the rules make of it.

One `Policy` belongs to one configuration; a transaction keeps the one it began with.
Standards: RFC 6409 §6.1 (a submission server may enforce who submits what).
Errors: none; refusals are replies.
"""

from collections.abc import Iterable
from typing import assert_never

from relay.model import replies
from relay.model.address import Address
from relay.model.decision import Accept, Changes, Decision, Discard, Hold, Reject
from relay.model.reply import Reply
from relay.model.settings import NULL_SENDER, AddressPattern, Settings, User
from relay.policy.question import Question
from relay.policy.rules import (
    Discards,
    Gathered,
    Holds,
    NeedsContent,
    Passes,
    Rejects,
    walk,
)

# Clients of a listener without AUTH that no user's network names: the listener's own `networks`
# say who they are, and SES still refuses every identity that is not verified.
NOBODY = User(name="-", senders=(AddressPattern("*"), AddressPattern(NULL_SENDER)))


class Policy:
    """What one configuration allows."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._users = {user.name: user for user in settings.users}

    def user(self, name: str | None) -> User:
        """Give the user of that name; for None the rights of nobody in particular.

        Whom a reload has removed while its session goes on has no rights at all.
        """
        return NOBODY if name is None else self._users.get(name) or User(name=name, senders=())

    def refuse_sender(self, user: User, sender: Address | None) -> Reply | None:
        """Say why this user may not use that MAIL FROM; None: it may."""
        if _fits(user.senders, sender):
            return None
        shown = NULL_SENDER if sender is None else str(sender)
        return replies.SENDER_NOT_ALLOWED.saying(
            f"User {user.name} may not send as {shown} (users: senders)"
        )

    def refuse_authors(self, user: User, authors: Iterable[Address]) -> Reply | None:
        """Say why this user may not put these addresses into From and Sender; None: it may."""
        for author in authors:
            if not _fits(user.senders, author):
                return replies.AUTHOR_NOT_ALLOWED.saying(
                    f"User {user.name} may not write as {author} in From or Sender (users: senders)"
                )
        return None

    def recipient(self, question: Question) -> Decision | NeedsContent:
        """Decide on one recipient, or say that the content must be seen first."""
        user = self.user(None if question.user == NOBODY.name else question.user)
        if not _fits(user.recipients, question.recipient):
            return Reject(
                reply=replies.RECIPIENT_NOT_ALLOWED.saying(
                    f"User {user.name} may not send to {question.recipient} (users: recipients)"
                )
            )
        walked = walk(self._settings.rules, question)
        match walked:
            case Passes(gathered):
                return Accept(
                    changes=self._changes(user, gathered),
                    redirect=gathered.redirect,
                    rules=gathered.rules,
                )
            case Rejects(rule, reply):
                return Reject(reply=reply, rule=rule)
            case Discards(rule):
                return Discard(reason=f"rule {rule}", rule=rule)
            case Holds(rule, gathered):
                return Hold(
                    changes=self._changes(user, gathered),
                    redirect=gathered.redirect,
                    reason=f"rule {rule}",
                    rule=rule,
                )
            case NeedsContent():
                return walked
            case _:
                assert_never(walked)

    def _changes(self, user: User, gathered: Gathered) -> Changes:
        name = gathered.route or user.route
        route = self._settings.routes[name]
        return Changes(
            route=name,
            lane=gathered.lane or user.lane,
            configuration_set=(
                gathered.configuration_set or user.configuration_set or route.configuration_set
            ),
            # The nearer word wins: rule over user over route.
            tags=tuple({**route.tags, **user.tags, **dict(gathered.tags)}.items()),
            add_headers=gathered.add_headers,
            remove_headers=gathered.remove_headers,
            rewrite_from=gathered.rewrite_from,
            rewrite_sender=gathered.rewrite_sender,
        )


def _fits(patterns: Iterable[AddressPattern], address: Address | None) -> bool:
    text = NULL_SENDER if address is None else str(address)
    return any(pattern.matches(text) for pattern in patterns)
