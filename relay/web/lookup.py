"""Finding messages and users, for pages and programs alike: in memory first, then in the store.

Errors: what the store cannot say is left out; what is in memory is found all the same.
"""

from dataclasses import dataclass

from relay.model.entry import QueueEntry
from relay.model.outcome import ScopeKind
from relay.model.ports import StoreFault, name_of_user, spellings
from relay.web.recent import Happening, Life
from relay.web.sources import Sources

_MOST_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """One message."""

    life: Life
    entry: QueueEntry | None  # None: it is not in the queue


class Lookup:
    """Answers "where is my mail?"."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def messages(self, about: str, most: int) -> list[Life]:
        """Give messages, the newest first; all that fit `about`, an id or an address."""
        found = self._sources.recent.lives(most=most, about=about)
        for name in spellings(about) if about else ():
            if older := await self._traced(name):
                return _with_older(found, older, most)
        return found

    async def of_user(self, user: str, most: int = 50) -> list[Life]:
        """Give the newest messages of a user."""
        found = self._sources.recent.lives(most=most, user=user)
        if len(found) < most:
            found = _with_older(found, await self._traced(name_of_user(user)), most)
        return found

    async def message(self, queue_id: str) -> Found | None:
        """Give one message: its life as far as it is known, and its place in the queue."""
        life, store = self._sources.recent.life(queue_id), self._sources.store
        if life is None or life.first.event != "message.received":
            # Memory knows only what happened since the start.
            older = [one for one in await self._traced(queue_id) if one.queue_id == queue_id]
            life = older[0] if older else life
        kept = await store.control.find(queue_id) if store is not None else None
        entry = kept if isinstance(kept, QueueEntry) else None
        if life is None and entry is not None:
            life = _life_of(entry)
        return None if life is None else Found(life, entry)

    def knows(self, user: str) -> bool:
        """Say if the configuration names this user, or mail is known of one."""
        sources = self._sources
        return user in sources.known(ScopeKind.USER) or sources.users.record(user).since is not None

    async def _traced(self, name: str) -> list[Life]:
        """Give the messages that the history knows by this name, the newest first."""
        if self._sources.store is None:
            return []
        events = await self._sources.store.trace.trace(name, _MOST_EVENTS)
        if isinstance(events, StoreFault):
            return []  # `store.fault` is logged elsewhere
        by_id: dict[str, Life] = {}
        for event in events:
            happening = Happening(event.event, event.at, event.facts)
            if queue_id := happening.text("queue_id"):
                by_id.setdefault(queue_id, Life(queue_id)).events.append(happening)
        return list(by_id.values())[::-1]


def _with_older(recent: list[Life], older: list[Life], most: int) -> list[Life]:
    """Put what only the store's history knows behind what is in memory."""
    known = {life.queue_id for life in recent}
    return [*recent, *(life for life in older if life.queue_id not in known)][:most]


def _life_of(entry: QueueEntry) -> Life:
    """Tell of a message that is kept what its entry knows, where the history has lost it."""
    message = entry.message
    facts = {
        "queue_id": entry.id,
        "user": message.user,
        "sender": str(message.sender or "<>"),
        "recipients": [str(recipient.address) for recipient in message.recipients],
        "route": message.route,
        "lane": message.lane,
        "message_id": message.message_id,
    }
    return Life(entry.id, [Happening("message.received", message.received_at, facts)])
