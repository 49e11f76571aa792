"""One thing that was looked at before the first message, and how it was found.

Errors: none.
"""

from dataclasses import dataclass
from enum import StrEnum

from relay.model.unanswered import Why


class State(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"  # mail flows, but somebody should know
    FAULT = "fault"  # some mail will not flow


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do where that is not as it should be."""

    state: State
    about: str  # the option, file or resource
    says: str
    fix: str = ""
    unasked: Why | None = None  # why it could not be found out


def ok(about: str, says: str) -> Finding:
    """Find nothing to do."""
    return Finding(State.OK, about, says)


def warning(about: str, says: str, fix: str) -> Finding:
    """Find what does not stop mail."""
    return Finding(State.WARNING, about, says, fix)


def unasked(about: str, says: str, fix: str, why: Why) -> Finding:
    """Find nothing out."""
    return Finding(State.WARNING, about, says, fix, why)


def fault(about: str, says: str, fix: str) -> Finding:
    """Find what stops mail."""
    return Finding(State.FAULT, about, says, fix)
