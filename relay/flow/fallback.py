"""Sending by another route while the Region of a message's own cannot be reached.

The message keeps its route: only this request goes elsewhere. It is written for the other account
there, and what that account does not know of it (an identity that is not verified there, a
configuration set, a sandbox) is no verdict on the message: it waits for its own route then, and its
sender is not tried there again for a while.

Errors: none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from relay.model.clock import Clock
from relay.model.message import Message, Parameters
from relay.model.outcome import Cause, Deferred, Failed, Outcome, Relayed, Unknown
from relay.model.settings import Route

# What a turn is refused for while the Region cannot be reached, or cannot serve.
UNREACHED = frozenset({Cause.NETWORK, Cause.SERVICE})
NOT_AGAIN = 600.0  # seconds, for a sender that the other account refused
MOST = 10_000  # senders remembered
# What another account may take all the same: security and policy, and the size that its API takes.
_OF_THE_ACCOUNT = ("5.7.", "5.3.4")


@dataclass(slots=True)
class Fallback:
    """Writes messages for other routes, and reads what became of them there."""

    routes: Callable[[], Mapping[str, Route]]
    clock: Clock
    _refused: dict[tuple[str, str], float] = field(default_factory=dict)  # until when

    def moved(self, message: Message, to: str) -> Message | None:
        """Write a message for another route; None: that route would not take it."""
        routes = self.routes()
        until = self._refused.get((to, message.source.key), 0.0)
        if to not in routes or until > self.clock.monotonic():
            return None
        origin, other = routes.get(message.route), routes[to]
        chosen = message.parameters.configuration_set
        if origin is not None and chosen == origin.configuration_set:
            chosen = other.configuration_set
        parameters = Parameters.of(other, chosen, dict(message.parameters.tags))
        return replace(message, route=to, parameters=parameters)

    def read(self, outcome: Outcome, message: Message, waits: Deferred) -> Outcome:
        """Say what an outcome by another route means; `waits`: why the message's own was not used.

        `message` is what was written for the other route.
        """
        match outcome:
            case Relayed() | Unknown():
                return outcome
            case Failed(reply=reply) if not reply.enhanced.startswith(_OF_THE_ACCOUNT):
                return outcome
            case Failed():
                self._refuse(message)
            case Deferred(cause=Cause.UNNAMED_RECIPIENT):
                return outcome
            case Deferred(cause=cause):
                if not cause.lifetime_runs:  # somebody has to mend something there
                    self._refuse(message)
            case _:
                assert_never(outcome)
        detail = f"route {message.route}: {outcome.detail or outcome.reply.text}"
        return replace(waits, detail=detail, ses_request_id=outcome.ses_request_id)

    def _refuse(self, message: Message) -> None:
        while len(self._refused) >= MOST:
            del self._refused[next(iter(self._refused))]
        until = self.clock.monotonic() + NOT_AGAIN
        self._refused[message.route, message.source.key] = until
