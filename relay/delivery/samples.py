"""Two messages that exist to be written and never sent: one with every parameter, one with none.

`relay.delivery.lean` holds its own writing of them against botocore's. Errors: none.
"""

from datetime import UTC, datetime

from relay.delivery.answer import Sending
from relay.model.address import Address
from relay.model.content import Content, Field
from relay.model.envelope import Recipient
from relay.model.message import Message, Parameters, Request
from relay.model.settings import Lane

_ARN = "arn:aws:ses:eu-west-1:123456789012:identity/example.com"


def _sample(source: Address, author: Address, to: int, parameters: Parameters) -> Sending:
    recipients = tuple(Address(f"o'b+{n}=x/y", "example.org") for n in range(to))
    content = Content((Field(b"From: a@example.com\r\n"),), b"\xff\xfe?>~ sample\r\n")
    message = Message(
        id="sample",
        session_id="sample",
        user="-",
        route="default",
        lane=Lane.TRANSACTIONAL,
        sender=source,
        source=source,
        recipients=tuple(map(Recipient, recipients)),
        content=content,
        parameters=parameters,
        authors=(author,),
        message_id="<sample@example.com>",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        size=content.size,
    )
    return Sending(message, Request(number=1, recipients=recipients))


SAMPLES = (
    _sample(
        Address('"a b%&+"', "example.com"),
        Address("author", "example.net"),
        2,
        Parameters(
            configuration_set="set_1",
            tags=(("relay-queue-id", "1"), ("relay-user", "a_b")),
            from_arn=_ARN,
            source_arn=_ARN,
            return_path_arn=_ARN,
            tenant="t",
        ),
    ),
    _sample(Address("a", "example.com"), Address("a", "example.com"), 1, Parameters()),
)
