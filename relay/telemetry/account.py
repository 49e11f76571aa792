"""Events of the standing: suppression list, throttle, SES account, reputation.

Errors: none.
"""

from dataclasses import dataclass

from relay.model.address import Address
from relay.telemetry.events import Event, Level
from relay.telemetry.recorder import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A user's bounce or complaint ratio against a threshold; both are shares of one."""

    user: str
    kind: str  # bounce or complaint
    ratio: float
    threshold: float
    messages: int  # how many the ratio rests on


class SuppressionEvents:
    """Changes of the relay's suppression list."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def added(self, address: Address, reason: str, *, by: str) -> None:
        """Say that an address gets no mail any more; `by`: feedback, an operator, the account."""
        self._recorder.record(
            Event.SUPPRESSION_ADDED, Level.INFO, {"reason": reason, "by": by}, (address,)
        )

    def removed(self, address: Address, *, by: str) -> None:
        """Say that an address gets mail again."""
        self._recorder.record(Event.SUPPRESSION_REMOVED, Level.INFO, {"by": by}, (address,))


class ThrottleEvents:
    """Changes of what the relay allows itself toward SES."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def changed(self, route: str, *, rate: float, limit: float, reason: str) -> None:
        """Say that a route's rate changed: recipients per second now, and at most."""
        facts = {"route": route, "rate": rate, "limit": limit, "reason": reason}
        self._recorder.record(Event.THROTTLE_CHANGED, Level.INFO, facts)


class AccountEvents:
    """Changes of the SES account."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def changed(self, route: str, *, what: str, old: str, new: str, alarm: bool) -> None:
        """Say what changed in a route's account; `alarm` when mail cannot flow because of it."""
        facts = {"route": route, "what": what, "old": old, "new": new}
        level = Level.ERROR if alarm else Level.INFO
        self._recorder.record(Event.ACCOUNT_CHANGED, level, facts)


class ReputationEvents:
    """Users who endanger the account."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def warned(self, standing: Standing) -> None:
        """Say that a user's ratio passed the warning threshold."""
        self._record(Event.REPUTATION_WARNED, Level.WARNING, standing)

    def held(self, standing: Standing) -> None:
        """Say that a user's mail is held because of the ratio."""
        self._record(Event.REPUTATION_HELD, Level.ERROR, standing)

    def _record(self, event: Event, level: Level, standing: Standing) -> None:
        facts = {
            "user": standing.user,
            "kind": standing.kind,
            "ratio": round(standing.ratio, 5),
            "threshold": standing.threshold,
            "messages": standing.messages,
        }
        self._recorder.record(event, level, facts)
