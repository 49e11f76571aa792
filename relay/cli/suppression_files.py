"""The suppression list as a file: CSV (RFC 4180) or JSON lines, one address a line.

Columns and keys: address, reason, note, since, until. Times are RFC 3339 with their zone.

Errors: `BadLines`; nothing is raised for anything a text can hold.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from relay.model.address import Address, AddressFault
from relay.model.documents import moment
from relay.model.ports import Suppressed

KEYS = ("address", "reason", "note", "since", "until")
_SHOWN = 20  # faults told one by one


@dataclass(frozen=True, slots=True)
class BadLines:
    """Lines that cannot be read: the first of them with number, reason and fix; and how many."""

    faults: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class _Wrong:
    reason: str


def read_lines(text: str, default: Suppressed) -> list[Suppressed] | BadLines:
    """Read a file; `default` has what a line leaves out. JSON lines begin with a brace."""
    values = _json_values(text) if text.lstrip().startswith("{") else _csv_values(text)
    found: list[Suppressed] = []
    faults: list[str] = []
    for number, value in values:
        one = value if isinstance(value, _Wrong) else _suppressed(value, default)
        if isinstance(one, _Wrong):
            faults.append(f"{number}: {one.reason}")
        else:
            found.append(one)
    return BadLines(tuple(faults[:_SHOWN]), len(faults)) if faults else found


def csv_lines(entries: Sequence[Suppressed] | None) -> str:
    """Write entries as CSV; None is the line of titles."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    if entries is None:
        lines.writerow(KEYS)
    else:
        lines.writerows([value or "" for value in _values(one)] for one in entries)
    return written.getvalue()


def json_line(one: Suppressed) -> str:
    """Write one entry as a line of JSON."""
    return json.dumps(dict(zip(KEYS, _values(one), strict=True))) + "\n"


def _values(one: Suppressed) -> tuple[str | None, ...]:
    return one.address, one.reason, one.note, moment(one.since), moment(one.until)


def _json_values(text: str) -> Iterator[tuple[int, Mapping[str, str] | _Wrong]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield number, _Wrong("is not JSON; write one object on each line")
            continue
        yield number, _texts(value)


def _texts(value: object) -> Mapping[str, str] | _Wrong:
    if not isinstance(value, dict):
        return _Wrong('is no object; write {"address": "name@example.org"}')
    if odd := [str(key) for key in value if key not in KEYS]:
        return _Wrong(f"has {', '.join(odd)}; the keys are {', '.join(KEYS)}")
    given = {key: text for key, text in value.items() if text is not None}
    if odd := [key for key, text in given.items() if not isinstance(text, str)]:
        return _Wrong(f"{', '.join(odd)} is no text; write it in quotes")
    return given


def _csv_values(text: str) -> Iterator[tuple[int, Mapping[str, str] | _Wrong]]:
    lines = csv.reader(io.StringIO(text, newline=""))
    keys: Sequence[str] | None = None
    while True:
        try:
            cells = [cell.strip() for cell in next(lines)]
        except StopIteration:
            return
        except csv.Error as error:
            yield lines.line_num, _Wrong(f"is not CSV ({error}); write one address a line")
            return
        if not any(cells):
            continue
        if keys is None:
            titles = [cell.lower() for cell in cells]
            keys = titles if "address" in titles else KEYS
            if keys is titles:
                if odd := [title for title in titles if title not in KEYS]:
                    yield (
                        lines.line_num,
                        _Wrong(f"has the title {', '.join(odd)}; the titles are {', '.join(KEYS)}"),
                    )
                    return
                continue
        if len(cells) > len(keys):
            yield lines.line_num, _Wrong(f"has {len(cells)} cells; {len(keys)} at most are read")
            continue
        yield lines.line_num, dict(zip(keys, cells, strict=False))


def _suppressed(value: Mapping[str, str], default: Suppressed) -> Suppressed | _Wrong:
    address = Address.parse(value.get("address", ""))
    if isinstance(address, AddressFault):
        text = value.get("address", "")
        return _Wrong(f"{text!r}: {address}; write name@example.org")
    times: dict[str, datetime] = {}
    for key in ("since", "until"):
        if text := value.get(key, ""):
            time = _time(text)
            if time is None:
                return _Wrong(f"{key} {text!r} is no time; write 2027-01-01T00:00:00Z")
            times[key] = time
    return replace(
        default,
        address=str(address),
        reason=value.get("reason") or default.reason,
        note=value.get("note") or default.note,
        since=times.get("since", default.since),
        until=times.get("until"),
    )


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
