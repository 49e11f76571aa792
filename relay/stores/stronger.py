"""Which of two entries of the suppression list stays when an event speaks of an address again.

The choice is the same in whatever order they come, so that events delivered twice and backwards
give the same list.

Errors: none.
"""

from datetime import UTC, datetime

from relay.model.ports import LEARNED_REASONS, Suppressed

_FOR_GOOD = datetime.max.replace(tzinfo=UTC)


def stronger(one: Suppressed, other: Suppressed) -> Suppressed:
    """Give the entry that lasts longer; of two alike an operator's, then the older one."""
    return min(one, other, key=_rank)


def _rank(entry: Suppressed) -> tuple[float, bool, datetime, str, str]:
    lasts = (entry.until or _FOR_GOOD).timestamp()
    learned = entry.reason in LEARNED_REASONS
    return -lasts, learned, entry.since, entry.reason, entry.note
