"""A dry run of one message through the relay's own flow: nothing is sent, nothing is written."""

from relay.service.explain.explain import explain
from relay.service.explain.told import Explanation, Planned, PlannedRequest, Settled, Stage
from relay.service.explain.walk import Attempted

__all__ = [
    "Attempted",
    "Explanation",
    "Planned",
    "PlannedRequest",
    "Settled",
    "Stage",
    "explain",
]
