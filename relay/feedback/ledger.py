"""How much was sent and how much of it came back, by sender and by the time it was sent.

What comes back counts with the mail it belongs to, so that late events, events twice and events
backwards give the same ratio.

Errors: none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from relay.feedback.origin import Origin
from relay.feedback.slots import Slots
from relay.feedback.treatment import is_simulated
from relay.model.address import Address
from relay.model.ports import TALLY_SLOT, Subject, Tally, slot_of
from relay.model.reputation import Count

_SLOT_SECONDS = TALLY_SLOT.total_seconds()
# User, route, tags, and the slot by its number.
_Sender = tuple[str, str, tuple[tuple[str, str], ...], int]
_MOST_TAGS = 10_000  # beyond, a new tag is not counted: it names messages, not kinds of mail


class Ledger:
    """The counts of all subjects. Hears of what is sent as a `relay.model.ports.History`."""

    def __init__(self) -> None:
        self._slots: dict[tuple[Subject, str], Slots] = {}
        self._unsaved: dict[tuple[Subject, str, datetime], Tally] = {}
        # What SES took since somebody last asked, by sender and slot: recipients, messages, and
        # recipients at the mailbox simulator.
        self._fresh: dict[_Sender, list[int]] = {}

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Count what SES took; called with each event of a message's life."""
        named = facts.get("recipients")
        if event != "message.relayed" or not isinstance(named, list):
            return
        tags = facts.get("tags")
        known = tuple(tags.items()) if isinstance(tags, dict) else ()
        slot = int(at.timestamp() // _SLOT_SECONDS)
        sender = (str(facts.get("user", "")), str(facts.get("route", "")), known, slot)
        sent = self._fresh.setdefault(sender, [0, 0, 0])
        simulated = len([1 for text in named if _simulated(str(text))])
        sent[0] += len(named) - simulated
        sent[1] += facts.get("request") == 1
        sent[2] += simulated

    def _settle(self) -> None:
        """Enter what was only noted: once for many messages."""
        fresh, self._fresh = self._fresh, {}
        for (user, route, tags, slot), (relayed, messages, simulated) in fresh.items():
            at = datetime.fromtimestamp(slot * _SLOT_SECONDS, UTC)
            origin = Origin(user=user, route=route, tags=dict(tags))
            count = Count(relayed=relayed, messages=messages, simulated=simulated)
            for tally in self.spread(origin, at, count):
                self.add(tally)
                self.keep(tally)

    def spread(self, origin: Origin, at: datetime, count: Count) -> Sequence[Tally]:
        """Count for the user, for the route and for each tag, as far as they are known."""
        names = [(Subject.USER, origin.user), (Subject.ROUTE, origin.route)]
        if len(self._slots) < _MOST_TAGS:
            names += [(Subject.TAG, f"{name}={value}") for name, value in origin.tags.items()]
        return tuple(
            Tally(
                subject=subject,
                name=name,
                slot=slot_of(at),
                messages=count.messages,
                relayed=count.relayed,
                bounced=count.bounced,
                complained=count.complained,
                simulated=count.simulated,
            )
            for subject, name in names
            if name
        )

    def add(self, tally: Tally) -> None:
        """Add to a slot."""
        key = (tally.subject, tally.name)
        slots = self._slots.get(key)
        if slots is None:
            slots = self._slots[key] = Slots()
        count = Count(
            tally.relayed, tally.bounced, tally.complained, tally.messages, tally.simulated
        )
        slots.add(tally.slot, count)

    def keep(self, tally: Tally) -> None:
        """Remember to save it, in one sum with what else falls into its slot."""
        key = (tally.subject, tally.name, tally.slot)
        known = self._unsaved.get(key)
        if known is not None:
            tally = replace(
                tally,
                messages=known.messages + tally.messages,
                relayed=known.relayed + tally.relayed,
                bounced=known.bounced + tally.bounced,
                complained=known.complained + tally.complained,
                simulated=known.simulated + tally.simulated,
            )
        self._unsaved[key] = tally

    def unsaved(self) -> Sequence[Tally]:
        """Give, once, what is to be saved."""
        self._settle()
        unsaved, self._unsaved = self._unsaved, {}
        return tuple(unsaved.values())

    def names(self, subject: Subject) -> Iterator[str]:
        """Give all of one kind that anything is known of."""
        self._settle()
        return (name for kind, name in list(self._slots) if kind is subject)

    def of(self, subject: Subject, name: str) -> Slots:
        """Give what is counted for one; nothing, where nothing is."""
        self._settle()
        return self._slots.get((subject, name)) or Slots()


def _simulated(text: str) -> bool:
    address = Address.parse(text) if "simulator" in text.lower() else None
    return isinstance(address, Address) and is_simulated(address)
