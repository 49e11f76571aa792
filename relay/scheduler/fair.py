"""The scheduler of the whole relay: `relay.model.ports.Scheduler`, and how it is steered.

Routes have nothing to do with each other but the gates and holds, which stand over all of them.

Errors: `ValueError` when an outcome is reported for a request that is not under way. A route that
is not configured is no error: its mail is deferred.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from relay.model import replies
from relay.model.account import AccountState
from relay.model.clock import Clock
from relay.model.entry import Held
from relay.model.outcome import Cause, Deferred, Failed, Outcome, Relayed, Scope, ScopeKind, Unknown
from relay.model.ports import Granted, QueueKey
from relay.model.settings import Lane, Route
from relay.scheduler.backlog import divide
from relay.scheduler.gates import NOT_A_SCOPE, UNREACHED, Gates
from relay.scheduler.notices import Notice, RouteStatus
from relay.scheduler.pace import Allotment
from relay.scheduler.route import RouteTurns
from relay.scheduler.shares import Claim

MAX_RECIPIENTS = 50  # of one request (SES Developer Guide, quotas)
IN_A_ROW = 5  # requests that found no SES before their route is held


class FairScheduler:
    """Decides who sends now. It lives in one event loop; all but `turn` returns at once.

    `tell` hears of changes from inside other calls; it must not call back.
    """

    def __init__(self, clock: Clock, tell: Callable[[Notice], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._gates = Gates(clock, tell)
        self._routes: dict[str, RouteTurns] = {}
        self._backlog: dict[QueueKey, int] = {}
        self._unreached: Counter[str] = Counter()

    # --- what the operator and the account say ---------------------------------------------------

    def configure(self, routes: Mapping[str, Route], in_flight: int) -> None:
        """Take over the configured routes; each may have `in_flight` requests under way.

        Mail of a route that went is deferred as held; what is under way comes to its end. What
        SES's refusals closed is probed anew, since somebody may just have mended it.
        """
        self._gates.invite_all()
        for name in {*routes, *self._routes}:
            self._route(name).configure(routes.get(name), in_flight)

    def account(self, route: str, state: AccountState) -> None:
        """Learn rate, quota and standing of a route's account, as often as it is looked up."""
        turns = self._route(route)
        turns.pace.account(state)
        closed = self._gates.refusal(turns.scope)
        if state.enforcement == "SHUTDOWN" or not state.sending_enabled:
            self._gates.close(turns.scope, _paused(turns.scope))
        elif closed is not None and closed.cause in {Cause.ACCOUNT_PAUSED, Cause.QUOTA}:
            # SES says that it is over; a probe has the last word.
            self._gates.invite(turns.scope)
        turns.dispatch()

    def claims(self, routes: Iterable[str]) -> Mapping[str, Claim]:
        """Say what each route has use for, to those who share its account.

        Each claim is followed by `allot`, or by `reclaim` when the store did not take it.
        """
        return {name: self._route(name).pace.claim() for name in routes}

    def reclaim(self, routes: Iterable[str]) -> None:
        """Know that the last claims may not have been heard."""
        for name in routes:
            self._route(name).pace.reclaim()

    def allot(self, route: str, allotment: Allotment) -> None:
        """Take over which part of its account a route has from now on."""
        turns = self._route(route)
        turns.pace.allot(allotment)
        turns.dispatch()

    # --- turns: relay.model.ports.Scheduler ------------------------------------------------------

    async def turn(
        self, key: QueueKey, scopes: tuple[Scope, ...], recipients: int, deadline: float | None
    ) -> Granted | Deferred:
        """Wait for a turn until `deadline`, in monotonic seconds.

        Without a deadline it is mail that is kept already: it waits for credit as long as it
        takes. Mail with one is fresh and stays behind the kept mail of its key. What will not
        pass by waiting a little (a closed scope, a used-up quota) is answered at once, and so is
        a deadline that cannot be met. A turn that comes at the deadline is still given.
        """
        turns = self._route(key.route)
        refusal = turns.refusal(key, scopes)
        if refusal is not None:
            return refusal
        if deadline is not None and key in self._backlog:
            return turns.behind_older_mail(key)
        return await turns.turn(key, scopes, recipients, deadline)

    def instead(self, key: QueueKey, scopes: tuple[Scope, ...], *, fresh: bool) -> str | None:
        """Give the route to use while that of the key cannot be reached; None: there is none."""
        if (fresh and key in self._backlog) or self._gates.held(scopes):
            return None
        return self._way_around(key.route)

    def _way_around(self, name: str) -> str | None:
        """Follow the fallbacks to the first route that is open, if this one is not reached."""
        walked = {name}
        while True:
            turns = self._route(name)
            refusal = self._gates.refusal(turns.scope)
            if refusal is None:
                return name if len(walked) > 1 and turns.configured else None
            if refusal.cause not in UNREACHED or turns.fallback is None:
                return None
            name = turns.fallback
            if name in walked:
                return None
            walked.add(name)

    def learn(self, granted: Granted, outcome: Outcome | None) -> None:
        """Take in what a request showed, once for each `Granted`. None: it was never made."""
        turns = self._route(granted.key.route)
        turns.settle(granted, outcome)
        for scope in granted.probes:
            self._gates.learn(scope, outcome)
        self._close_what_is_named(turns, outcome)
        turns.dispatch()

    def _close_what_is_named(self, turns: RouteTurns, outcome: Outcome | None) -> None:
        match outcome:
            case None:
                pass
            case Unknown():
                # The message is handled by its own rule; the route is a matter of many.
                silence = Deferred(
                    cause=Cause.SERVICE,
                    scope=turns.scope,
                    reply=outcome.reply,
                    detail=outcome.detail,
                )
                self._count_unreached(turns, silence)
            case Deferred(cause=cause) if cause in UNREACHED:
                self._count_unreached(turns, outcome)
            case Deferred(cause=cause, scope=scope):
                self._unreached.pop(turns.scope.name, None)
                if cause not in NOT_A_SCOPE and scope.kind is not ScopeKind.MESSAGE:
                    self._gates.close(scope, outcome)
            case Relayed() | Failed():
                self._unreached.pop(turns.scope.name, None)
            case _:
                assert_never(outcome)

    def _count_unreached(self, turns: RouteTurns, silence: Deferred) -> None:
        self._unreached[turns.scope.name] += 1
        if self._unreached[turns.scope.name] >= IN_A_ROW:
            self._gates.close(turns.scope, silence)

    # --- kept mail -------------------------------------------------------------------------------

    def kept(self, key: QueueKey) -> None:
        """Know of one more message that is being kept and is due at once.

        Called before the store is asked, so that no fresh mail of the key passes it meanwhile;
        fresh mail that waits for its turn is answered and follows into the queue.
        """
        self._backlog[key] = self._backlog.get(key, 0) + 1
        self._route(key.route).stand_back(key)

    def backlog(self, key: QueueKey, waiting: int) -> None:
        """Know how many messages of a key are kept, due and not finished, those in work included.

        What is held, or waits for its next attempt, does not count: fresh mail may go before it.
        """
        if waiting > 0:
            self._backlog[key] = waiting
        else:
            self._backlog.pop(key, None)

    def eligible(self, claimed: Mapping[QueueKey, int], room: int) -> Mapping[QueueKey, int]:
        """Give how many more entries to claim under which key, `room` at most in all.

        `claimed` counts the entries in work by key. A held or closed scope gets none, one whose
        probe is due a single one; no key gets more than about two seconds of the rate.
        """
        wanted: dict[QueueKey, int] = {}
        busy = {key.route for key, count in claimed.items() if count}
        for key, waiting in self._backlog.items():
            more = min(waiting, self._allowance(key)) - claimed.get(key, 0)
            if more > 0:
                wanted[key] = more
        for turns in self._routes.values():
            name = turns.scope.name
            if self._gates.refusal(turns.scope) is not None and self._way_around(name) is None:
                keys = [key for key in wanted if key.route == name]
                probe = min(keys, key=lambda key: key.lane is Lane.BULK, default=None)
                for key in keys:
                    if key == probe and key.route not in busy:
                        wanted[key] = 1
                    else:
                        del wanted[key]
        return divide(wanted, claimed, room)

    def _allowance(self, key: QueueKey) -> int:
        by = self._way_around(key.route)
        if by is None or self._gates.held((Scope(ScopeKind.ROUTE, key.route),)):
            return self._route(key.route).allowance(key)
        return self._route(by).allowance(replace(key, route=by))

    def largest(self, key: QueueKey) -> int:
        """Give how many recipients one request of this key may have.

        Bulk mail is cut to about a second of the rate, so that urgent mail never waits longer for
        the debt of one. A larger request is granted all the same: SES takes it as well.
        """
        if key.lane is not Lane.BULK:
            return MAX_RECIPIENTS
        return min(self._route(key.route).pace.largest(), MAX_RECIPIENTS)

    # --- holds -----------------------------------------------------------------------------------

    def hold(self, scope: Scope, reason: str, until: datetime | None = None) -> None:
        """Stop a scope until a time or its release. What waits is answered at once."""
        self._gates.hold(scope, Held(reason=reason, until=until))
        for turns in self._routes.values():
            turns.sweep()

    def release(self, scope: Scope) -> Held | None:
        """End a hold, and let the next request of a closed scope be its probe."""
        return self._gates.release(scope)

    def holds(self) -> Mapping[Scope, Held]:
        """List the holds that stand."""
        return self._gates.holds()

    def closed(self) -> Mapping[Scope, Deferred]:
        """List the scopes that SES's refusals closed; `not_before` is when each is probed next."""
        return self._gates.closed()

    # --- life ------------------------------------------------------------------------------------

    def status(self) -> Mapping[str, RouteStatus]:
        """Show all configured routes as they stand."""
        return {name: turns.status() for name, turns in self._routes.items() if turns.configured}

    def stop(self) -> None:
        """Give no more turns: who waits is put off, and so is who comes."""
        for turns in self._routes.values():
            turns.close(Cause.STOPPING, replies.STOPPING)

    def _route(self, name: str) -> RouteTurns:
        turns = self._routes.get(name)
        if turns is None:
            turns = RouteTurns(name, self._gates, self._clock, self._tell)
            turns.configure(None, 0)
            self._routes[name] = turns
        return turns


def _paused(scope: Scope) -> Deferred:
    return Deferred(
        cause=Cause.ACCOUNT_PAUSED,
        scope=scope,
        reply=replies.ACCOUNT_PAUSED,
        detail="the account says that sending is paused",
    )
