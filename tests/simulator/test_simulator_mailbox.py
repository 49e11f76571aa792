from dataclasses import replace
from datetime import UTC, datetime

from relay.simulator import Mailbox, Message


def message(number, size=10):
    return Message(
        id=str(number),
        api="v1",
        accepted_at=datetime(2026, 1, 1, tzinfo=UTC),
        region="eu-west-1",
        caller_arn="",
        source="",
        destinations=(),
        raw=b"x" * size,
        delivered_header=b"",
        delivered_body=memoryview(b""),
        configuration_set=None,
        tags=(),
        tenant=None,
    )


def ids(mailbox):
    return [kept.id for kept in mailbox.messages()]


def test_the_oldest_go_beyond_the_number_and_are_counted():
    mailbox = Mailbox(most_messages=2)
    for number in range(5):
        mailbox.add(message(number))
    assert ids(mailbox) == ["3", "4"]
    assert mailbox.dropped == 3


def test_the_oldest_go_beyond_the_octets():
    mailbox = Mailbox(most_octets=25)
    for number in range(3):
        mailbox.add(message(number))
    assert ids(mailbox) == ["1", "2"]
    mailbox.add(message("large", size=20))
    assert ids(mailbox) == ["large"]
    assert mailbox.dropped == 3


def test_a_body_of_its_own_counts_too():
    mailbox = Mailbox(most_octets=25)
    for number in range(2):
        mailbox.add(replace(message(number), delivered_body=memoryview(b"x" * 10)))
    assert ids(mailbox) == ["1"]


def test_the_newest_stays_however_large():
    mailbox = Mailbox(most_octets=25)
    mailbox.add(message(1, size=100))
    assert ids(mailbox) == ["1"]


def test_clearing_forgets_messages_octets_and_count():
    mailbox = Mailbox(most_octets=25)
    for number in range(3):
        mailbox.add(message(number))
    mailbox.clear()
    assert (len(mailbox), mailbox.dropped) == (0, 0)
    mailbox.add(message(1))
    mailbox.add(message(2))
    assert ids(mailbox) == ["1", "2"]
