"""The commands of the session, one method each.

They stand in for aiosmtpd's `smtp_…` methods; most of them need not be awaited (see `Verb`).

Standards: RFC 5321 §4.1.1, RFC 1869/1870 (EHLO, SIZE), RFC 2034 (enhanced codes), RFC 2920
(PIPELINING), RFC 3207 (STARTTLS), RFC 3461 (DSN), RFC 4954 (AUTH), RFC 6152 (8BITMIME).
Errors: replies only.
"""
# ruff: noqa: ARG002 - all commands have one shape

import re
from functools import partial
from typing import ClassVar

from relay.model import replies
from relay.model.envelope import Recipient
from relay.model.ports import MailParameters, Transaction
from relay.model.reply import Reply
from relay.model.settings import AuthMode
from relay.smtp.auth import log_in
from relay.smtp.content import ask_for_content
from relay.smtp.conversation import Conversation, Verb, Verbs, Work
from relay.smtp.parameters import read_mail, read_rcpt
from relay.smtp.paths import Path, read_path, read_recipient, read_sender

# RFC 5321 §4.1.1.1 wants a domain or an address literal; clients say all sorts of names. Whatever
# is printable is taken, to 255 octets, since it goes into the Received field.
_HELO = re.compile(r"[!-~]{1,255}")


