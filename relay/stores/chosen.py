"""What an operator's selection means for one entry, and what their words do to it; for every store.

Errors: none.
"""

import re
from dataclasses import replace
from datetime import datetime

from relay.model.custody import EntryState, Selection
from relay.model.entry import QueueEntry
from relay.model.ports import Corrupt
from relay.model.settings import NULL_SENDER

_PLAIN = re.compile(r"[ !#-\[\]-~]+")


def fits(chosen: Selection, entry: QueueEntry | Corrupt, now: datetime) -> bool:
    """Tell what only the entry itself can tell; of a damaged one that is nothing."""
    if isinstance(entry, Corrupt):
        return (
            chosen.state in (None, EntryState.CORRUPT)
            and chosen.sender is None
            and chosen.recipient is None
        )
    message = entry.message
    if chosen.state is not None and EntryState.of(entry, now) is not chosen.state:
        return False
    sender = NULL_SENDER if message.sender is None else str(message.sender)
    if chosen.sender is not None and not chosen.sender.matches(sender):
        return False
    pattern = chosen.recipient
    return pattern is None or any(
        pattern.matches(str(recipient.address)) for recipient in message.recipients
    )


def words_within(chosen: Selection) -> list[str]:
    """Give words, in lower case, that stand in what is kept of every message that fits.

    A database finds them without the relay reading each message. Only words that JSON writes as
    they are, and whose case is ASCII's.
    """
    patterns = [one.text for one in (chosen.sender, chosen.recipient) if one is not None]
    pieces = [text.split("*") for text in patterns if text != NULL_SENDER]
    plain = [[piece.lower() for piece in found if _PLAIN.fullmatch(piece)] for found in pieces]
    return [max(found, key=len) for found in plain if found]


def only_sound(chosen: Selection) -> bool:
    """Tell if what is asked for cannot be told of a damaged entry."""
    return any(
        (
            *(chosen.user, chosen.route, chosen.sender, chosen.recipient),
            *(chosen.received_before, chosen.due_after),
        )
    )


def released(entry: QueueEntry, now: datetime) -> QueueEntry:
    """End an entry's hold; it is due at once. One that is not held stays as it is."""
    return entry if entry.held is None else replace(due_now(entry, now), held=None)


def retried(entry: QueueEntry, now: datetime) -> QueueEntry:
    """Make an entry due at once, unless it is held: that is another word's business."""
    return entry if EntryState.of(entry, now) is EntryState.HELD else due_now(entry, now)


def due_now(entry: QueueEntry, now: datetime) -> QueueEntry:
    """Make an entry and all its open requests due at once."""
    requests = tuple(
        replace(request, not_before=None) if request in entry.open_requests else request
        for request in entry.requests
    )
    return replace(entry, next_attempt_at=now, requests=requests)
