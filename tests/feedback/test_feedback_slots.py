"""The sums that are kept as counts come are those that one would make anew."""

from datetime import timedelta

from fakes import START
from hypothesis import given
from hypothesis import strategies as st

from relay.feedback.slots import DAY, REPRESENTATIVE, Slots
from relay.model.ports import TALLIES_KEPT, TALLY_SLOT
from relay.model.reputation import Count

MONTH = TALLIES_KEPT // TALLY_SLOT
COUNTS = st.tuples(
    st.integers(-MONTH - 200, 200),
    st.builds(
        Count,
        relayed=st.sampled_from([0, 1, 50, 4_000, REPRESENTATIVE]),
        bounced=st.integers(0, 5),
        complained=st.integers(0, 1),
        messages=st.integers(0, 2),
    ),
)


def at(place):
    return START + place * TALLY_SLOT


def newest_first(slots):
    return reversed(list(slots.all()))


def anew(slots, after=None):
    """Sum up the newest representative mail."""
    total = Count()
    for slot, count in newest_first(slots):
        if total.relayed >= REPRESENTATIVE or (after is not None and slot <= after):
            break
        total += count
    return total


def last_day(slots, now):
    return sum((count for slot, count in slots.all() if slot > now - DAY), Count())


@given(st.lists(COUNTS, max_size=40), st.integers(-MONTH, 0))
def test_sums_are_those_of_the_slots(counts, held):
    slots = Slots()
    now = START
    for place, count in counts:
        slots.add(at(place), count)
        now = max(now, at(place))
        assert slots.recent() == anew(slots)
        assert slots.recent(after=at(held)) == anew(slots, after=at(held))
        assert slots.day(now) == last_day(slots, now)
    kept = [slot for slot, _ in slots.all()]
    assert kept == sorted(set(kept))
    assert slots.newest == (kept[-1] if kept else None)
    assert all(slot >= kept[-1] - TALLIES_KEPT for slot in kept)


def test_mail_after_a_quiet_day_counts():
    slots = Slots()
    slots.add(at(0), Count(relayed=5))
    later = START + timedelta(days=2)
    assert slots.day(later) == Count()
    slots.add(later, Count(relayed=7))
    assert slots.day(later) == Count(relayed=7)


def test_the_judged_mail_says_when_it_begins():
    slots = Slots()
    assert slots.since is None
    slots.add(at(0), Count(relayed=5))
    slots.add(at(1), Count(relayed=REPRESENTATIVE))
    assert slots.since == at(1)
