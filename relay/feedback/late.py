"""A message that failed after SES took it, made up again for the report to its sender.

Nothing of it was kept, so the report returns the header as the event has it, which SES cuts off at
10 KB, or its date alone.

Standards: RFC 3461 §6.2 (what a report returns), RFC 5322 §2.2 (header fields).
Errors: none.
"""

import re
from collections.abc import Iterator
from email.utils import format_datetime

from relay.feedback.events import Mail, address_of
from relay.model.address import Address
from relay.model.content import Content, Field
from relay.model.envelope import Recipient, Ret
from relay.model.message import TAG_USER, Message, Parameters, tag_of
from relay.model.ports import Sent
from relay.model.settings import Lane

_NAME = re.compile(r"[!-9;-~]{1,100}")  # RFC 5322 §2.2, without the colon
_LONGEST = 900  # octets of a value: a line has 998


def lost_message(sent: Sent, mail: Mail, refused: Address) -> Message:
    """Make up the message as far as the report about this recipient needs it."""
    source = sent.sender or address_of(mail.source) or refused
    fields = tuple(_fields(mail)) or (Field.of("Date", format_datetime(mail.sent_at)),)
    content = Content(fields, b"")
    message_id = content.first(b"message-id")
    return Message(
        id=sent.queue_id,
        session_id=sent.session_id,
        user=sent.user,
        route=sent.route,
        lane=Lane.TRANSACTIONAL,
        sender=sent.sender,
        source=source,
        recipients=(named(sent, refused),),
        content=content,
        parameters=Parameters(tags=((TAG_USER, tag_of(sent.user)),)),
        authors=(source,),
        message_id="" if message_id is None else message_id.value.decode("ascii", "replace"),
        received_at=sent.at,
        size=content.size,
        ret=Ret.HEADERS,
        envid=sent.envid,
        reports=sent.sender is not None,
    )


def named(sent: Sent, refused: Address) -> Recipient:
    """Find whom the sender named; receivers rewrite addresses, so the only one must be meant."""
    spelled = str(refused).lower()
    for recipient in sent.recipients:
        if str(recipient.address).lower() == spelled:
            return recipient
    return sent.recipients[0] if len(sent.recipients) == 1 else Recipient(refused)


def _fields(mail: Mail) -> Iterator[Field]:
    for name, value in mail.headers:
        line = " ".join(value.split()).encode("utf-8", "replace")
        if _NAME.fullmatch(name) and len(line) <= _LONGEST:
            yield Field.of(name, line)