class SubmissionSession(Conversation):
    """A session that takes mail."""

    def on_ehlo(self, argument: str) -> None:
        """Greet in the extended way (§4.1.1.1) and list what holds now, in one write."""
        if self._introduce(argument, esmtp=True):
            lines = [self.door.hostname, *self._extensions()]
            text = "\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}\r\n"])
            self.say_lines(text.encode("ascii"))
            self.house.telemetry.smtp.replied(250)

    def on_helo(self, argument: str) -> None:
        """Greet in the old way: no extension may be used."""
        if self._introduce(argument, esmtp=False):
            self.answer(Reply(250, "", self.door.hostname), "HELO")  # RFC 2034 §4: no code

    def _introduce(self, name: str, *, esmtp: bool) -> bool:
        if not _HELO.fullmatch(name):
            self.answer(replies.SYNTAX, "EHLO" if esmtp else "HELO")
            return False
        self.drop_transaction()
        self.helo, self.esmtp = name, esmtp
        return True

    def _extensions(self) -> list[str]:
        """List what is offered at this moment; nothing is announced that does not hold."""
        encrypted = self.tls is not None
        lines = [f"SIZE {self.house.reception.size_limit(self.user)}", "8BITMIME", "PIPELINING"]
        if self.door.dsn:
            lines.append("DSN")
        if self.door.offers_tls(encrypted=encrypted):
            lines.append("STARTTLS")
        mechanisms = self.door.mechanisms(self.host, encrypted=encrypted)
        if mechanisms and not self.authenticated:
            lines.append(f"AUTH {' '.join(mechanisms)}")
        lines.append("ENHANCEDSTATUSCODES")
        return lines

    def on_mail(self, argument: str) -> None:
        """Open a transaction (§4.1.1.2)."""
        refused = self._refuse_mail()
        if refused is not None:
            self.answer(refused, "MAIL")
            return
        if self.transactions >= self.limits.transactions_per_session:
            self.part(replies.TOO_MANY_MESSAGES, "messages", "MAIL")
            return
        path = self._path(argument, "FROM")
        if isinstance(path, Reply):
            self.answer(path, "MAIL")
            return
        parameters = read_mail(path.parameters, dsn=self.door.dsn)
        sender = read_sender(path.text, self.door.paths)
        if isinstance(parameters, MailParameters) and not isinstance(sender, Reply):
            self.transactions += 1
            self.transaction = self.house.reception.begin(self.client)
            self.sender = sender
            reply = self.transaction.mail(sender, parameters)
        else:
            reply = parameters if isinstance(parameters, Reply) else sender  # type: ignore[assignment]  # one of the two is a reply
        self.answer(reply, "MAIL")
        if not reply.positive:
            self.drop_transaction()

    def _refuse_mail(self) -> Reply | None:
        """Say what forbids MAIL at this point, if anything does."""
        if not self.helo or self.transaction is not None:
            return replies.BAD_SEQUENCE
        known = self.authenticated or self.certified
        if self.door.listener.auth is AuthMode.REQUIRED and not known:
            return replies.AUTH_REQUIRED
        return None

    def on_rcpt(self, argument: str) -> Work | None:
        """Name a recipient (§4.1.1.3); who is not known at once is looked up."""
        transaction = self.transaction
        if transaction is None or self.recipients >= self.limits.recipients_per_transaction:
            many = transaction is not None
            self.answer(replies.TOO_MANY_RECIPIENTS if many else replies.BAD_SEQUENCE, "RCPT")
            return None
        path = self._path(argument, "TO")
        if isinstance(path, Reply):
            self.answer(path, "RCPT")
            return None
        address = read_recipient(path.text, self.door.paths)
        if isinstance(address, Reply):
            self.answer(address, "RCPT")
            return None
        parameters = read_rcpt(path.parameters, dsn=self.door.dsn)
        if isinstance(parameters, Reply):
            self.answer(parameters, "RCPT", address)
            return None
        recipient = Recipient(address, *parameters)
        reply = transaction.rcpt_at_once(recipient)
        if reply is None:
            return partial(self._look_up, transaction, recipient)
        self._named(recipient, reply)
        return None

    async def _look_up(self, transaction: Transaction, recipient: Recipient) -> None:
        self._named(recipient, await transaction.rcpt(recipient))

    def _named(self, recipient: Recipient, reply: Reply) -> None:
        if reply.positive:
            self.recipients += 1
        self.answer(reply, "RCPT", recipient.address)

    def _path(self, argument: str, keyword: str) -> Path | Reply:
        path = read_path(argument, keyword, self.door.paths)
        if isinstance(path, Path) and path.parameters and not self.esmtp:
            return replies.PARAMETER_UNKNOWN  # nothing was offered to this client
        return path

    def on_data(self, argument: str) -> None:
        """Take the content (§4.1.1.4)."""
        if argument:
            self.answer(replies.SYNTAX, "DATA")
        else:
            ask_for_content(self)

    def on_rset(self, argument: str) -> None:
        """Drop the transaction (§4.1.1.5)."""
        if argument:
            self.answer(replies.SYNTAX, "RSET")
            return
        self.drop_transaction()
        self.answer(replies.OK, "RSET")

    def on_noop(self, argument: str) -> None:
        """Do nothing."""
        self.answer(replies.OK, "NOOP")

    def on_vrfy(self, argument: str) -> None:
        """Tell nothing about addresses (§3.5.3, §7.3)."""
        self.answer(replies.CANNOT_VRFY if argument else replies.SYNTAX, "VRFY")

    def on_expn(self, argument: str) -> None:
        """Tell nothing about lists (§7.3)."""
        self.answer(replies.NOT_IMPLEMENTED, "EXPN")

    def on_help(self, argument: str) -> None:
        """Name the commands (§4.1.1.8)."""
        self.answer(replies.HELP, "HELP")

    def on_quit(self, argument: str) -> None:
        """Say goodbye (§4.1.1.10)."""
        if argument:
            self.answer(replies.SYNTAX, "QUIT")
        else:
            self.part(replies.BYE, "quit")

    async def on_starttls(self, argument: str) -> None:
        """Encrypt (RFC 3207); nothing said before is remembered (§4.2)."""
        if self.tls is not None or self.transaction is not None:
            self.answer(replies.BAD_SEQUENCE, "STARTTLS")
        elif argument:
            self.answer(replies.SYNTAX, "STARTTLS")
        elif not self.esmtp:
            self.answer(replies.EHLO_FIRST, "STARTTLS")
        elif not self.door.offers_tls(encrypted=False):
            self.answer(replies.NOT_IMPLEMENTED, "STARTTLS")
        else:
            self.answer(replies.START_TLS, "STARTTLS")
            if await self.encrypt():
                self.forget_identity()

    async def on_auth(self, argument: str) -> None:
        """Say who it is (RFC 4954)."""
        await log_in(self, argument)

    verbs: ClassVar[Verbs] = {
        b"EHLO": Verb(on_ehlo, last_in_group=True, before_tls=True),
        b"HELO": Verb(on_helo, last_in_group=True, before_tls=True),
        b"MAIL": Verb(on_mail),
        b"RCPT": Verb(on_rcpt, counted=False),
        b"DATA": Verb(on_data, last_in_group=True),
        b"RSET": Verb(on_rset, before_tls=True),
        b"NOOP": Verb(on_noop, before_tls=True),
        b"VRFY": Verb(on_vrfy),
        b"EXPN": Verb(on_expn),
        b"HELP": Verb(on_help, before_tls=True),
        b"QUIT": Verb(on_quit, before_tls=True, counted=False),
        b"STARTTLS": Verb(awaited=on_starttls, last_in_group=True, before_tls=True),
        b"AUTH": Verb(awaited=on_auth, last_in_group=True),
    }
