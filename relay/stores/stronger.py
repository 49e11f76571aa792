"""Which of two entries of the suppression list stays when an event speaks of an address again.

The choice is the same in whatever order they come, so that events delivered twice and backwards
give the same list.

Errors: none.
"""

from datetime import UTC, datetime

from relay.model.ports import FROM_ACCOUNT, LEARNED_REASONS, Suppressed

_FOR_GOOD = datetime.max.replace(tzinfo=UTC)


def stronger(one: Suppressed, other: Suppressed) -> Suppressed:
    """Give the entry that lasts longer.

    Of two alike an operator's; then one that we learned ourselves, before one that is there for the
    sake of an account's list; then the older one.
    """
    return min(one, other, key=_rank)


def in_force(entry: Suppressed | None, now: datetime) -> bool:
    """Say if an entry, if there is one, has not ended."""
    return entry is not None and (entry.until is None or entry.until > now)


def _rank(entry: Suppressed) -> tuple[float, bool, bool, datetime, str, str]:
    lasts = (entry.until or _FOR_GOOD).timestamp()
    learned = entry.reason in LEARNED_REASONS
    return -lasts, learned, entry.reason == FROM_ACCOUNT, entry.since, entry.reason, entry.note
