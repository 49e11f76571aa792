"""By which names the history of a message is found again; for every store.

Errors: none.
"""

from collections.abc import Iterator, Mapping

from relay.model.ports import name_of_user

# The facts that name a message, beside those in the list `recipients`.
_NAMING = ("queue_id", "ses_message_id", "message_id", "session_id")


def name_of(text: str) -> str:
    """Give a name as it is kept: without case, and as a database can keep it."""
    return text.lower().encode(errors="replace").decode()


def life_of(facts: Mapping[str, object]) -> str:
    """Give what an event belongs to: its message, else its session, else its only recipient."""
    found = facts.get("queue_id") or facts.get("session_id")
    recipients = facts.get("recipients")
    if not found and isinstance(recipients, list | tuple) and len(recipients) == 1:
        found = name_of(str(recipients[0]))
    return str(found or "")


def names_of(event: str, facts: Mapping[str, object]) -> Iterator[str]:
    """Give the names among the facts of an event; a message's first one names its user."""
    if event == "message.received" and (user := facts.get("user")):
        yield name_of(name_of_user(str(user)))
    for fact in _NAMING:
        value = facts.get(fact)
        if isinstance(value, str) and value:
            yield name_of(value)
    recipients = facts.get("recipients")
    if isinstance(recipients, list | tuple):
        for recipient in recipients:
            yield name_of(str(recipient))
