"""An SQS queue that events arrive in, read with the credentials of a route.

AWS facts (SQS API reference, ReceiveMessage): a long poll waits 20 s at most; ten messages come at
a time at most; what is not deleted comes again when its visibility ends. The host of a queue's URL
is where it is reached, also through a VPC endpoint or an emulator.

Errors: `UnusableRoute` when the settings cannot work; everything else is a `QueueFault` value.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError

from relay.aws.clients import UnusableRoute, session_of
from relay.model.settings import Route, SqsQueue

if TYPE_CHECKING:  # the stubs are a test dependency
    from types_aiobotocore_sqs.client import SQSClient

LONG_POLL = 20  # seconds
A_TIME = 10  # messages
# Longer than the store may take for ten events; then they come again.
_VISIBILITY = 120  # seconds


@dataclass(frozen=True, slots=True)
class QueueFault:
    """The queue could not be read, in a sentence for the operator."""

    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """One message of the queue."""

    id: str
    receipt: str
    body: str


class EventQueue:
    """One queue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    async def receive(self) -> Sequence[Received] | QueueFault:
        """Wait for messages, up to 20 seconds."""
        try:
            answer = await self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=A_TIME,
                WaitTimeSeconds=LONG_POLL,
                VisibilityTimeout=_VISIBILITY,
            )
        except (BotoCoreError, ClientError) as error:
            return QueueFault(str(error))
        return [
            Received(one.get("MessageId", ""), one.get("ReceiptHandle", ""), one.get("Body", ""))
            for one in answer.get("Messages", ())
        ]

    async def delete(self, receipts: Sequence[str]) -> QueueFault | None:
        """Take messages out of the queue, ten at most."""
        entries = [
            {"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(receipts)
        ]
        try:
            answer = await self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=entries,  # type: ignore[arg-type]  # a plain dict is what the API takes
            )
        except (BotoCoreError, ClientError) as error:
            return QueueFault(str(error))
        failed = [one.get("Message", one["Code"]) for one in answer.get("Failed", ())]
        return QueueFault(f"{len(failed)} not deleted: {failed[0]}") if failed else None


@asynccontextmanager
async def open_queue(name: str, route: Route, settings: SqsQueue) -> AsyncIterator[EventQueue]:
    """Open a queue with the credentials of its route; `name` is the route's."""
    where = urlsplit(settings.queue_url)
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(
                session_of(route).client(
                    "sqs",
                    region_name=settings.region or route.region,
                    endpoint_url=f"{where.scheme}://{where.netloc}",
                    config=AioConfig(
                        retries={"mode": "standard", "total_max_attempts": 1},
                        user_agent="ses-relay",
                        connect_timeout=10,
                        read_timeout=LONG_POLL + 10,
                    ),
                )
            )
        except (BotoCoreError, ValueError) as error:
            raise UnusableRoute(f"feedback.sqs (route {name}): {error}") from error
        yield EventQueue(client, settings.queue_url)
