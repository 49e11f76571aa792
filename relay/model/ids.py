"""Queue ids: short, unique without coordination, sortable by time.

A queue id is also the value of an SES message tag, which allows only [A-Za-z0-9_-] (SES API
reference, MessageTag), and it stands in the Received header.
"""

import secrets
from datetime import datetime

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _base36(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def queue_id(now: datetime) -> str:
    """Make an id: nine digits of milliseconds since 1970, seven of chance (36 bits)."""
    return _base36(int(now.timestamp() * 1000), 9) + _base36(secrets.randbits(36), 7)


def session_id() -> str:
    """Make an id for one SMTP session."""
    return _base36(secrets.randbits(51), 10)
