"""AWS's no to a question beside the mail, in the kinds that one acts on differently.

Errors: none.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Why(Enum):
    """What kind of no it is."""

    ABSENT = "absent"
    DENIED = "denied"  # the role lacks the permission
    CREDENTIALS = "credentials"
    THROTTLED = "throttled"  # asked too often, by us or by others of the account
    REFUSED = "refused"  # what was asked for cannot be
    EXPIRED = "expired"  # the token of a page is not good any more
    UNREACHABLE = "unreachable"  # or an answer that tells nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """AWS did not say; `detail` is its words or botocore's."""

    why: Why
    detail: str
    at: datetime | None = None  # the time at AWS, where it answered at all
