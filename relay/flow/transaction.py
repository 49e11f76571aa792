"""One mail transaction, from MAIL to the verdict, under one configuration snapshot.

Standards: RFC 5321 §3.3, RFC 1870 (SIZE), RFC 6409 §6 (a submission server may enforce policy).
Errors: an error nobody classified is ours: 451 for the client, a traceback in the log, never 5xx.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from relay.flow.admission import FIRST_OCTETS, Admission, Reservation
from relay.flow.allowance import Allowance, Spending
from relay.flow.owner import Owner
from relay.flow.receive import Receiver
from relay.flow.resubmission import Resubmissions, fingerprint
from relay.flow.snapshot import Snapshot
from relay.flow.submission import Submission
from relay.model import ids, replies
from relay.model.address import Address
from relay.model.clock import Clock
from relay.model.decision import Accept, Changes, Decision, Discard, Hold, Reject
from relay.model.envelope import Client, Envelope, Recipient
from relay.model.ports import MailParameters, StoreFault, Suppression, Withdraw
from relay.model.reply import Reply
from relay.model.settings import NoStore, RefuseAt
from relay.policy.question import Question
from relay.policy.rules import NeedsContent
from relay.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all transactions of a process share; outlives every reload."""

    receiver: Receiver
    resubmissions: Resubmissions
    owner: Owner
    admission: Admission
    allowance: Allowance
    suppression: Suppression
    telemetry: Telemetry
    clock: Clock


