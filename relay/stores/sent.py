"""What the history of a relayed request says of it, read back for events that come later.

Errors: none; a fact that is not what `message.relayed` notes counts as absent.
"""

from collections.abc import Mapping
from datetime import datetime

from relay.model.address import Address
from relay.model.envelope import Notify, Recipient, Ret
from relay.model.ports import Sent


def sent_of(at: datetime, facts: Mapping[str, object]) -> Sent:
    """Read what `message.relayed` noted."""
    asked = _texts(facts.get("dsn"))
    sender = Address.parse(_text(facts, "sender"))
    return Sent(
        ses_message_id=_text(facts, "ses_message_id"),
        queue_id=_text(facts, "queue_id"),
        session_id=_text(facts, "session_id"),
        user=_text(facts, "user"),
        route=_text(facts, "route"),
        sender=sender if isinstance(sender, Address) else None,
        recipients=tuple(
            Recipient(address, notify, orcpt)
            for address, notify, orcpt in _recipients(facts.get("recipients"), facts.get("dsn"))
        ),
        at=at,
        ret=Ret(asked["ret"]) if asked.get("ret") in set(Ret) else None,
        envid=asked.get("envid") or None,
        tags=_texts(facts.get("tags")),
    )


def _recipients(named: object, dsn: object) -> list[tuple[Address, frozenset[Notify], str | None]]:
    """Pair addresses with what their sender asked for them."""
    said = dsn.get("recipients") if isinstance(dsn, dict) else None
    found = []
    for text in named if isinstance(named, list) else ():
        address = Address.parse(str(text))
        if not isinstance(address, Address):
            continue
        asked = _texts(said.get(str(text))) if isinstance(said, dict) else {}
        words = set(asked.get("notify", "").split(",")) & {word.value for word in Notify}
        found.append((address, frozenset(map(Notify, words)), asked.get("orcpt") or None))
    return found


def _text(facts: Mapping[str, object], name: str) -> str:
    value = facts.get(name)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name): text for name, text in value.items() if isinstance(text, str)}
