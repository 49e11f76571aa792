"""JSON for what the relay keeps: fast, and complete even for texts that were no UTF-8.

Errors: `ValueError` for octets that are no JSON.
"""

import json

import orjson


def to_json(value: object) -> bytes:
    """Write a value; what JSON has no word for is written as its text."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # a lone surrogate or a huge number; the slow writer can do both
        return json.dumps(value, default=str).encode("ascii")


def from_json(octets: bytes) -> object:
    """Read a value back."""
    found: object
    try:
        found = orjson.loads(octets)
    except orjson.JSONDecodeError:
        found = json.loads(octets)
    return found
