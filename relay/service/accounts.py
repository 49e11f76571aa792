"""What the SES accounts say, passed on to the scheduler, the log and readiness.

Errors: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Protocol

from relay.delivery.account import AccountUnknown, Look
from relay.model.account import AccountState, RouteAccount
from relay.model.clock import Clock
from relay.model.settings import Route
from relay.service.check.account import about_account, account_findings
from relay.service.check.finding import State
from relay.telemetry import Telemetry

# Changes with every message; not news.
_NOT_NEWS = frozenset({"sent_last_24_hours"})


class Pacing(Protocol):
    """Who sends by what an account allows."""

    def account(self, route: str, state: AccountState) -> None:
        """Learn rate, quota and standing of a route's account."""
        ...


class Accounts:
    """Remembers the last look at each route's account."""

    def __init__(self, scheduler: Pacing, telemetry: Telemetry, clock: Clock) -> None:
        self._scheduler = scheduler
        self._telemetry = telemetry
        self._clock = clock
        self._at: dict[str, datetime] = {}
        self._known: dict[str, AccountState] = {}
        self._unknown: dict[str, str] = {}

    def told(self, route: str, look: Look) -> None:
        """Take in one look."""
        match look:
            case AccountState():
                self._unknown.pop(route, None)
                self._tell_changes(route, look)
                self._known[route], self._at[route] = look, self._clock.now()
                self._scheduler.account(route, look)
            case AccountUnknown(reason=reason):
                if self._unknown.get(route) != reason:
                    self._telemetry.account.changed(
                        route, what="account", old="", new=f"unknown: {reason}", alarm=False
                    )
                self._unknown[route] = reason

    def forget(self, route: str) -> None:
        """Forget a route that there is no more, or that leads to another account now."""
        self._known.pop(route, None)
        self._at.pop(route, None)
        self._unknown.pop(route, None)

    def heard(self, routes: Mapping[str, Route]) -> Sequence[RouteAccount]:
        """Give what was last heard of each route's account."""
        return [
            RouteAccount(
                route=name,
                region=route.region,
                state=self._known.get(name),
                at=self._at.get(name),
                unknown=self._unknown.get(name, ""),
            )
            for name, route in routes.items()
        ]

    def warnings(self) -> tuple[str, ...]:
        """Say what is wrong with the accounts, for readiness and the dashboard."""
        found = [f"route {route}: {reason}" for route, reason in self._unknown.items()]
        for route, state in self._known.items():
            found += [
                f"{finding.about} {finding.says}: {finding.fix}"
                for finding in account_findings(about_account(route), state)
                if finding.state is not State.OK
            ]
        return tuple(found)

    def _tell_changes(self, route: str, state: AccountState) -> None:
        before = self._known.get(route)
        for field in fields(state):
            if field.name in _NOT_NEWS:
                continue
            old = "" if before is None else str(getattr(before, field.name))
            new = str(getattr(state, field.name))
            if new != old:
                stopped = not state.sending_enabled or state.enforcement == "SHUTDOWN"
                self._telemetry.account.changed(
                    route, what=field.name, old=old, new=new, alarm=stopped
                )
