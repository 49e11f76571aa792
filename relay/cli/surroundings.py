"""What the verbs take from outside the relay: the time, and the DNS.

A test gives its own as the command line's object (`runner.invoke(app, …, obj=Surroundings(…))`).

Errors: none.
"""

from dataclasses import dataclass, field

import typer

from relay.model.clock import Clock, SystemClock
from relay.service.dns_texts import Lookup, texts_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The machine's clock and resolver, unless somebody gives others."""

    clock: Clock = field(default_factory=SystemClock)
    texts_at: Lookup = texts_at


def around(context: typer.Context) -> Surroundings:
    """Give what the command line was started with."""
    return context.ensure_object(Surroundings)
