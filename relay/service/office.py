"""What a relay does once, in however many processes it receives and sends.

HTTP, the addresses and queues that feedback comes by, what is learned from it, the looks at the
accounts and at their suppression lists, and the checks of what goes bad by itself.

Errors: `Unusable` when something that the configuration names cannot be used. A task that must not
end and does, ends the service: a supervisor starts it anew.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from relay.aws import UnusableRoute
from relay.feedback.account_list.watch import ListWatch
from relay.feedback.sqs import SqsReader
from relay.model.ports import StoreFault
from relay.model.reputation import Kind
from relay.model.settings import Settings
from relay.service.assembly import Outside
from relay.service.feedback import Feedback
from relay.service.forgetting import Forgetting
from relay.service.gauges import OldestEntry
from relay.service.http import View, open_http
from relay.service.snapshot import Unusable
from relay.service.sns import open_sns, receiver_of
from relay.service.standing import Standing
from relay.service.stores import Stores
from relay.telemetry import ScrapeTime
from relay.web import Signed

Work = tuple[str, Callable[[], Awaitable[None]]]


@dataclass(slots=True, kw_only=True)
class Office:
    """Opened with the relay; its work goes on as long as the relay serves."""

    outside: Outside
    stores: Stores
    feedback: Feedback
    lists: ListWatch | None  # None: there is no suppression list here
    rounds: Sequence[Standing]
    view: View
    watch_accounts: Callable[[], Awaitable[None]]
    http: str = ""  # where HTTP is reached, once it is
    _oldest: OldestEntry = field(init=False)
    _readers: list[SqsReader] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Have somebody look how old the queue is."""
        self._oldest = OldestEntry(self.stores.control, self.outside.clock)

    async def open(self, stack: AsyncExitStack) -> None:
        """Take up what was counted before the last stop, and open what others connect to."""
        settings, metrics = self.view.settings(), self.outside.metrics
        reputation = self.feedback.reputation
        fault = await reputation.load()
        if isinstance(fault, StoreFault):
            raise Unusable(f"queue.store: {fault.reason}")
        try:
            self._readers = await self.feedback.open_readers(settings, stack)
        except UnusableRoute as unusable:
            raise Unusable(str(unusable)) from unusable
        view = replace(self.view, signed=await self._open_sns(settings, stack))
        metrics.read(ScrapeTime.QUEUE_OLDEST, self._oldest.age)
        metrics.read(ScrapeTime.BOUNCE_RATIO, lambda: reputation.ratios(Kind.BOUNCE))
        metrics.read(ScrapeTime.COMPLAINT_RATIO, lambda: reputation.ratios(Kind.COMPLAINT))
        self.http = await open_http(settings, self.outside, self.stores, view, stack)

    async def _open_sns(self, settings: Settings, stack: AsyncExitStack) -> Signed | None:
        """Open what SNS posts to; gives it where it has no address of its own."""
        sns, bind = settings.feedback.sns, settings.sns_bind
        if sns is None:
            return None
        signed = receiver_of(sns, self.feedback)
        if bind is None:
            return signed
        await open_sns(bind, settings.tls, signed, self.feedback.learner.telemetry, stack)
        return None

    def work(self) -> Iterator[Work]:
        """Give what goes on for ever, each with its name."""
        yield "accounts", self.watch_accounts
        yield "oldest entry", self._oldest.run
        yield "forgetting", Forgetting(self.stores.trace, self.outside.clock).run
        for standing in self.rounds:
            yield "standing checks", standing.run
        yield "waiting events", self.feedback.learner.run
        yield "reputation", self.feedback.reputation.run
        if self.lists is not None:
            yield "account lists", self.lists.run
        for reader in self._readers:
            yield "feedback", reader.run

    def look_again(self) -> None:
        """Make the standing checks soon: the configuration has changed."""
        for standing in self.rounds:
            standing.again()

    def warnings(self) -> tuple[str, ...]:
        """Say what is wrong with what is done here, for readiness and the dashboard."""
        lists = () if self.lists is None else self.lists.warnings()
        standing = (warning for one in self.rounds for warning in one.warnings)
        return (*standing, *lists)

    async def close(self) -> None:
        """Save what was counted; whatever was opened is closed by its stack."""
        await self.feedback.reputation.save()
