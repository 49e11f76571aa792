"""When to try again: doubling pauses, spread so that a crowd does not come back at once.

Standards: RFC 5321 §4.5.4.1 asks senders to wait 30 minutes between attempts at one destination;
SES asks for exponential backoff with jitter instead (SES Developer Guide, manage-sending-quotas).
Errors: none.
"""

from datetime import datetime, timedelta

from relay.model.progress import Times
from relay.model.settings import Queue

# SES may still be at work on a request whose answer was lost; ten minutes outlast every time-out
# on the way there and back.
UNKNOWN_PAUSE = timedelta(minutes=10)


SPREAD = 0.25  # of a pause, either way


def longest(queue: Queue) -> timedelta:
    """Give a time that no pause between two attempts is longer than, but for a used-up quota's."""
    pause = max(queue.backoff_max, queue.backoff_min) * (1 + SPREAD)
    # Beside the backoff: a lost answer's pause, and the probes of a closed scope.
    return max(timedelta(seconds=pause), 2 * UNKNOWN_PAUSE)


def times(queue: Queue, attempts: int, now: datetime, chance: float) -> Times:
    """Give the times for an entry after `attempts` counted attempts; `chance` is in [0, 1).

    The spread is applied after the cap, or all old entries would come back together.
    """
    pause = min(queue.backoff_min * 2.0 ** min(attempts, 30), queue.backoff_max)
    spread = 1 - SPREAD + 2 * SPREAD * chance
    return Times(
        now=now,
        retry_at=now + timedelta(seconds=pause * spread),
        retry_unknown_at=now + UNKNOWN_PAUSE * (1 + chance / 2),
    )
