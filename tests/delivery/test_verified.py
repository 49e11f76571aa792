"""The memory of verified senders is exact, bounded, and outlives the process."""

import pytest
from fakes import FakeClock
from wire import address

from relay.delivery.verified import MANY, ONCE_IN, Verified
from relay.model.ports import StoreFault


class Table:
    """A store of senders, and what it was asked."""

    def __init__(self):
        self.rows = set()
        self.writes = []
        self.reads = []
        self.fault = None

    async def remember(self, account, names, _now):
        self.writes.append(names)
        if self.fault is None:
            self.rows |= {(account, name) for name in names}
        return self.fault

    async def remembered(self, account, names):
        self.reads.append(names)
        return self.fault or frozenset(name for name in names if (account, name) in self.rows)


@pytest.fixture
def table():
    return Table()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def verified(table, clock):
    return Verified(table, "one", clock)


def test_it_forgets_those_longest_unused(table, clock):
    verified = Verified(table, "one", clock, capacity=2)
    for name in ("a@example.com", "b@example.com", "a@example.com", "c@example.com"):
        verified.remember([address(name)])
    assert "a@example.com" in verified
    assert "b@example.com" not in verified
    assert "c@example.com" in verified


def test_domains_ignore_case_and_local_parts_do_not(verified):
    verified.remember([address("a@Example.COM")])
    assert address("a@example.com").key in verified
    assert address("A@example.com").key not in verified


async def test_another_process_knows_who_has_sent_by_the_same_account(verified, table, clock):
    bob, ann = address("bob@example.com"), address("ann@example.com")
    verified.remember([bob])
    assert await verified.save() is None
    known = await Verified(table, "one", clock).among([bob, ann])
    assert bob.key in known
    assert ann.key not in known
    assert bob.key not in await Verified(table, "two", clock).among([bob])


async def test_a_sender_is_written_once_in_a_day_and_read_only_when_unknown(verified, table, clock):
    bob = address("bob@example.com")
    for _ in range(5):
        verified.remember([bob])
        await verified.save()
    assert table.writes == [["bob@example.com"]]
    assert bob.key in await verified.among([bob])
    assert table.reads == []
    clock.advance(ONCE_IN + 1)
    await verified.save()
    assert table.writes == [["bob@example.com"]] * 2


async def test_a_bounce_address_for_each_message_is_not_written_for_each(verified, table):
    for number in range(10 * MANY):
        verified.remember([address(f"bounce+{number}@example.com")])
        await verified.save()
    assert len(table.writes) == MANY + 1
    assert table.writes[-1] == ["@example.com"]
    assert "new@example.com" in verified
    assert "new@sub.example.com" not in verified


async def test_a_store_that_cannot_tell_lets_everybody_wait_and_is_asked_again(verified, table):
    table.fault = StoreFault("disk is full")
    bob = address("bob@example.com")
    assert bob.key in await verified.among([bob])
    verified.remember([address("ann@example.com")])
    assert await verified.save() == table.fault
    table.fault = None
    assert bob.key not in await verified.among([bob])
    assert await verified.save() is None
    assert table.rows == {("one", "ann@example.com")}
