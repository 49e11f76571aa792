"""Prints may say "perhaps" too often, but never a false "no"."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from relay.stores.prints import Prints, print_of

names = st.integers(0, 60).map("u{}@example.org".format)


@given(st.lists(st.sets(names), max_size=6), names)
def test_what_was_added_may_be_there_and_the_rest_is_not(batches, asked):
    prints = Prints()
    for batch in batches:
        prints.add(array("q", sorted(map(print_of, batch))))
    assert prints.may_have(asked) == any(asked in batch for batch in batches)


def test_large_and_small_additions_are_found_alike():
    prints = Prints()
    addresses = [f"u{number}@example.org" for number in range(30_000)]
    for start, end in ((0, 10_000), (10_000, 10_001), (10_001, 14_000), (14_000, 30_000)):
        prints.add(array("q", sorted(map(print_of, addresses[start:end]))))
    assert all(map(prints.may_have, addresses))
    assert not any(prints.may_have(f"v{number}@example.org") for number in range(1_000))


def test_many_segments_ask_for_a_fresh_start():
    prints = Prints()
    for step in range(17):
        assert not prints.crowded
        prints.add(array("q", range(step * 5_000, step * 5_000 + 5_000)))
    assert prints.crowded


def test_a_print_is_a_number_that_sqlite_can_keep():
    for number in range(1_000):
        assert -(2**63) <= print_of(f"u{number}@example.org") < 2**63
