"""What stands still: gates that SES's refusals closed, and holds that somebody set.

A gate stands before one scope: the smallest thing that SES named. It opens by one probe, a single
request that is let through when its time has come; while the answer is out nobody follows. A probe
that is refused again moves the next one further away. A hold is never probed: it ends by its time
or by a release.

SES facts: which refusal names which scope is the table of `relay.model.outcome.Cause`.

Errors: none.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from relay.model import replies
from relay.model.clock import Clock
from relay.model.entry import Held
from relay.model.outcome import Cause, Deferred, Failed, Outcome, Relayed, Scope, Unknown
from relay.scheduler.notices import GateClosed, GateOpened, Notice

# SES was not reached, or could not serve: a matter of seconds.
UNREACHED = frozenset({Cause.NETWORK, Cause.SERVICE, Cause.LOST_ANSWER})
# SES refuses before it looks at the message, so any word about a message shows that this is over.
_SHOWN_BY_ANY_ANSWER = UNREACHED | {Cause.CREDENTIALS}
# Our own reasons; SES was not asked.
_NEVER_MADE = frozenset({Cause.WAITING, Cause.HELD, Cause.STOPPING})
# Causes that close nothing by themselves: the message's own, our own, the pace.
NOT_A_SCOPE = UNREACHED | _NEVER_MADE
NOT_A_SCOPE |= {Cause.RATE, Cause.UNCLASSIFIED, Cause.UNNAMED_RECIPIENT}

# Seconds to the first probe, and at most between two. Somebody has to mend the second kind.
SOON = (1.0, 60.0)
LATER = (30.0, 900.0)
ROUNDING = 1e-3  # seconds; who comes at `not_before`, told in microseconds, is not too early
MOST = 10_000  # gates; names of configuration sets may come from clients
JITTER = 0.2  # share of the pause, either way, so that relays of one account do not march in step


@dataclass(slots=True)
class Gate:
    """A closed scope."""

    refusal: Deferred  # what closed it, or kept it closed last
    pause: float  # seconds between probes
    probe_at: float  # monotonic seconds
    probing: bool = False


class Gates:
    """All closed gates and all holds of the relay. Open is what is not here."""

    def __init__(self, clock: Clock, tell: Callable[[Notice], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._gates: dict[Scope, Gate] = {}
        self._holds: dict[Scope, Held] = {}

    def obstacle(self, scopes: tuple[Scope, ...]) -> Deferred | None:
        """Say what stands in the way of a request; None: it may go, perhaps as a probe."""
        if not self._gates and not self._holds:
            return None
        for scope in scopes:
            held = self._hold(scope)
            if held is not None:
                return Deferred(
                    cause=Cause.HELD,
                    scope=scope,
                    reply=replies.HELD,
                    not_before=held.until,
                    detail=held.reason,
                )
            gate = self._gates.get(scope)
            if gate is not None:
                pause = gate.pause if gate.probing else gate.probe_at - self._clock.monotonic()
                if pause > ROUNDING:
                    return replace(gate.refusal, scope=scope, not_before=self._in(pause))
        return None

    def probe(self, scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
        """Let one request through and name the closed scopes that it is the probe for."""
        if not self._gates:
            return ()
        probed = tuple(scope for scope in scopes if scope in self._gates)
        for scope in probed:
            self._gates[scope].probing = True
        return probed

    def learn(self, scope: Scope, outcome: Outcome | None) -> None:
        """Take in what became of the probe of a scope. None: it was never made."""
        gate = self._gates.get(scope)
        if gate is None:
            return
        gate.probing = False
        match outcome:
            case None:
                pass  # still due: the next one that comes is the probe
            case Relayed():
                self._open(scope)
            case Failed():
                self._answered(scope, gate)
            case Unknown():
                self._unanswered(scope, gate, gate.refusal)
            case Deferred(cause=cause) if cause in _NEVER_MADE:
                pass
            case Deferred(cause=cause) if cause in UNREACHED:
                self._unanswered(scope, gate, outcome)
            case Deferred(cause=cause) if outcome.scope == scope and cause not in NOT_A_SCOPE:
                self._still_closed(scope, gate, outcome)
            case Deferred():
                self._answered(scope, gate)
            case _:
                assert_never(outcome)

    def close(self, scope: Scope, refusal: Deferred) -> None:
        """Close a scope. One that is closed stays as it is: only its probe moves it."""
        if scope in self._gates:
            return
        if len(self._gates) >= MOST:
            # Long overdue: nobody has sent there since. If somebody does, SES says it again.
            del self._gates[min(self._gates, key=lambda scope: self._gates[scope].probe_at)]
        first, _ = _pauses(refusal.cause)
        gate = self._gates[scope] = Gate(_for_others(refusal), first, 0.0)
        self._closed(scope, gate)

    def invite(self, scope: Scope) -> None:
        """Let the next request of a closed scope be its probe: something may have been mended."""
        gate = self._gates.get(scope)
        if gate is not None:
            gate.probe_at = self._clock.monotonic()

    def invite_all(self) -> None:
        """Let every closed scope be probed by its next request."""
        for scope in self._gates:
            self.invite(scope)

    def refusal(self, scope: Scope) -> Deferred | None:
        """Say what keeps a scope's gate closed; None: it is open."""
        gate = self._gates.get(scope)
        return None if gate is None else gate.refusal

    def closed(self) -> Mapping[Scope, Deferred]:
        """List the closed gates; `not_before` is when each is probed next."""
        now = self._clock.monotonic()
        return {
            scope: replace(gate.refusal, scope=scope, not_before=self._in(gate.probe_at - now))
            for scope, gate in self._gates.items()
        }

    def hold(self, scope: Scope, held: Held) -> None:
        """Stop a scope until the hold's time or its release. A second hold replaces the first."""
        self._holds[scope] = held

    def release(self, scope: Scope) -> Held | None:
        """End a hold, and have a closed gate probed at once: the operator says that it is well."""
        self.invite(scope)
        held = self._hold(scope)
        self._holds.pop(scope, None)
        return held

    def held(self, scopes: tuple[Scope, ...]) -> bool:
        """Tell if somebody holds one of these scopes."""
        return any(self._hold(scope) for scope in scopes)

    def holds(self) -> Mapping[Scope, Held]:
        """List the holds that stand."""
        return {scope: held for scope in tuple(self._holds) if (held := self._hold(scope))}

    def _hold(self, scope: Scope) -> Held | None:
        held = self._holds.get(scope)
        if held is not None and held.until is not None and held.until <= self._clock.now():
            del self._holds[scope]
            return None
        return held

    def _answered(self, scope: Scope, gate: Gate) -> None:
        """SES said something about the message, not about the scope."""
        if gate.refusal.cause in _SHOWN_BY_ANY_ANSWER:
            self._open(scope)
        else:
            self._try_again(gate)

    def _unanswered(self, scope: Scope, gate: Gate, refusal: Deferred) -> None:
        """Nobody spoke: that keeps a gate closed which stands for just that, and tells no other."""
        if gate.refusal.cause in UNREACHED:
            self._still_closed(scope, gate, refusal)
        else:
            self._try_again(gate)

    def _open(self, scope: Scope) -> None:
        del self._gates[scope]
        self._tell(GateOpened(scope=scope))

    def _try_again(self, gate: Gate) -> None:
        gate.probe_at = self._clock.monotonic() + _jittered(gate.pause)

    def _still_closed(self, scope: Scope, gate: Gate, refusal: Deferred) -> None:
        first, longest = _pauses(refusal.cause)
        gate.refusal = _for_others(refusal)
        gate.pause = min(max(first, gate.pause * 2), longest)
        self._closed(scope, gate)

    def _closed(self, scope: Scope, gate: Gate) -> None:
        self._try_again(gate)
        named = gate.refusal.not_before
        if named is not None:
            wait = (named - self._clock.now()).total_seconds()
            gate.probe_at = max(gate.probe_at, self._clock.monotonic() + wait)
        self._tell(
            GateClosed(
                scope=scope,
                cause=gate.refusal.cause,
                not_before=self._in(gate.probe_at - self._clock.monotonic()),
                detail=gate.refusal.detail,
            )
        )

    def _in(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)


def _for_others(refusal: Deferred) -> Deferred:
    """Turn what one request met into what those hear who were not tried at all."""
    cause = Cause.SERVICE if refusal.cause is Cause.LOST_ANSWER else refusal.cause
    return replace(refusal, cause=cause, ses_request_id="")


def _pauses(cause: Cause) -> tuple[float, float]:
    return SOON if cause in UNREACHED else LATER


def _jittered(pause: float) -> float:
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, no secret
