"""Entries and contents for tests of what is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from relay.model.address import Address
from relay.model.content import Content, Field
from relay.model.entry import EntryRequest, QueueEntry
from relay.model.envelope import Recipient
from relay.model.message import Message, Parameters
from relay.model.ports import NewEntry, QueueKey
from relay.model.settings import Lane

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = QueueKey("default", Lane.TRANSACTIONAL, "tickets")
NOTHING = Content((), b"")


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def an_entry(
    queue_id: str, key: QueueKey = KEY, due: datetime = AT, recipients: int = 1
) -> QueueEntry:
    addresses = tuple(Address(f"r{place}", "example.net") for place in range(recipients))
    message = Message(
        id=queue_id,
        session_id="session",
        user=key.user,
        route=key.route,
        lane=key.lane,
        sender=Address("alice", "example.com"),
        source=Address("alice", "example.com"),
        recipients=tuple(Recipient(address) for address in addresses),
        content=NOTHING,
        parameters=Parameters(tags=(("queue_id", queue_id),)),
        authors=(Address("alice", "example.com"),),
        message_id=f"<{queue_id}@example.com>",
        received_at=AT,
        size=1_000,
    )
    return QueueEntry(
        id=queue_id,
        version=1,
        message=message,
        requests=(EntryRequest(number=1, recipients=addresses),),
        attempts=0,
        next_attempt_at=due,
        expires_at=AT + timedelta(days=4),
    )


def a_content(queue_id: str, body: bytes = b"Hello\r\n") -> Content:
    return Content((Field.of("Subject", f"about {queue_id}"),), body)


def new(
    queue_id: str, key: QueueKey = KEY, due: datetime = AT, body: bytes = b"Hello\r\n"
) -> NewEntry:
    content = a_content(queue_id, body)
    entry = an_entry(queue_id, key, due)
    return NewEntry(
        entry=replace(entry, message=replace(entry.message, size=content.size)), content=content
    )
