"""The learning half of one worker: what SES tells later, and who is held for it.

Errors: `UnusableRoute` when a queue's settings cannot work.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from relay.aws.queues import open_queue
from relay.feedback.learn import Learner
from relay.feedback.ledger import Ledger
from relay.feedback.reputation import Reputation
from relay.feedback.sqs import SqsReader
from relay.model.clock import Clock
from relay.model.ports import Keeping, Reports
from relay.model.settings import Settings
from relay.service.stores import Stores
from relay.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """Its parts, which live as long as the worker does."""

    learner: Learner
    reputation: Reputation

    async def open_readers(self, settings: Settings, stack: AsyncExitStack) -> list[SqsReader]:
        """Open the queues of the configuration."""
        readers = []
        for queue in settings.feedback.sqs:
            route = settings.routes[queue.route]
            source = await stack.enter_async_context(open_queue(queue.route, route, queue))
            readers.append(
                SqsReader(
                    source=source,
                    url=queue.queue_url,
                    route=queue.route,
                    learn=self.learner.learn,
                    telemetry=self.learner.telemetry,
                    clock=self.learner.clock,
                )
            )
        return readers


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the learning half needs of the rest."""

    ledger: Ledger  # hears of what is sent
    reports: Reports
    custody: Keeping
    settings: Callable[[], Settings]
    telemetry: Telemetry
    clock: Clock


def learning(stores: Stores, around: Around) -> Feedback:
    """Wire it; nothing is opened or started yet."""
    reputation = Reputation(
        ledger=around.ledger,
        store=stores.tallies,
        holds=stores.holds,
        rules=lambda: around.settings().reputation,
        telemetry=around.telemetry,
        clock=around.clock,
    )
    learner = Learner(
        lessons=stores.lessons,
        sendings=stores.sendings,
        reports=around.reports,
        custody=around.custody,
        score=reputation,
        settings=around.settings,
        telemetry=around.telemetry,
        clock=around.clock,
    )
    return Feedback(learner=learner, reputation=reputation)
