"""Makes AWS sessions and clients; nobody else in the relay does.

A route (one SES account and Region) gets its clients here, opened once and closed in order.
"""

from relay.aws.clients import RouteClients, UnusableRoute, open_clients, open_sts
from relay.aws.credentials import RenewableCredentials

__all__ = [
    "RenewableCredentials",
    "RouteClients",
    "UnusableRoute",
    "open_clients",
    "open_sts",
]
