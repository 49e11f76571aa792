"""The last messages and their lives, in memory: what the dashboard shows without a store.

Bounded in every direction: messages, events of one message, recipients of one event, and events
that belong to no message.

Errors: none; what fell out is None.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from relay.model.custody import HistoryEvent
from relay.web.minutes import Minutes, Pulse

_MOST_EVENTS = 60  # of one message: the first one stays, then the newest
_MOST_RECIPIENTS = 50

# The word for a message whose last event this was; a word not listed here stands for itself.
_STATES = {
    "message.received": "in work",
    "message.released": "in work",
    "feedback.delivery": "delivered",
    "feedback.delay": "delayed",
    "feedback.bounce": "bounced",
    "feedback.complaint": "complaint",
    "feedback.reject": "rejected",
    "message.bounced": "failed",  # its failure was reported to somebody
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One event."""

    event: str
    at: datetime
    facts: Mapping[str, object]

    def text(self, name: str) -> str:
        """Give a fact as text; empty when the event has none of that name."""
        fact = self.facts.get(name)
        return "" if fact is None else str(fact)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The recipients it names, 50 at most."""
        named = self.facts.get("recipients")
        return tuple(map(str, named)) if isinstance(named, list | tuple) else ()


@dataclass(slots=True)
class Life:
    """What is known of one message, oldest event first."""

    queue_id: str
    events: list[Happening] = field(default_factory=list)

    @property
    def first(self) -> Happening:
        """The event that made it known; usually its reception."""
        return self.events[0]

    @property
    def last(self) -> Happening:
        """The newest event."""
        return self.events[-1]

    @property
    def user(self) -> str:
        """Whose message it is; empty where no event says it."""
        return next((user for event in self.events if (user := event.text("user"))), "")

    @property
    def state(self) -> str:
        """One word: relayed, deferred, failed, delivered, and so on."""
        return _STATES.get(self.last.event, self.last.event.partition(".")[2])

    def about(self, words: str) -> bool:
        """Say if an id, an address or a Message-ID of this message has these words in it."""
        names = ("sender", "user", "message_id", "ses_message_id", "client")
        wanted = words.casefold()
        return wanted in self.queue_id.casefold() or any(
            wanted in text.casefold()
            for happening in self.events
            for text in (*map(happening.text, names), *happening.recipients)
        )


class Recent:
    """Implements `relay.model.ports.History` within bounds."""

    def __init__(self, *, most_messages: int = 500, most_notices: int = 100) -> None:
        self._lives: dict[str, Life] = {}
        self._notices: deque[Happening] = deque(maxlen=most_notices)
        self._most = most_messages
        self.totals: Counter[str] = Counter()  # events since the start
        self.minutes, self.pulse = Minutes(), Pulse()

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Remember one event under its message, or among the notices."""
        self.totals[event] += 1
        self._remember(event, at, facts)

    def recall(self, events: Iterable[HistoryEvent]) -> None:
        """Remember events from before the start, the oldest first; they count in no total.

        What is left of a message whose reception is not among them would tell nobody anything.
        """
        for event in events:
            queue_id = str(event.facts.get("queue_id", ""))
            if not queue_id or queue_id in self._lives or event.event == "message.received":
                self._remember(event.event, event.at, event.facts)

    def _remember(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        recipients = facts.get("recipients")
        count = len(recipients) if isinstance(recipients, list) else 1
        self.minutes.note(event, at, count)
        if event == "message.relayed":
            self.pulse.note(str(facts.get("route", "")), at, count)
        if isinstance(recipients, list) and len(recipients) > _MOST_RECIPIENTS:
            cut = {
                "recipients": recipients[:_MOST_RECIPIENTS],
                "recipient_count": len(recipients),
            }
            facts = {**facts, **cut}
        happening = Happening(event, at, facts)
        queue_id = happening.text("queue_id")
        if not queue_id:
            self._notices.append(happening)
            return
        life = self._lives.get(queue_id)
        if life is None:
            life = self._lives[queue_id] = Life(queue_id)
            if len(self._lives) > self._most:
                del self._lives[next(iter(self._lives))]
        life.events.append(happening)
        if len(life.events) > _MOST_EVENTS:
            del life.events[1]

    def lives(self, *, most: int = 100, about: str = "", user: str = "") -> list[Life]:
        """Give the newest messages first, those that `about` (an id, an address) and user fit."""
        fitting = (
            life
            for life in reversed(self._lives.values())
            if (not about or life.about(about)) and (not user or life.user == user)
        )
        return list(islice(fitting, most))

    def life(self, queue_id: str) -> Life | None:
        """Give one message's life."""
        return self._lives.get(queue_id)

    def relayed_as(self, ses_message_id: str) -> Life | None:
        """Find the message that SES took under this id."""
        return next(
            (
                life
                for life in reversed(self._lives.values())
                if any(event.text("ses_message_id") == ses_message_id for event in life.events)
            ),
            None,
        )

    def notices(self, *, most: int = 20) -> list[Happening]:
        """Give events that belong to no message, newest first: refusals, account, reputation."""
        return list(islice(reversed(self._notices), most))
