"""How a rate is divided: the sum never exceeds the whole, demand is followed, nobody waits long."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from relay.model.account import AccountState
from relay.model.ports import Lease, Pool, Seen, Slowed
from relay.scheduler.shares import LEASE, MARGIN, RESERVE, SETTLES, Claim, divide, renew

WANTS = st.dictionaries(st.integers(0, 60), st.floats(0, 1), min_size=1, max_size=60)
SEEN = Seen(AccountState(max_send_rate=14, max_24_hour_send=-1, sent_last_24_hours=0), 5.0)


def claim(**said):
    return Claim(**{"using": 0.0, "floor": 0.0, "want": 1.0, "counted": 0, **said})


def lease(member="other", **changes):
    known = {"bound": 1.0, "want": 1.0, "left": 5.0, "floor": 0.05, "counted": 0}
    return Lease(member=member, **{**known, **changes})


@given(WANTS)
def test_all_of_it_is_divided_and_nobody_is_below_the_floor(wants):
    floor = RESERVE / len(wants)
    shares = divide(wants, 1.0, floor)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert min(shares.values()) >= floor - 1e-9


@given(WANTS)
def test_who_wants_more_gets_no_less_and_equal_wants_get_equal_shares(wants):
    shares = divide(wants, 1.0, 0.0)
    for one in wants:
        for other in wants:
            if wants[one] <= wants[other]:
                assert shares[one] <= shares[other] + 1e-9


def test_an_idle_members_part_goes_to_the_busy_ones():
    shares = divide({"busy": 1.0, "idle": 0.0, "calm": 0.2}, 1.0, 0.01)
    assert shares == pytest.approx({"busy": 0.79, "idle": 0.01, "calm": 0.2})


def test_who_is_alone_has_everything_at_once_and_keeps_it_without_a_store():
    alone = renew("me", claim(want=0.0, first=True), Pool())
    assert (alone.share, alone.lease.bound, alone.lease.floor) == (1.0, 1.0, 1.0)


def test_a_new_member_starts_with_what_the_others_have_given_up():
    first = renew("new", claim(first=True), Pool(leases=(lease(bound=1.0),)))
    assert (first.share, first.due) == (0.0, 0.5)
    later = renew("new", claim(), Pool(leases=(lease(bound=0.7), first.lease)))
    assert later.share == pytest.approx(0.3)


def test_a_smaller_share_counts_when_its_member_has_heard_of_it():
    pool = Pool(leases=(lease("new", bound=0.0), lease("me")))
    told = renew("me", claim(using=1.0), pool)
    assert (told.share, told.lease.bound) == (0.5, 1.0)
    heard = renew("me", claim(using=told.share), pool)
    assert (heard.share, heard.lease.bound) == (0.5, 0.5)


def test_what_a_dead_member_had_is_free_when_its_lease_has_ended():
    dead = lease(bound=0.5, floor=0.025, left=0.1)
    assert renew("me", claim(using=0.5), Pool(leases=(dead,))).share == 0.5
    dead = lease(bound=0.5, floor=0.025, left=0.0)
    assert renew("me", claim(using=0.5), Pool(leases=(dead,))).share == 1 - 0.025


def test_those_who_vanished_never_take_more_than_the_reserve():
    gone = tuple(lease(f"gone-{n}", floor=0.05, left=-60.0) for n in range(30))
    assert renew("me", claim(), Pool(leases=gone)).share == 1 - RESERVE


def test_a_new_life_takes_its_last_ones_lease_over():
    pool = Pool(leases=(lease("me", bound=0.6, counted=100), lease(bound=0.4)))
    again = renew("me", claim(counted=2, first=True), pool)
    assert again.share == pytest.approx(0.5)
    assert again.sent == 2


def test_what_was_sent_is_added_once_however_often_it_is_told():
    pool = Pool(leases=(lease("me", counted=100),))
    assert renew("me", claim(counted=130), pool).sent == 30
    assert renew("me", claim(counted=100), pool).sent == 0


# --- what one learned ----------------------------------------------------------------------------


def test_a_refusal_halves_for_all_once_until_it_had_time_to_settle():
    first = renew("me", claim(refused=True), Pool()).slowed
    assert first == Slowed(peak=1.0, age=0.0)
    young = Pool(slowed=Slowed(1.0, SETTLES / 2))
    assert renew("me", claim(refused=True), young).slowed is None
    again = renew("me", claim(refused=True), Pool(slowed=Slowed(1.0, 60.0))).slowed
    assert again.peak == 1.0
    again = renew("me", claim(refused=True), Pool(slowed=Slowed(1.0, SETTLES))).slowed
    assert 0.5 < again.peak < 0.6
    assert renew("me", claim(), young).slowed is None


def test_the_newest_look_at_the_account_is_kept():
    assert renew("me", claim(seen=SEEN), Pool()).seen == SEEN
    assert renew("me", claim(seen=SEEN), Pool(seen=Seen(SEEN.state, 60.0))).seen == SEEN
    assert renew("me", claim(seen=SEEN), Pool(seen=Seen(SEEN.state, 4.0))).seen is None


# --- many of them, in any order ------------------------------------------------------------------


class Member:
    """Somebody who keeps to what they heard last."""

    def __init__(self, name):
        self.name, self.share, self.until, self.floor = name, 0.0, 0.0, 0.0
        self.first = True

    def using(self, now):
        return self.share if now < self.until else self.floor


class Sharing(RuleBasedStateMachine):
    """Members come, renew, hear the answer or do not, are cut off and die: the sum stays a whole.

    The one exception is meant: who was alone goes on alone when it cannot reach the store. So two
    are always there, and reachable.
    """

    def __init__(self):
        super().__init__()
        self.now, self.names = 0.0, 0
        self.rows = {}
        self.members, self.answers = [], []
        for _ in range(2):
            self.join()
        for _ in range(6):
            self.everybody_renews()

    def pool(self):
        return Pool(
            leases=tuple(replace(row, left=end - self.now) for row, end in self.rows.values())
        )

    def ask(self, member, want):
        """Renew in the store; the answer is not heard yet."""
        using, floor = member.using(self.now), member.floor
        said = claim(using=using, floor=floor, want=want, first=member.first)
        renewal = renew(member.name, said, self.pool())
        member.first = False
        self.rows[member.name] = renewal.lease, self.now + LEASE
        return renewal, self.now

    def hear(self, member, renewal, asked):
        if asked + LEASE - MARGIN > member.until:
            member.share, member.floor = renewal.share, renewal.floor
            member.until = asked + LEASE - MARGIN

    def everybody_renews(self):
        for member in self.members:
            self.hear(member, *self.ask(member, 1.0))

    @rule()
    def join(self):
        if len(self.members) < 12:
            self.names += 1
            self.members.append(Member(f"m{self.names}"))
            self.hear(self.members[-1], *self.ask(self.members[-1], 1.0))

    @rule(which=st.integers(0, 50), want=st.floats(0, 1), heard=st.booleans())
    def renew_one(self, which, want, heard):
        member = self.members[which % len(self.members)]
        answer = self.ask(member, want)
        if heard:
            self.hear(member, *answer)

    @rule(seconds=st.floats(0, 4))
    def let_time_pass(self, seconds):
        self.now += seconds
        for member in self.members[:2]:
            self.hear(member, *self.ask(member, 1.0))

    @rule(which=st.integers(2, 50))
    def leave(self, which):
        if len(self.members) > 2:
            member = self.members.pop(2 + which % (len(self.members) - 2))
            self.rows.pop(member.name)

    @rule(which=st.integers(2, 50))
    def die(self, which):
        if len(self.members) > 2:
            self.members.pop(2 + which % (len(self.members) - 2))

    @invariant()
    def all_together_use_no_more_than_the_whole(self):
        connected = [member for member in self.members if self.now < member.until]
        cut_off = [member for member in self.members if self.now >= member.until]
        floors = min(RESERVE, sum(member.floor for member in cut_off))
        assert sum(member.share for member in connected) + floors <= 1 + 1e-9


TestSharing = Sharing.TestCase
TestSharing.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
