"""The memory of verified senders is exact and bounded."""

from wire import address

from relay.delivery.verified import Verified


def test_it_forgets_those_longest_unused():
    verified = Verified(capacity=2)
    for name in ("a@example.com", "b@example.com", "a@example.com", "c@example.com"):
        verified.remember([address(name)])
    assert "a@example.com" in verified
    assert "b@example.com" not in verified
    assert "c@example.com" in verified


def test_domains_ignore_case_and_local_parts_do_not():
    verified = Verified()
    verified.remember([address("a@Example.COM")])
    assert address("a@example.com").key in verified
    assert address("A@example.com").key not in verified
