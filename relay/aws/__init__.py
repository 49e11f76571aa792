"""Makes AWS sessions and clients; nobody else in the relay does.

A route (one SES account and Region) gets its clients here, opened once and closed in order.
"""

from relay.aws.clients import RouteClients, UnusableRoute, open_clients, open_sts
from relay.aws.connections import AnswerLost, Connections, NotReached
from relay.aws.credentials import RenewableCredentials
from relay.aws.http_answer import HttpAnswer

__all__ = [
    "AnswerLost",
    "Connections",
    "HttpAnswer",
    "NotReached",
    "RenewableCredentials",
    "RouteClients",
    "UnusableRoute",
    "open_clients",
    "open_sts",
]
