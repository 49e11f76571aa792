"""Ids of messages and sessions: short, unique without coordination, sortable by time.

A queue id is also the value of an SES message tag, which allows only [A-Za-z0-9_-] (SES API
reference, MessageTag), and it stands in the Received header.
"""

import secrets
from datetime import datetime

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [high + low for high in _DIGITS for low in _DIGITS]  # two digits at a step


def _base36(number: int, width: int) -> str:
    written = ""
    for _ in range(0, width, 2):
        number, pair = divmod(number, 36 * 36)
        written = _PAIRS[pair] + written
    return written[-width:]


def queue_id(now: datetime) -> str:
    """Make an id: nine digits of milliseconds since 1970, seven of chance (36 bits)."""
    return _base36(int(now.timestamp() * 1000), 9) + _base36(secrets.randbits(36), 7)


def session_id(now: datetime) -> str:
    """Make an id for one SMTP session: nine digits of milliseconds, four of chance (20 bits)."""
    return _base36(int(now.timestamp() * 1000), 9) + _base36(secrets.randbits(20), 4)
