"""Does a rule apply? Yes, no, or: the content must be seen first.

All conditions of a rule must hold, within one condition any of its values. A condition on the
envelope that does not hold settles the matter even while conditions on the content are open.
Errors: none.
"""

from enum import Enum

from relay.model.settings import NULL_SENDER, Conditions
from relay.policy.question import Question, Seen


class Applies(Enum):
    """The three answers."""

    YES = "yes"
    NO = "no"
    NEEDS_CONTENT = "needs content"


def applies(when: Conditions, question: Question) -> Applies:
    """Ask one rule's conditions."""
    if not _envelope_fits(when, question):
        return Applies.NO
    if not (when.author or when.header or when.larger_than is not None):
        return Applies.YES
    if question.seen is None:
        return Applies.NEEDS_CONTENT
    return Applies.YES if _content_fits(when, question.seen) else Applies.NO


def _envelope_fits(when: Conditions, question: Question) -> bool:
    client = question.client
    sender = NULL_SENDER if question.sender is None else str(question.sender)
    recipient = str(question.recipient)
    return (
        (not when.user or any(glob.matches(question.user) for glob in when.user))
        and (not when.recipient or any(known.matches(recipient) for known in when.recipient))
        and (not when.sender or any(known.matches(sender) for known in when.sender))
        and (not when.listener or any(glob.matches(client.listener) for glob in when.listener))
        and (
            not when.network
            or (
                client.address is not None
                and any(client.address in network for network in when.network)
            )
        )
    )


def _content_fits(when: Conditions, seen: Seen) -> bool:
    authors = [str(author) for author in seen.authors]
    if when.author and not any(p.matches(author) for p in when.author for author in authors):
        return False
    if when.larger_than is not None and seen.size <= when.larger_than:
        return False
    return all(
        any(
            glob.matches(field.value.decode("utf-8", "replace"))
            for field in seen.content.named(name.lower().encode())
        )
        for name, glob in when.header.items()
    )
