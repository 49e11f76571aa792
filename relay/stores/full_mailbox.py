"""When a mailbox was full so often that it gets no mail for a while; for every store.

Errors: none.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from relay.model.ports import Suppressed

# In which full mailboxes are counted, and for which they suppress.
WINDOW = timedelta(days=30)


def too_full(address: str, times: Sequence[datetime], limit: int) -> Suppressed | None:
    """Suppress an address that was full `limit` times within any window; `times` ascend."""
    ends = [
        last
        for first, last in zip(times, times[limit - 1 :], strict=False)
        if last - first <= WINDOW
    ]
    if not ends:
        return None
    return Suppressed(
        address=address,
        reason="mailbox_full",
        since=ends[-1],
        until=ends[-1] + WINDOW,
        note=f"{limit} bounces of a full mailbox within {WINDOW.days} days",
    )
