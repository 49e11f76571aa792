"""What the scheduler notices, passed on to the log and to the queue.

Errors: none.
"""

from collections.abc import Callable
from typing import assert_never

from relay.scheduler import GateClosed, GateOpened, Notice, RateChanged, ShareTooSmall
from relay.telemetry import Telemetry


class Notices:
    """Hears the scheduler out."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._on_opened: list[Callable[[], None]] = []
        self._on_short: list[Callable[[], None]] = []

    def when_opened(self, wake: Callable[[], None]) -> None:
        """Wake somebody whenever a scope opens again."""
        self._on_opened.append(wake)

    def when_short(self, hurry: Callable[[], None]) -> None:
        """Tell somebody whenever a route's share is too small for what it has to send."""
        self._on_short.append(hurry)

    def tell(self, notice: Notice) -> None:
        """Take in one notice; called from inside the scheduler."""
        match notice:
            case RateChanged(route=route, rate=rate, limit=limit):
                reason = "slowed by SES" if limit is not None and rate < limit else "whole rate"
                self._telemetry.throttle.changed(
                    route, rate=rate, limit=rate if limit is None else limit, reason=reason
                )
            case GateClosed(scope=scope, cause=cause, detail=detail):
                self._telemetry.account.changed(
                    scope.route or scope.name,
                    what=str(scope),
                    old="open",
                    new=f"held, {cause.word}: {detail}",
                    alarm=cause.alarm,
                )
            case GateOpened(scope=scope):
                self._telemetry.account.changed(
                    scope.route or scope.name, what=str(scope), old="held", new="open", alarm=False
                )
                for wake in self._on_opened:
                    wake()
            case ShareTooSmall():
                for hurry in self._on_short:
                    hurry()
            case _:
                assert_never(notice)
