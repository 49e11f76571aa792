"""Scripted faults as the control path shows and reads them.

`{"operation": "SendEmail" or "*", "times": 1, "then": …}` where `then` is one of
`{"code": …, "message": …, "status": 400}`, `{"delay_s": …}` and `{"drop": "before" | "after"}`.

Errors: none; what is wrong is one sentence.
"""

from .document import Document, parse
from .faults import ANY_OPERATION, Consequence, Delay, Drop, Fail, Fault
from .sts import OPERATIONS as STS_OPERATIONS
from .v1 import OPERATIONS as V1_OPERATIONS
from .v2 import ROUTES

_OPERATIONS = frozenset(
    {*V1_OPERATIONS, *STS_OPERATIONS, *(route.name for route in ROUTES), ANY_OPERATION}
)
_MOST_TIMES = 1_000_000
_MOST_DELAY_S = 3_600.0


def shown(fault: Fault) -> dict[str, object]:
    """A fault as JSON, with the times it is left."""
    then: dict[str, object]
    match fault.then:
        case Fail(code=code, message=message, status=status):
            then = {"code": code, "message": message, "status": status}
        case Delay(delay_s=delay_s):
            then = {"delay_s": delay_s}
        case Drop(when=when):
            then = {"drop": when}
    return {"operation": fault.operation, "times": fault.times, "then": then}


def read(body: bytes) -> Fault | str:
    """Read one fault, or say everything that is wrong with it."""
    asked = parse(body)
    if isinstance(asked, str):
        return asked
    asked.refuse_others(("operation", "times", "then"))
    operation = asked.text("operation") or ""
    if operation not in _OPERATIONS:
        asked.fault("operation", f"must be one of {', '.join(sorted(_OPERATIONS))}")
    times = asked.number("times")
    times = 1.0 if times is None else times
    if not 1 <= times <= _MOST_TIMES or times != int(times):
        asked.fault("times", f"must be a whole number from 1 to {_MOST_TIMES}")
    then = _consequence(asked.inner("then"))
    if then is None:
        asked.fault("then", "needs one of code, delay_s and drop")
    if asked.faults or then is None:
        return "; ".join(asked.faults)
    return Fault(operation=operation, times=int(times), then=then)


def _consequence(then: Document) -> Consequence | None:
    """What `then` asks for; wrong values are noted as faults and replaced."""
    if "drop" in then:
        then.refuse_others(("drop",))
        if then.text("drop") not in ("before", "after"):
            then.fault("drop", "must be before or after")
        return Drop("before" if then.text("drop") == "before" else "after")
    if "delay_s" in then:
        then.refuse_others(("delay_s",))
        delay_s = then.number("delay_s") or 0.0
        if not 0 < delay_s <= _MOST_DELAY_S:
            then.fault("delay_s", f"must be above 0 and at most {_MOST_DELAY_S:g} seconds")
        return Delay(delay_s)
    return _failure(then) if "code" in then else None


def _failure(then: Document) -> Fail:
    then.refuse_others(("code", "message", "status"))
    code, status = then.text("code") or "", then.number("status")
    status = 400.0 if status is None else status
    if not (400 <= status <= 599 and status == int(status)):
        then.fault("status", "must be an HTTP status from 400 to 599")
        status = 400.0
    if not (code.isascii() and code.isalnum()):
        then.fault("code", "must be letters and digits, as AWS's error codes are")
    return Fail(code, then.text("message") or "", int(status))
