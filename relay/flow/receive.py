"""The story of one message: read, decide, shape, then hand over or keep.

Standards: RFC 5321 §6.1 (responsibility), RFC 6409 (what a submission server may do).
Errors: refusals are replies. What the content makes policy refuse for one recipient refuses the
message as a whole: nothing was sent yet, and the client hears it while it can act.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from relay.flow.aside import aside, long_header
from relay.flow.attempt import Attempts
from relay.flow.compose import Composer
from relay.flow.decide import Decided, Group, decide
from relay.flow.keep import Keeper, verdict
from relay.flow.outgoing import Outgoing
from relay.flow.owner import Owner
from relay.flow.submission import Submission
from relay.mail.author import Authors, read_authors
from relay.mail.refusal import Refusal
from relay.mail.split import Reading, split
from relay.model import replies
from relay.model.clock import Clock
from relay.model.decision import Reject
from relay.model.envelope import Notify, Recipient
from relay.model.outcome import Failed, Relayed
from relay.model.ports import StoreFault, Suppressed, Suppression
from relay.model.reply import Reply
from relay.model.settings import BounceTo, RefuseAt
from relay.policy.question import Seen
from relay.policy.rules import NeedsContent
from relay.telemetry import Telemetry

# Share of `queue.wait` for a turn; the rest of it is for SES's own verdict.
TURN_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as received: what it says, and what policy may ask about it."""

    reading: Reading
    seen: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Takes responsibility for messages, or refuses them."""

    attempts: Attempts
    keeper: Keeper
    owner: Owner
    suppression: Suppression
    telemetry: Telemetry
    clock: Clock

    async def receive(self, submission: Submission, octets: bytes | bytearray) -> Reply:
        """Take responsibility for one message, or refuse it (RFC 5321 §6.1)."""
        letter = await self._read(submission, octets)
        if isinstance(letter, Reply):
            return letter
        decided = await self._decide(submission, letter)
        if isinstance(decided, Reply):
            return decided
        composer = Composer(submission, self.clock.now(), self.attempts.largest)
        batch = await composer.compose(letter.reading, decided.groups)
        if isinstance(batch, Refusal):
            return batch.reply
        self._tell(submission, decided, batch)
        return await self._hand_over(submission, batch)

    async def _read(self, submission: Submission, octets: bytes | bytearray) -> Letter | Reply:
        """Read what came, and refuse authors the user may not use."""
        reading = split(octets)
        if isinstance(reading, Refusal):
            return reading.reply
        user, content = submission.user, reading.content

        def allowed() -> Authors | Reply:
            authors = read_authors(content, user.default_from)
            if isinstance(authors, Refusal):
                return authors.reply
            return submission.snapshot.policy.refuse_authors(user, authors.all) or authors

        authors = await aside(allowed, when=long_header(content))
        if isinstance(authors, Reply):
            return authors
        return Letter(reading, Seen(content=content, authors=authors.authors, size=len(octets)))

    async def _decide(self, submission: Submission, letter: Letter) -> Decided | Reply:
        decided = await aside(
            partial(decide, submission, letter.seen), when=long_header(letter.seen.content)
        )
        if isinstance(decided, Reject):
            return decided.reply
        return await self._without_suppressed(submission, decided)

    async def _hand_over(self, submission: Submission, batch: Sequence[Outgoing]) -> Reply:
        if not batch:  # all of it discarded, as the operator wrote
            return replies.OK
        if self._is_one_request(submission, batch):
            return await self._attempt_first(submission, batch[0])
        return await self.keeper.keep(batch, unkept=replies.NOT_KEPT)

    async def _attempt_first(self, submission: Submission, outgoing: Outgoing) -> Reply:
        """Let the client hear SES's own verdict, for as long as it should wait."""
        queue = submission.snapshot.settings.queue
        sending = self.owner.start(
            f"attempt {outgoing.message.id}",
            self.attempts.attempt(
                outgoing.message,
                outgoing.requests[0],
                deadline=self.clock.monotonic() + queue.wait * TURN_SHARE,
            ),
        )
        done, _ = await asyncio.wait({sending}, timeout=queue.wait)
        if not done:
            return await self.keeper.keep_in_flight(outgoing, sending)
        outcome = sending.result()
        match outcome:
            case Relayed():
                return verdict(outcome)
            case Failed() if not outcome.spared(outgoing.requests[0].recipients):
                return verdict(outcome)  # nobody is left whom the relay could answer for
            case _:
                return await self.keeper.keep_after(outgoing, outcome)

    async def _without_suppressed(
        self, submission: Submission, decided: Decided
    ) -> Decided | Reply:
        """Leave out whom the suppression list names, where RCPT could not refuse them."""
        settings = submission.snapshot.settings.suppression
        if not settings.enabled:
            return decided
        quiet = settings.refuse_at is RefuseAt.QUIET
        if not quiet and not any(
            isinstance(known, NeedsContent) for _, known in submission.decided
        ):
            return decided
        groups: list[Group] = []
        left_out = list(decided.discarded)
        for group in decided.groups:
            staying: list[Recipient] = []
            for recipient in group.recipients:
                found = await self.suppression.suppressed(recipient.address, self.clock.now())
                match found:
                    case None:
                        staying.append(recipient)
                    case StoreFault(reason=reason):
                        self.telemetry.store.fault("suppressed", reason)
                        return replies.STORE_FAULT
                    case Suppressed(reason=reason):
                        self.telemetry.message.suppressed(reason)
                        if not quiet:
                            return replies.RECIPIENT_SUPPRESSED.saying(
                                f"{recipient.address} is on the suppression list ({reason})"
                            )
                        left_out.append((recipient.address, f"suppressed: {reason}"))
            if staying:
                groups.append(replace(group, recipients=tuple(staying)))
        return Decided(groups=tuple(groups), discarded=tuple(left_out))

    def _is_one_request(self, submission: Submission, batch: Sequence[Outgoing]) -> bool:
        """Tell whether SES's verdict on one request is the verdict on the message."""
        settings = submission.snapshot.settings
        [first, *others] = batch
        owes_report = settings.bounces.to is not BounceTo.OFF and any(
            Notify.SUCCESS in recipient.notify for recipient in first.message.recipients
        )
        return (
            not others
            and len(first.requests) == 1
            and first.held is None
            and not owes_report
            and settings.queue.wait > 0
        )

    def _tell(self, submission: Submission, decided: Decided, batch: Sequence[Outgoing]) -> None:
        for outgoing in batch:
            self.telemetry.message.received(outgoing.message, submission.client)
            if outgoing.held is not None:
                self.telemetry.message.held(outgoing.message, outgoing.held.reason)
        sender = submission.envelope.sender
        for address, reason in decided.discarded:
            self.telemetry.message.discarded(submission.client, sender, address, reason=reason)
