"""Who claims to write: read for policy, set where it is missing, replaced where a rule says so.

Reading stands apart from changing: policy must see every address of From and Sender before
anything is shaped, because SES checks them all.

Standards: RFC 5322 §3.6.2 (From, Sender, Reply-To), RFC 6409 §8 (what a submission server may
mend; inventing an author is not among it, so without `default_from` the message is refused).
SES facts: SES Developer Guide, troubleshoot-smtp: From, Source, Sender and Return-Path must be
verified, Reply-To need not be.
Errors: a `Refusal` where From is missing or an address cannot be sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.mail.addresses import Mailbox, mailboxes
from relay.mail.changes import Change, Changed
from relay.mail.eight_bit import seven_bit_field
from relay.mail.refusal import Refusal, shown
from relay.mail.words import phrase
from relay.model import replies
from relay.model.address import Address, AddressFault
from relay.model.content import Content, Field

ORIGINAL_FROM = "X-Original-From"


@dataclass(frozen=True, slots=True)
class Authors:
    """The addresses of From and of Sender, in their order."""

    authors: tuple[Address, ...]
    senders: tuple[Address, ...] = ()

    @property
    def all(self) -> tuple[Address, ...]:
        """Every address that policy must allow and SES must know."""
        return (*self.authors, *self.senders)


def read_authors(content: Content, default_from: Address | None = None) -> Authors | Refusal:
    """Read who claims to write; `default_from` stands in where From holds no address at all."""
    authors = _addresses(content, b"from")
    if default_from is not None and not _usable(content):
        authors = (default_from,)
    if isinstance(authors, Refusal):
        return authors
    if not authors:
        return Refusal(replies.NO_AUTHOR)
    senders = _addresses(content, b"sender")
    if isinstance(senders, Refusal):
        return senders
    return Authors(authors, senders)


def set_default_from(
    fields: tuple[Field, ...], default: Address | None
) -> tuple[tuple[Field, ...], tuple[Changed, ...]]:
    """Set From where it is missing or holds no address; its text becomes the display name."""
    found = [field for field in fields if field.name == b"from"]
    if default is None or any(_good(box) for field in found for box in mailboxes(field.value)):
        return fields, ()
    text = " ".join(found[0].value.decode("latin-1").split()).strip('"<> ') if found else ""
    value = str(default).encode("ascii")
    if text:
        value = phrase(text) + b" <" + value + b">"
    new = Field.of("From", value)
    return _replaced(fields, b"from", new), (Changed(Change.DEFAULT_FROM, str(default)),)


def rewrite_from(
    fields: tuple[Field, ...], author: Address | None
) -> tuple[tuple[Field, ...], tuple[Changed, ...]]:
    """Make `author` the author; the old one gets the answers and is recorded.

    A Sender goes as well: SES would want its address verified too.
    """
    old = next((field for field in fields if field.name == b"from"), None)
    if author is None or old is None:
        return fields, ()
    boxes = mailboxes(old.value)
    if [box.address for box in boxes] == [author]:
        return fields, ()
    value = str(author).encode("ascii")
    display = next((box.display for box in boxes if box.display), "")
    if display:
        value = display.encode("latin-1") + b" <" + value + b">"
    kept = _replaced(
        tuple(field for field in fields if field.name != b"sender"),
        b"from",
        Field.of("From", value),
    )
    old_value = old.raw.partition(b":")[2].strip(b" \t\r\n")
    added = [Field.of(ORIGINAL_FROM, old_value)]
    if old_value and all(field.name != b"reply-to" for field in fields):
        added.insert(0, Field.of("Reply-To", old_value))
    return (*kept, *added), (Changed(Change.REWRITE_FROM, str(author)),)


def _usable(content: Content) -> bool:
    return any(
        _good(box) or box.address is AddressFault.NON_ASCII
        for field in content.named(b"from")
        for box in mailboxes(field.value)
    )


def _good(box: Mailbox) -> bool:
    return isinstance(box.address, Address)


def _addresses(content: Content, name: bytes) -> tuple[Address, ...] | Refusal:
    """Collect the addresses of every instance of a field; one bad address refuses the message."""
    found: list[Address] = []
    for field in content.named(name):
        readable = seven_bit_field(field)
        if isinstance(readable, Refusal):
            return readable
        for box in mailboxes(readable.value):
            match box.address:
                case Address() as address:
                    found.append(address)
                case AddressFault.NON_ASCII:
                    return Refusal.of(
                        replies.NON_ASCII_ADDRESS, f"Non-ASCII address in {name.decode().title()}"
                    )
                case fault:
                    return Refusal.of(
                        replies.MALFORMED,
                        f"{name.decode().title()} cannot be sent: "
                        f"'{shown(box.spec.encode('latin-1'))}': {fault}",
                    )
    return tuple(found)


def _replaced(fields: Sequence[Field], name: bytes, new: Field) -> tuple[Field, ...]:
    """Put `new` where the first field of that name stood, or at the end; drop the others."""
    before = _up_to(fields, name)
    rest = [field for field in fields[len(before) :] if field.name != name]
    return (*before, new, *rest)


def _up_to(fields: Iterable[Field], name: bytes) -> tuple[Field, ...]:
    before: list[Field] = []
    for field in fields:
        if field.name == name:
            break
        before.append(field)
    return tuple(before)
