"""One event, drawn to all its consequences: suppression, history, reputation, a late bounce.

What must not be forgotten is in the store before an event counts as taken in; the log and the
history hear of it after. An event whose request our own history does not know yet, or whose sender
is still to be told, waits in the store and is looked at again; what is certain without knowing the
request, the suppression, is done at once.

A crash between the report to the sender and its note in the store repeats that report: better
twice than never. Deliveries change nothing that counts, so that the same one is recognised in
memory alone.

Standards: RFC 3461 §6.2 (failures that show after acceptance), RFC 3464.
Errors: `StoreFault`, and then the event must be brought again; nothing is done twice by that.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from relay.feedback.consequences import complaints, full, hard_bounces, owed, suppress, tell
from relay.feedback.events import (
    About,
    Bounce,
    Complaint,
    Delay,
    Delivery,
    Other,
    Reject,
    Unreadable,
    read,
)
from relay.feedback.late import lost_message, named
from relay.feedback.origin import Origin, origin_of
from relay.model.address import Address
from relay.model.clock import Clock
from relay.model.ports import (
    Keeping,
    Lesson,
    Lessons,
    NewEntry,
    Reports,
    Sendings,
    Sent,
    StoreFault,
    Tally,
    Waiting,
)
from relay.model.progress import Refusal
from relay.model.settings import BounceTo, Settings
from relay.telemetry import Telemetry

# Seconds after its first sight at which an event is looked at again; then its tags must do.
LOOKS = (1.0, 30.0, 300.0, 3600.0)
LOOK = 1.0  # seconds between two rounds
_REPORTED_BY = 60.0  # seconds a report may take before somebody else tries
_A_ROUND = 200  # events looked at in one round
_TOLD = 20_000  # deliveries remembered


class Score(Protocol):
    """Keeps count of what comes back; see `relay.feedback.reputation`."""

    def tallies(
        self, origin: Origin, sent_at: datetime, *, bounced: int = 0, complained: int = 0
    ) -> Sequence[Tally]:
        """Say what the store shall add to its counts."""
        ...

    async def count(self, tallies: Sequence[Tally]) -> None:
        """Take in counts that are in the store."""
        ...


@dataclass(slots=True, kw_only=True)
class Learner:
    """Takes events in, in any order and number."""

    lessons: Lessons
    sendings: Sendings
    reports: Reports
    custody: Keeping
    score: Score
    settings: Callable[[], Settings]
    telemetry: Telemetry
    clock: Clock
    _told: OrderedDict[str, None] = field(default_factory=OrderedDict)

    async def learn(self, text: str) -> Unreadable | StoreFault | None:
        """Take in one event as SES wrote it; None: it need not be brought again."""
        event = read(text)
        match event:
            case Unreadable():
                return event
            case Other():
                return None
            case Delivery() | Delay():
                return await self._pass_on(event, text)
            case Bounce() | Complaint() | Reject():
                return await self._take_in(event, text)
            case _:
                assert_never(event)

    async def run(self) -> None:
        """Look again at the events that wait, for ever."""
        told: StoreFault | None = None
        while True:
            await self.clock.sleep(LOOK)
            fault = await self.look_again()
            if fault is not None and fault != told:
                self.telemetry.store.fault("waiting", fault.reason)
            told = fault

    async def look_again(self) -> StoreFault | None:
        """Look once at what is due."""
        now = self.clock.now()
        found = await self.lessons.waiting(now, _A_ROUND)
        if isinstance(found, StoreFault):
            return found
        for one in found:
            try:
                fault = await self._look(one)
            except Exception as error:  # noqa: BLE001 - it would end the relay, now and at each start
                self.telemetry.relay.fault("feedback", error)
                fault = await self.lessons.put_off(one.key, now + timedelta(seconds=LOOKS[-1]))
            if isinstance(fault, StoreFault):
                return fault
        return None

    async def _pass_on(self, event: Delivery | Delay, text: str) -> StoreFault | None:
        """Tell an event that changes nothing, once."""
        if event.key in self._told:
            return None
        if event.mail.queue_id:
            self._tell(event, self._origin(event, None))
            return None
        sent = await self.sendings.sent(event.mail.ses_message_id)
        if isinstance(sent, Sent):
            self._tell(event, self._origin(event, sent))
            return None
        return sent or await self._take_in(event, text)

    async def _take_in(self, event: About, text: str) -> StoreFault | None:
        sent = await self.sendings.sent(event.mail.ses_message_id)
        if isinstance(sent, StoreFault):
            return sent
        origin, refused = self._origin(event, sent), self._owed(event)
        known = sent is not None or (bool(origin.queue_id) and not refused)
        tallies = self._tallies(event, origin) if known else ()
        lesson = self._lesson(event, tallies)
        if refused or not known:
            lesson = _waiting(lesson, text, counted=known)
        learned = await self.lessons.learn(lesson)
        if isinstance(learned, StoreFault):
            return learned
        for entry in learned.suppressed:
            if isinstance(address := Address.parse(entry.address), Address):
                self.telemetry.suppression.added(address, entry.reason, by="feedback")
        if not learned.fresh or (learned.kept and not known):
            return None
        await self._count_and_tell(event, origin, tallies)
        if sent is not None and refused and await self._report(sent, event, refused):
            await self._settle(event.key)
        return None

    def _lesson(self, event: About, tallies: Sequence[Tally]) -> Lesson:
        rules = self.settings().suppression
        return Lesson(
            key=event.key,
            at=self.clock.now(),
            suppress=suppress(event) if rules.enabled else (),
            full=full(event, rules.soft_bounces) if rules.enabled else None,
            tallies=tuple(tallies),
        )

    async def _look(self, waiting: Waiting) -> StoreFault | None:
        """See if our own record has come, or if it is time to do without."""
        event = read(waiting.event)
        if isinstance(event, Unreadable | Other):  # written by a relay that knew more kinds
            return await self._settle(waiting.key)
        sent = await self.sendings.sent(event.mail.ses_message_id)
        if isinstance(sent, StoreFault):
            return sent
        if sent is None and waiting.looks + 1 < len(LOOKS):
            pause = timedelta(seconds=LOOKS[waiting.looks + 1])
            return await self.lessons.put_off(waiting.key, waiting.first_seen + pause)
        refused = self._owed(event)
        if sent is not None and refused and not await self._report(sent, event, refused):
            pause = timedelta(seconds=_REPORTED_BY)
            return await self.lessons.put_off(waiting.key, self.clock.now() + pause)
        origin = self._origin(event, sent)
        tallies = () if waiting.counted else self._tallies(event, origin)
        gone = await self.lessons.settle(waiting.key, tallies)
        if isinstance(gone, StoreFault):
            return gone
        if gone and not waiting.counted:
            await self._count_and_tell(event, origin, tallies)
        return None

    async def _settle(self, key: str) -> StoreFault | None:
        gone = await self.lessons.settle(key)
        return gone if isinstance(gone, StoreFault) else None

    async def _report(self, sent: Sent, event: About, refused: Sequence[Refusal]) -> bool:
        """Tell the sender; False: it could not be kept, and has to be tried again."""
        new: list[NewEntry] = []
        for refusal in refused:
            for address in refusal.recipients:
                message = lost_message(sent, event.mail, address)
                meant = named(sent, address).address
                one = Refusal(recipients=(meant,), reply=refusal.reply)
                new += await self.reports.failed(message, one)
        fault = await self.custody.put(new) if new else None
        if isinstance(fault, StoreFault):
            self.telemetry.store.fault("report", fault.reason, queue_id=sent.queue_id)
            return False
        return True

    def _owed(self, event: About) -> Sequence[Refusal]:
        return () if self.settings().bounces.to is BounceTo.OFF else owed(event)

    def _origin(self, event: About, sent: Sent | None) -> Origin:
        return origin_of(event.mail, sent, (user.name for user in self.settings().users))

    def _tallies(self, event: About, origin: Origin) -> Sequence[Tally]:
        bounced, complained = hard_bounces(event), complaints(event)
        if not bounced and not complained:
            return ()
        at = event.mail.sent_at
        return self.score.tallies(origin, at, bounced=bounced, complained=complained)

    async def _count_and_tell(self, event: About, origin: Origin, tallies: Sequence[Tally]) -> None:
        self._tell(event, origin)
        await self.score.count(tallies)

    def _tell(self, event: About, origin: Origin) -> None:
        self._told[event.key] = None
        if len(self._told) > _TOLD:
            self._told.popitem(last=False)
        tell(self.telemetry.feedback, event, origin)


def _waiting(lesson: Lesson, text: str, *, counted: bool) -> Lesson:
    pause = timedelta(seconds=_REPORTED_BY if counted else LOOKS[0])
    waiting = Waiting(
        key=lesson.key,
        event=text,
        first_seen=lesson.at,
        look_at=lesson.at + pause,
        counted=counted,
    )
    return replace(lesson, waiting=waiting)
