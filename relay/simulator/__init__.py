"""A double of Amazon SES, for this project's tests and for anyone else's.

It speaks both APIs (v1 Query, v2 REST-JSON) and STS on one port as the stock AWS SDKs expect
them, checks signatures, enforces SES's limits and refuses in SES's words, so that what breaks
in production breaks in the test. Faults are scripted, accepted messages are read back, and what
becomes of them is told by events in an SQS-speaking queue on the same port, ACCOUNT/events.

Three ways to use it:

- in process: `Simulator().respond(request)`, or `Simulator().service.send(…)`;
- as an application: `make_app(simulator)`;
- served: `async with running(simulator, "127.0.0.1:0") as url: …`

Point an SDK at it with `endpoint_url=url` and the keys `simulator` / `simulator`. It knows
nothing of the rest of this package.
"""

from .account import (
    Account,
    ConfigurationSet,
    Denial,
    Enforcement,
    Suppressed,
    SuppressionReason,
    Tenant,
    TenantStatus,
)
from .app import make_app, running
from .exchange import Answer, Answered, Cut, HttpRequest
from .fates import Fate, Scripted
from .faults import Delay, Drop, Fail, Fault
from .mailbox import Mailbox, Message
from .publishing import Publishing
from .refusal import Refusal
from .service import Service
from .simulator import Simulator
from .submission import Arns, Caller, Submission

__all__ = [
    "Account",
    "Answer",
    "Answered",
    "Arns",
    "Caller",
    "ConfigurationSet",
    "Cut",
    "Delay",
    "Denial",
    "Drop",
    "Enforcement",
    "Fail",
    "Fate",
    "Fault",
    "HttpRequest",
    "Mailbox",
    "Message",
    "Publishing",
    "Refusal",
    "Scripted",
    "Service",
    "Simulator",
    "Submission",
    "Suppressed",
    "SuppressionReason",
    "Tenant",
    "TenantStatus",
    "make_app",
    "running",
]
