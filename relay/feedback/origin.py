"""Whose mail an event is about, by our own record of the request or by the tags it carried.

Errors: none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from relay.feedback.events import Mail
from relay.model.message import TAG_QUEUE_ID, TAG_USER, tag_of
from relay.model.ports import Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from; empty where nothing is known."""

    user: str = ""
    route: str = ""
    queue_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)  # the operator's own


def origin_of(mail: Mail, sent: Sent | None, users: Iterable[str]) -> Origin:
    """Attribute a request; the tags do it where the history was lost, all but the route."""
    if sent is not None:
        return Origin(user=sent.user, route=sent.route, queue_id=sent.queue_id, tags=sent.tags)
    return Origin(
        user=next((name for name in users if tag_of(name) == mail.user), mail.user),
        queue_id=mail.queue_id,
        tags={
            name: values[0]
            for name, values in mail.tags.items()
            if values and ":" not in name and name not in (TAG_QUEUE_ID, TAG_USER)
        },
    )