class MailTransaction:
    """Implements `relay.model.ports.Transaction`."""

    def __init__(self, client: Client, snapshot: Snapshot, desk: Desk) -> None:
        self._client = client
        self._snapshot = snapshot
        self._desk = desk
        self._user = snapshot.policy.user(client.user)
        self._sender: Address | None = None
        self._parameters = MailParameters()
        self._decided: list[tuple[Recipient, Decision | NeedsContent]] = []
        self._spending = Spending(desk.allowance, self._user)
        self._reservation: Reservation | None = None
        self._mark = b""  # of a message whose verdict may go unheard

    @property
    def size_limit(self) -> int:
        """Octets this user may send in one message."""
        return self._snapshot.size_limit(self._user)

    def mail(self, sender: Address | None, parameters: MailParameters) -> Reply:
        """Decide on the sender."""
        if parameters.size is not None and parameters.size > self.size_limit:
            return replies.TOO_BIG.saying(
                f"Message of {parameters.size} octets is too big, the limit is {self.size_limit}"
            )
        refused = self._snapshot.policy.refuse_sender(self._user, sender)
        if refused is None:
            self._sender, self._parameters = sender, parameters
        return refused or replies.SENDER_OK

    def rcpt_at_once(self, recipient: Recipient) -> Reply | None:
        """Decide on one recipient where memory knows the suppression list's answer."""
        decision = self._decide(recipient)
        reply = self._reply_to(recipient, decision)
        if not reply.positive:
            return reply
        absent = self._desk.suppression.surely_absent
        if not all(map(absent, self._checked(recipient, decision))):
            return None
        return self._take(recipient, decision, reply)

    async def rcpt(self, recipient: Recipient) -> Reply:
        """Decide on one recipient, as far as the envelope tells."""
        decision = self._decide(recipient)
        reply = self._reply_to(recipient, decision)
        if not reply.positive:
            return reply
        refused = await self._refuse_suppressed(self._checked(recipient, decision))
        return refused or self._take(recipient, decision, reply)

    def _decide(self, recipient: Recipient) -> Decision | NeedsContent:
        return self._snapshot.policy.recipient(
            Question(
                client=self._client,
                user=self._user.name,
                sender=self._sender,
                recipient=recipient.address,
            )
        )

    def _take(self, recipient: Recipient, decision: Decision | NeedsContent, reply: Reply) -> Reply:
        if not self._spending.recipient(self._desk.clock.monotonic()):
            return replies.USER_TOO_FAST
        self._decided.append((recipient, decision))
        return reply

    def _checked(
        self, recipient: Recipient, decision: Decision | NeedsContent
    ) -> tuple[Address, ...]:
        """Give whom the suppression list is asked about at RCPT."""
        settings = self._snapshot.settings.suppression
        if not settings.enabled or settings.refuse_at is not RefuseAt.RCPT:
            return ()
        match decision:
            case Accept(redirect=redirect) | Hold(redirect=redirect):
                return redirect or (recipient.address,)
            case _:  # nothing is sent, or whom it is sent to is not known yet
                return ()

    def _reply_to(self, recipient: Recipient, decision: Decision | NeedsContent) -> Reply:
        match decision:
            case Reject(reply=reply):
                return reply
            case Discard():
                return replies.RECIPIENT_OK
            case NeedsContent():
                return self._refuse_second_request(recipient, decision) or replies.RECIPIENT_OK
            case Accept(changes=changes) | Hold(changes=changes):
                return (
                    self._refuse_null_sender(changes)
                    or self._refuse_second_request(recipient, decision)
                    or replies.RECIPIENT_OK
                )
            case _:
                assert_never(decision)

    def _refuse_null_sender(self, changes: Changes) -> Reply | None:
        """SES takes no `<>`; the route must name a stand-in (SES answers MAIL FROM:<> with 501)."""
        if self._sender is not None or changes.rewrite_sender is not None:
            return None
        route = self._snapshot.settings.routes[changes.route]
        return None if route.null_sender else replies.NULL_SENDER_UNROUTED

    def _refuse_second_request(
        self, recipient: Recipient, decision: Decision | NeedsContent
    ) -> Reply | None:
        """Without a store all recipients must fit one request: one verdict for all of them."""
        settings = self._snapshot.settings
        if not self._decided or not isinstance(settings.queue.store, NoStore):
            return None
        decided = [*self._decided, (recipient, decision)]
        route = decision.changes.route if isinstance(decision, Accept) else self._user.route
        fits = settings.routes[route].recipients_per_request
        if len(_targets(decided)) > fits or len(set(_fates(decided))) > 1:
            return replies.TOO_MANY_RECIPIENTS
        return None

    async def _refuse_suppressed(self, addresses: tuple[Address, ...]) -> Reply | None:
        now = self._desk.clock.now()
        for address in addresses:
            known = await self._desk.suppression.suppressed(address, now)
            if isinstance(known, StoreFault):
                self._desk.telemetry.store.fault("suppressed", known.reason)
                return replies.STORE_FAULT
            if known is not None:
                self._desk.telemetry.message.suppressed(known.reason)
                return replies.RECIPIENT_SUPPRESSED.saying(
                    f"{address} is on the suppression list ({known.reason})"
                )
        return None

    def ready(self, withdraw: Withdraw) -> Reply:
        """Ask for room and the user's leave before the client may send its content."""
        if not self._decided:
            return replies.NO_RECIPIENTS
        reserved = self._desk.admission.reserve(
            self._parameters.size or FIRST_OCTETS,
            self._client.user or str(self._client.address),
            withdraw,
        )
        if isinstance(reserved, Reply):
            return reserved
        if not self._spending.message(self._desk.clock.monotonic()):
            reserved.release()
            return replies.USER_TOO_FAST
        self._reservation = reserved
        return replies.SEND_CONTENT

    def room_for(self, octets: int) -> Reply | None:
        """Ask for more room as the content grows."""
        if octets > self.size_limit:
            return replies.TOO_BIG.saying(f"Message is too big, the limit is {self.size_limit}")
        return self._reservation.came(octets) if self._reservation else replies.BAD_SEQUENCE

    async def receive(self, octets: bytes | bytearray) -> Reply:
        """Hand the message to the story of receiving, which outlives this session."""
        if self._reservation is not None:
            self._reservation.arrived()
        submission = Submission(
            id=ids.queue_id(self._desk.clock.now()),
            envelope=Envelope(
                client=self._client,
                sender=self._sender,
                recipients=tuple(recipient for recipient, _ in self._decided),
                ret=self._parameters.ret,
                envid=self._parameters.envid,
            ),
            user=self._user,
            snapshot=self._snapshot,
            decided=tuple(self._decided),
        )
        if self._snapshot.settings.queue.resubmission:
            self._mark = await fingerprint(submission, octets)
            if (verdict := await self._desk.resubmissions.verdict(self._mark)) is not None:
                return verdict
        reservation, self._reservation = self._reservation, None
        story = self._desk.owner.start(
            f"message {submission.id}", self._story(submission, octets, reservation)
        )
        try:
            reply = await asyncio.shield(story)
        except asyncio.CancelledError:
            self._spending.keep()
            if self._mark:
                self._desk.resubmissions.abandoned(self._mark, story)
            raise
        if reply.positive:
            self._spending.keep()
        return reply

    async def _story(
        self, submission: Submission, octets: bytes | bytearray, room: Reservation | None
    ) -> Reply:
        try:
            return await self._desk.receiver.receive(submission, octets)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is ours: transient, logged
            self._desk.telemetry.relay.fault(
                "receive", error, session_id=self._client.session_id, queue_id=submission.id
            )
            return replies.OUR_FAULT
        finally:
            if room is not None:
                room.release()

    def unheard(self, reply: Reply) -> None:
        """Learn that the connection broke before the client can have acted on `reply`."""
        if self._mark:
            self._desk.resubmissions.unheard(self._mark, reply)

    def close(self) -> None:
        """Give back what was taken for a message that never came, or was refused."""
        self._spending.give_back()
        if self._reservation is not None:
            self._reservation.release()
            self._reservation = None


_Decided = Sequence[tuple[Recipient, Decision | NeedsContent]]


def _targets(decided: _Decided) -> set[str]:
    """Give whom one request would name, as far as the envelope tells."""
    return {
        address.key
        for recipient, known in decided
        if not isinstance(known, Discard)
        for address in (
            known.redirect if isinstance(known, Accept) and known.redirect else (recipient.address,)
        )
    }


def _fates(decided: _Decided) -> Iterator[Changes | NeedsContent]:
    """Give what tells messages apart: recipients of one fate travel together."""
    for _, known in decided:
        match known:
            case Accept(changes=changes) | Hold(changes=changes):
                yield changes
            case NeedsContent():
                yield known
            case Discard() | Reject():
                pass
            case _:
                assert_never(known)
