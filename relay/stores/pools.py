"""What both stores keep of an account, written and read.

Errors: none; what another version wrote and this one cannot read is as good as unknown.
"""

from dataclasses import asdict, fields

from relay.model.account import AccountState
from relay.model.ports import Seen, Slowed
from relay.stores.plain import from_json, to_json

SLOT = 600_000_000  # microseconds of the day that are counted together
DAY = 86_400_000_000
FORGOTTEN = 3_600_000_000  # microseconds after its lease; who was cut off longer is not counted
_FIELDS = frozenset(field.name for field in fields(AccountState))


def write_state(state: AccountState) -> bytes:
    """Write what SES said."""
    return to_json(asdict(state))


def read_seen(octets: bytes | None, age: float | None) -> Seen | None:
    """Read it back, as old as it is in seconds; fields of a newer relay are left out."""
    if octets is None or age is None:
        return None
    try:
        found = from_json(octets)
        known = found.items() if isinstance(found, dict) else ()
        state = AccountState(**{name: value for name, value in known if name in _FIELDS})
    except (TypeError, ValueError):
        return None
    return Seen(state, max(0.0, age))


def read_slowed(peak: float | None, age: float | None) -> Slowed | None:
    """Give how the members were slowed, if they were; a clock that was set back makes it now."""
    return None if peak is None or age is None else Slowed(peak, max(0.0, age))
