"""SMTP session → flow: one mail transaction, and where sessions bring their mail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from relay.model.address import Address
from relay.model.envelope import Client, Recipient, Ret
from relay.model.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class MailParameters:
    """What MAIL FROM says beside the sender."""

    size: int | None = None  # octets as declared (RFC 1870)
    ret: Ret | None = None
    envid: str | None = None


# Gives up a content that is still coming: drop it, read on to its end, and answer with the reply.
Withdraw = Callable[[Reply], None]


class Transaction(Protocol):
    """One mail transaction (RFC 5321 §3.3), bound to one immutable configuration snapshot.

    The session calls `mail`, then `rcpt` for each recipient, `ready` at DATA, `receive` with the
    octets, and `close` in every case. Whatever it answers is what the client hears.
    """

    @property
    def size_limit(self) -> int:
        """Octets this client may send in one message, after unstuffing."""
        ...

    def mail(self, sender: Address | None, parameters: MailParameters) -> Reply:
        """Decide on the sender; None is the null reverse-path."""
        ...

    def rcpt_at_once(self, recipient: Recipient) -> Reply | None:
        """Do what `rcpt` does where nothing must be waited for; None: `rcpt` must be asked."""
        ...

    async def rcpt(self, recipient: Recipient) -> Reply:
        """Decide on one recipient; a positive reply adds it to the envelope."""
        ...

    def ready(self, withdraw: Withdraw) -> Reply:
        """Reserve room for the content before it is asked for: 354, or why not now.

        `withdraw` is called when the content comes too slowly and others need its room.
        """
        ...

    def room_for(self, octets: int) -> Reply | None:
        """Ask for room as the content grows to `octets` in all; a reply says why there is none."""
        ...

    async def receive(self, octets: bytes | bytearray) -> Reply:
        """Take responsibility for the message, or refuse it (RFC 5321 §6.1).

        `octets` is what DATA carried, dots unstuffed, the final dot left out, CRLF only.
        A caller that is cancelled while it waits does not cancel the message.
        """
        ...

    def unheard(self, reply: Reply) -> None:
        """Learn that the connection broke before the client can have acted on `reply`.

        It may come after `close`: a verdict is heard when the next command comes.
        """
        ...

    def close(self) -> None:
        """Give the reservation back."""
        ...


class Reception(Protocol):
    """Where sessions bring their mail."""

    def size_limit(self, user: str | None) -> int:
        """Octets to announce in EHLO to this user (RFC 1870 §3)."""
        ...

    def begin(self, client: Client) -> Transaction:
        """Open a transaction under the configuration of this moment."""
        ...
