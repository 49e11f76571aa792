"""One SMTP session: who came in, what was said so far, and how it ends.

How commands are obeyed is in `conversation`, the commands themselves in `verbs`.

Standards: RFC 5321 §3.1 (greeting), §3.8 (421 at any time), RFC 3207 §4.2.
Errors: none; what forbids something is a `Reply`.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Protocol

from relay.model import ids, replies
from relay.model.address import Address
from relay.model.envelope import Client
from relay.model.reply import Reply
from relay.model.settings import LineEndings, TlsMode
from relay.smtp.client_certificate import marks
from relay.smtp.connection import Connection
from relay.smtp.door import Door, House
from relay.smtp.inbound import TOO_LONG
from relay.smtp.proxy import client_behind_proxy
from relay.smtp.users import Host
from relay.telemetry import Step

if TYPE_CHECKING:
    from relay.model.ports import Transaction


class Content(Protocol):
    """The content of a transaction while it arrives."""

    @property
    def read(self) -> int:
        """Octets that have arrived so far."""
        ...

    def feed(self, chunk: bytearray) -> bytes | None:
        """Take what arrived. None: the end is still to come; else what stands behind it."""
        ...

    async def hand_over(self) -> None:
        """Give the whole content away, and pass the verdict on."""
        ...


class Session(Connection):
    """Everything about one session but what is said in it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        door: Door,
        house: House,
        left: "Callable[[Session], None]",
    ) -> None:
        super().__init__(loop, door.hostname)
        self._left = left
        self.door = door
        self.house = house
        self.limits = door.listener.limits
        self.id = ids.session_id(house.clock.now())
        self.host: Host | None = None
        self.helo = ""
        self.esmtp = False
        self.user: str | None = None
        self.authenticated = False
        self.certified = False  # known by a client certificate, which stands in for AUTH
        self.transaction: Transaction | None = None
        self.sender: Address | None = None
        self.recipients = 0  # accepted in this transaction
        self.messages = 0  # accepted in this session
        self.transactions = 0
        self.auth_failures = 0
        self.unacted: tuple[Transaction, Reply] | None = None  # the client may not have heard it
        self.receiving = False  # the flow has the message and nobody may cancel it
        self.content: Content | None = None  # under way, between 354 and its end
        self.began = house.clock.monotonic()
        self.silent_since: float | None = self.began  # None: it is our turn
        self.stuck_since: float | None = None  # replies wait for a peer that does not read
        self.reason = "lost"  # how it ended, for the log
        self._errors = 0
        self.commands = 0
        self._counted_in = False
        self.waiting = False  # for the peer, to say a command or more content
        self.dismissed = False

    # --- facts -----------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The peer as it is known at this moment."""
        return Client(
            session_id=self.id,
            address=self.host,
            helo=self.helo,
            esmtp=self.esmtp,
            tls=self.tls,
            user=self.user,
            authenticated=self.authenticated,
            listener=self.door.name,
        )

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """The task that runs the session, once the connection is made."""
        return self._handler_coroutine

    # --- beginning and end -----------------------------------------------------------------------

    async def enter(self) -> bool:
        """Find out who it is and greet them; False when they may not come in."""
        refused = await self._identify() or self._count_in()
        if refused is not None:
            return self._turn_away(refused)
        if self.door.listener.tls is TlsMode.IMPLICIT and not await self.encrypt():
            return False
        self.forget_identity()
        self.house.telemetry.smtp.connected(self.client)
        if self.unread:
            return self._turn_away(replies.EARLY_TALKER)
        self.answer(_greeting(self.door.hostname), "")
        return True

    async def _identify(self) -> Reply | None:
        """Find out the peer's address, and whether it may connect at all."""
        self.host = _host_of(self.get_extra("peername"))
        if not self.door.welcomes(self.host):
            return replies.NOT_WELCOME
        if self.door.listener.proxy_protocol:
            said = await client_behind_proxy(self.inbound, self.host)
            if isinstance(said, Reply):
                return said
            self.host = said
        return None

    def _count_in(self) -> Reply | None:
        full = self.house.census.enter(self.door.listener, self.host)
        self._counted_in = full is None
        if full is None and self.house.guesses.address_banned(self.host):
            return replies.AUTH_TOO_OFTEN
        return full

    def _turn_away(self, reply: Reply) -> bool:
        self.reason = "refused"
        # In front of a TLS handshake a reply would be noise.
        spoken = self.door.listener.tls is not TlsMode.IMPLICIT or self.tls is not None
        self.house.telemetry.smtp.refused(self.client, reply, Step("CONNECT"))
        if spoken:
            self.house.telemetry.smtp.replied(reply.code)
            self.say(reply)
        self.close()
        return False

    def dismiss(self) -> None:
        """Ask the session to end: at once between two commands, else after the one under way."""
        self.dismissed = True
        if self.waiting and self.content is None:
            self.part(replies.SHUTTING_DOWN, "stopped")

    def leave(self) -> None:
        """Clean up at the end, however it came."""
        self._left(self)
        self.drop_transaction()
        if self.unacted is not None and (self.lost is not None or self.reason == "idle"):
            transaction, reply = self.unacted
            transaction.unheard(reply)
        self.unacted = None
        if self._counted_in:
            self.house.census.leave(self.door.listener, self.host)
        self.close()
        self.house.telemetry.smtp.closed(
            self.client,
            reason=self.reason,
            messages=self.messages,
            duration_s=self.house.clock.monotonic() - self.began,
        )

    # --- for the verbs ---------------------------------------------------------------------------

    async def line(self, limit: int) -> bytes | Reply | None:
        """Read one more line within a command. None: the peer has gone."""
        # The whole line must come in time, or a peer could stay for ever on single octets.
        since = self.house.clock.monotonic()
        while (line := self.take_line(limit)) is None:
            if not await self.hear(since):
                return None
        return line

    def take_line(self, limit: int) -> bytes | Reply | None:
        """Take a line without its end. None: not there yet; a reply: it cannot be taken."""
        line = self.inbound.take_line(limit)
        if line is None:
            return None
        if line is TOO_LONG:
            return replies.LINE_TOO_LONG
        if line.endswith(b"\r\n"):
            line = line[:-2]
        elif self.door.listener.line_endings is LineEndings.REFUSE:
            return replies.BARE_LF_IN_COMMAND
        else:
            line = line[:-1]
        if b"\r" in line or b"\0" in line:
            return replies.CONTROL_IN_COMMAND
        return line

    async def hear(self, since: float) -> bool:
        """Send what was said and wait for the peer to say more; False when it will not.

        `since` is when our patience began, in monotonic seconds.
        """
        self.silent_since = since
        try:
            return await self.more()
        finally:
            self.silent_since = None

    def answer(self, reply: Reply, step: str, recipient: Address | None = None) -> None:
        """Say a reply, count it, and close when there were too many refusals."""
        self.say(reply)
        telemetry = self.house.telemetry.smtp
        telemetry.replied(reply.code)
        if reply.positive:
            return
        telemetry.refused(self.client, reply, Step(step, self.sender, recipient))
        # A transient refusal is our trouble, not the client's mistake.
        if reply.permanent:
            self._errors += 1
            if self._errors >= self.limits.errors_per_session:
                self.part(replies.TOO_MANY_ERRORS, "errors", step)

    def part(self, reply: Reply, reason: str, step: str = "") -> None:
        """Say a last reply and end the session."""
        if self.closing:
            return
        self.reason = reason
        telemetry = self.house.telemetry.smtp
        telemetry.replied(reply.code)
        if not reply.positive:
            telemetry.refused(self.client, reply, Step(step, self.sender), reason=reason)
        self.say(reply)
        self.close()

    async def encrypt(self) -> bool:
        """Start TLS; False when the handshake failed, which ends the session."""
        certificate = self.door.certificate
        assert certificate is not None, "the settings are checked for this"
        try:
            implicit = self.door.listener.tls is TlsMode.IMPLICIT
            await self.start_tls(certificate.context, self.inbound.take() if implicit else None)
        except (OSError, EOFError) as error:  # ssl.SSLError is an OSError
            self.reason = "tls"
            reason = getattr(error, "reason", None) or type(error).__name__
            refused = replies.TLS_UNAVAILABLE
            self.house.telemetry.smtp.refused(
                self.client, refused, Step("STARTTLS"), reason=str(reason)
            )
            self.abort()
            return False
        return True

    def forget_identity(self) -> None:
        """Begin anew, as after the greeting; who is known without AUTH stays known."""
        self.drop_transaction()
        self.helo, self.esmtp, self.authenticated = "", False, False
        by_certificate = None
        if self.tls is not None:
            shown = marks(self.get_extra("ssl_object"))
            by_certificate = self.door.users.showing(shown, self.host)
        self.certified = by_certificate is not None
        known = by_certificate or self.door.users.at(self.host)
        self.user = None if known is None else known.name

    def drop_transaction(self) -> None:
        """End the mail transaction, whatever became of it."""
        self.content = None
        if self.transaction is not None:
            self.transaction.close()
            self.transaction = None
        self.sender = None
        self.recipients = 0

    def message_done(self) -> None:
        """Count a message that was taken."""
        self.messages += 1
        self.commands = 0

    # --- asyncio's callbacks ---------------------------------------------------------------------

    def pause_writing(self) -> None:
        """Note when the peer stopped reading."""
        super().pause_writing()
        self.stuck_since = self.house.clock.monotonic()

    def resume_writing(self) -> None:
        """Note that the peer reads again."""
        super().resume_writing()
        self.stuck_since = None

    def eof_received(self) -> bool:
        """Note that the peer will say no more."""
        keep_open = super().eof_received()
        self._hung_up()
        return keep_open

    def connection_lost(self, error: Exception | None) -> None:
        """Note that nobody is there any more."""
        super().connection_lost(error)
        self._hung_up()

    def _hung_up(self) -> None:
        """Leave the flow alone with the message when nobody waits for its verdict any more.

        The cancellation ends the session, not the message: see `Transaction.receive`. Whoever sent
        more commands behind the message only half-closed and still listens.
        """
        if self.receiving and not len(self.inbound) and self._handler_coroutine is not None:
            self._handler_coroutine.cancel()


@lru_cache(16)
def _greeting(hostname: str) -> Reply:
    return replies.GREETING.saying(f"{hostname} {replies.GREETING.text}")


def _host_of(peername: object) -> Host | None:
    """Read asyncio's peer name; None for a unix socket."""
    return _parsed(peername[0]) if isinstance(peername, tuple) else None


@lru_cache(4096)  # most clients come again and again
def _parsed(text: str) -> Host:
    host = ip_address(text)
    return (host.ipv4_mapped or host) if isinstance(host, IPv6Address) else host
