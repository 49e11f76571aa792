"""Which kept mail the queue should have in work: n entries per key, never by due time alone.

Claimed by due time, 9,000 bulk entries or a held scope would fill the queue's window, and nobody
else would ever reach the lanes.

Errors: none.
"""

from collections.abc import Mapping, Sequence

from relay.model.ports import QueueKey
from relay.model.settings import Lane

BULK_ROOM = 10  # one place in so many is bulk mail's


def divide(
    wanted: Mapping[QueueKey, int], claimed: Mapping[QueueKey, int], room: int
) -> dict[QueueKey, int]:
    """Share `room` places among keys: urgent mail first, equally, who has least in work first."""
    in_order = sorted(wanted, key=lambda key: claimed.get(key, 0))
    urgent = [key for key in in_order if key.lane is Lane.TRANSACTIONAL]
    bulk = [key for key in in_order if key.lane is Lane.BULK]
    reserve = min(-(-room // BULK_ROOM), sum(wanted[key] for key in bulk)) if room > 1 else 0
    shares = _equally(urgent, wanted, room - reserve)
    shares |= _equally(bulk, wanted, room - sum(shares.values()))
    return shares


def _equally(
    keys: Sequence[QueueKey], wanted: Mapping[QueueKey, int], room: int
) -> dict[QueueKey, int]:
    shares = dict.fromkeys(keys, 0)
    hungry = list(keys)
    while hungry and room > 0:
        each = max(1, room // len(hungry))
        for key in hungry:
            more = min(each, wanted[key] - shares[key], room)
            shares[key] += more
            room -= more
        hungry = [key for key in hungry if shares[key] < wanted[key]]
    return {key: share for key, share in shares.items() if share}
