"""Who sends now, for fresh mail and backlog alike.

One object, `FairScheduler`, answers. Per route it has a throttle (recipients per second), a quota
(recipients in 24 hours) and lanes of waiting users; over all of them stand the gates and holds.
Nothing here is a task: waiters are woken by the outcomes of requests and by one timer per route.
"""

from relay.scheduler.fair import FairScheduler
from relay.scheduler.notices import (
    GateClosed,
    GateOpened,
    Notice,
    RateChanged,
    RouteStatus,
    ShareTooSmall,
)
from relay.scheduler.pace import Allotment
from relay.scheduler.throttle import Part

__all__ = [
    "Allotment",
    "FairScheduler",
    "GateClosed",
    "GateOpened",
    "Notice",
    "Part",
    "RateChanged",
    "RouteStatus",
    "ShareTooSmall",
]
