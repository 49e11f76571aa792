"""The client's part: what it says at each stage, and what it hears.

The session's own checks (networks, AUTH, how addresses are read) are made with `relay.smtp`'s
parts; everything behind them is the flow itself on dry edges.

Errors: none; a refusal ends the walk.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from relay.flow.admission import Admission
from relay.flow.allowance import Allowance
from relay.flow.attempt import Attempts
from relay.flow.fallback import Fallback
from relay.flow.keep import Keeper
from relay.flow.owner import Owner
from relay.flow.receive import Receiver
from relay.flow.resubmission import Resubmissions
from relay.flow.snapshot import Snapshot
from relay.flow.transaction import Desk, MailTransaction
from relay.mail.line_endings import fault, mend
from relay.model import backoff, replies
from relay.model.clock import Clock
from relay.model.envelope import Client, Recipient, Tls
from relay.model.ports import Custody, MailParameters, Suppression
from relay.model.reply import Reply
from relay.model.settings import AuthMode, Listener, NoStore, TlsMode
from relay.service.explain.dry import Exit, Heard, NoReports, OpenGates, WatchedPolicy
from relay.service.explain.told import Stage
from relay.smtp.paths import PathRules, read_recipient, read_sender
from relay.smtp.users import Users, may_come_from, within
from relay.stores.none import NoCustodyAtAll, NoVerdicts
from relay.telemetry import Metrics, Telemetry

# How a session would be encrypted whose listener insists on it; it shows in Received.
_TLS = Tls(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What a client would do."""

    sender: str  # empty: the null reverse-path
    recipients: tuple[str, ...]
    octets: bytes
    user: str | None = None  # by AUTH; None: whoever the network names
    address: IPv4Address | IPv6Address
    listener: Listener


class Walk:
    """One client's walk through the relay."""

    def __init__(
        self, snapshot: Snapshot, attempted: Attempted, suppression: Suppression, clock: Clock
    ) -> None:
        self.policy = WatchedPolicy(snapshot.policy)
        self.exit, self.heard = Exit(), Heard()
        self.octets = mend(attempted.octets)
        self.listener_name = attempted.listener.name or str(attempted.listener.bind)
        self._attempted = attempted
        self._snapshot = replace(snapshot, policy=self.policy)
        self._users = Users(snapshot.settings.users)
        known = self._users.at(attempted.address)
        self.user = attempted.user or (None if known is None else known.name)
        self._certified = self._shows_certificate()
        self._owner = Owner(self._bug)
        self._desk = self._made(suppression, clock)

    def _bug(self, where: str, error: BaseException) -> None:
        self.heard.faults.append(f"{where}: {type(error).__name__}: {error}")

    def _shows_certificate(self) -> bool:
        """Say if the user is one whom a client certificate names, on a listener that can ask."""
        if self._attempted.listener.tls is TlsMode.OFF:
            return False
        named = [u for u in self._snapshot.settings.users if u.name == self._attempted.user]
        shown = [mark for user in named for mark in user.certificates]
        return self._users.showing(shown, self._attempted.address) is not None

    async def stages(self) -> AsyncIterator[Stage]:
        """Say one command after the other, until one is refused."""
        attempted, listener = self._attempted, self._attempted.listener
        welcome = not listener.networks or within(attempted.address, listener.networks)
        greeting = replies.GREETING.saying(f"{self._snapshot.hostname} {replies.GREETING.text}")
        reply = greeting if welcome else replies.NOT_WELCOME
        yield Stage(f"connect from {attempted.address}", reply)
        if not reply.positive:
            return
        if attempted.user is not None and not self._certified:
            reply = self._log_in(attempted.user)
            yield Stage(f"AUTH as {attempted.user}", reply)
            if not reply.positive:
                return
        transaction = MailTransaction(self._client(), self._snapshot, self._desk)
        try:
            async for stage in self._transaction(transaction):
                yield stage
        finally:
            transaction.close()
            await self._owner.drain(0)

    def _log_in(self, name: str) -> Reply:
        user = self._users.named(name)
        if self._attempted.listener.auth is AuthMode.OFF:
            return replies.AUTH_MECHANISM
        if user is None:
            return replies.AUTH_BAD
        allowed = may_come_from(user, self._attempted.address)
        return replies.AUTH_OK if allowed else replies.AUTH_BAD

    async def _transaction(self, transaction: MailTransaction) -> AsyncIterator[Stage]:
        paths = PathRules(
            self._attempted.listener.strict_addresses, self._attempted.listener.default_domain
        )
        reply = self._mail(transaction, paths)
        yield Stage(f"MAIL FROM:<{self._attempted.sender}>", reply)
        if not reply.positive:
            return
        taken = 0
        for text in self._attempted.recipients:
            address = read_recipient(text, paths)
            if isinstance(address, Reply):
                reply = address
            else:
                reply = await transaction.rcpt(Recipient(address))
            taken += reply.positive
            yield Stage(f"RCPT TO:<{text}>", reply)
        if not taken:
            return
        reply = transaction.ready(lambda _: None)
        yield Stage("DATA", reply)
        if reply.positive:
            yield Stage("end of data", await self._content(transaction))

    def _mail(self, transaction: MailTransaction, paths: PathRules) -> Reply:
        if self._attempted.listener.auth is AuthMode.REQUIRED and self._attempted.user is None:
            return replies.AUTH_REQUIRED
        sender = read_sender(self._attempted.sender, paths)
        if isinstance(sender, Reply):
            return sender
        return transaction.mail(sender, MailParameters(size=len(self.octets)))

    async def _content(self, transaction: MailTransaction) -> Reply:
        if (wrong := fault(self.octets)) is not None:
            return wrong.reply
        refused = transaction.room_for(len(self.octets))
        return refused or await transaction.receive(self.octets)

    def _client(self) -> Client:
        listener = self._attempted.listener
        always = listener.tls in {TlsMode.STARTTLS_REQUIRED, TlsMode.IMPLICIT}
        return Client(
            session_id="explain",
            address=self._attempted.address,
            helo="client",
            esmtp=True,
            tls=_TLS if always or self._certified else None,
            user=self.user,
            authenticated=self._attempted.user is not None and not self._certified,
            listener=self.listener_name,
        )

    def _made(self, suppression: Suppression, clock: Clock) -> Desk:
        settings = self._snapshot.settings
        telemetry = Telemetry(log=self.heard, metrics=Metrics(), history=self.heard, clock=clock)
        keeps = not isinstance(settings.queue.store, NoStore)
        custody: Custody = self.exit if keeps else NoCustodyAtAll()
        keeper = Keeper(
            custody,
            NoReports(),
            self._owner,
            telemetry,
            lambda entry: backoff.times(settings.queue, entry.attempts, clock.now(), 0.5),
        )
        return Desk(
            receiver=Receiver(
                attempts=Attempts(OpenGates(), self.exit, telemetry, clock, Fallback(dict, clock)),
                keeper=keeper,
                owner=self._owner,
                suppression=suppression,
                telemetry=telemetry,
                clock=clock,
            ),
            resubmissions=Resubmissions(
                verdicts=NoVerdicts(), owner=self._owner, telemetry=telemetry, clock=clock
            ),
            owner=self._owner,
            admission=Admission(settings.limits.octets_in_flight, clock),
            allowance=Allowance(),
            suppression=suppression,
            telemetry=telemetry,
            clock=clock,
        )
