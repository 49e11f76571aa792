"""Room for contents: what is announced can also be taken."""

from fakes import FakeClock, never_withdrawn
from flow_world import MAIL, World, settings

from relay.flow.admission import FIRST_MOMENT, PACE, Admission, Reservation, for_clients
from relay.model import replies
from relay.model.address import Address
from relay.model.envelope import Recipient
from relay.model.ports import MailParameters
from relay.model.settings import Limits

MIB = 1024 * 1024
SMALLEST = Limits(octets_in_flight=64 * MIB)


async def test_the_largest_message_that_is_announced_finds_room():
    world = World(settings(limits=SMALLEST))
    world.admission.limit = for_clients(SMALLEST.octets_in_flight)
    transaction = world.begin()
    most = transaction.size_limit
    assert most == world.reception.size_limit("tickets") == 24 * MIB
    assert transaction.mail(Address("t", "example.com"), MailParameters(size=most)).positive
    assert (await transaction.rcpt(Recipient(Address("a", "example.org")))).positive
    assert transaction.ready(never_withdrawn).positive
    transaction.close()
    assert world.admission.taken == 0


def test_a_message_beyond_it_is_too_big_at_once_and_not_sent_back_for_ever():
    world = World(settings(limits=SMALLEST))
    size = MailParameters(size=24 * MIB + 1)
    assert world.begin().mail(Address("t", "example.com"), size).code == 552


def test_memory_by_default_takes_what_ses_takes():
    assert World().reception.size_limit("tickets") > 39_000_000


async def test_a_message_of_unknown_size_asks_for_room_as_it_grows():
    world = World()
    transaction = world.begin()
    transaction.mail(Address("t", "example.com"), MailParameters())
    await transaction.rcpt(Recipient(Address("a", "example.org")))
    assert transaction.ready(never_withdrawn).code == 354
    assert transaction.room_for(20 * MIB) is None
    world.admission.taken += 200 * MIB  # of others
    assert transaction.room_for(35 * MIB) == replies.NO_ROOM
    assert transaction.room_for(45 * MIB).code == 552
    world.admission.taken -= 200 * MIB
    transaction.close()
    assert world.admission.taken == 0


def test_nothing_is_taken_for_what_does_not_fit():
    admission = Admission(100, FakeClock())
    kept = admission.reserve(20, "tickets", never_withdrawn)
    assert isinstance(kept, Reservation)
    assert kept.grow(51) is not None
    assert admission.taken == 40
    kept.release()
    kept.release()
    assert admission.taken == 0


class Asked:
    """Contents of 30 MiB, of which three have room."""

    def __init__(self):
        self.clock = FakeClock()
        self.admission = Admission(192 * MIB, self.clock)
        self.withdrawn = []

    def ask(self, who, octets=30 * MIB):
        return self.admission.reserve(octets, who, lambda reply: self.withdrawn.append(who))


def test_slow_senders_cannot_shut_others_out():
    asked = Asked()
    drips = [asked.ask(f"slow {number}") for number in range(3)]
    assert asked.ask("tickets") == replies.NO_ROOM  # nobody is slow yet
    for number, drip in enumerate(drips):
        assert drip.came(number) is None
    asked.clock.advance(6)
    for number in range(3):
        assert isinstance(asked.ask(f"user {number}"), Reservation)
    assert sorted(asked.withdrawn) == ["slow 0", "slow 1", "slow 2"]
    assert asked.ask("tickets") == replies.NO_ROOM
    assert asked.admission.taken == 180 * MIB


def test_no_more_slow_contents_are_given_up_than_are_needed():
    asked = Asked()
    large, small = asked.ask("large", 60 * MIB), asked.ask("small", 20 * MIB)
    asked.clock.advance(6)
    assert isinstance(asked.ask("tickets"), Reservation)
    assert asked.withdrawn == ["large"]
    large.release()
    small.release()
    assert asked.admission.taken == 60 * MIB


def test_nobody_is_given_up_where_it_would_not_make_room():
    asked = Asked()
    asked.ask("slow", 20 * MIB)
    for _ in range(2):
        asked.ask("tickets").arrived()
    asked.clock.advance(600)
    assert asked.ask("tickets", 40 * MIB) == replies.NO_ROOM
    assert asked.withdrawn == []


def test_a_slow_line_has_all_the_time_it_wants_while_nobody_needs_its_room():
    asked = Asked()
    slow = asked.ask("slow", 80 * MIB)
    asked.clock.advance(3600)
    assert isinstance(asked.ask("tickets", 10 * MIB), Reservation)
    assert slow.came(80 * MIB) is None
    assert asked.withdrawn == []


def test_what_comes_at_a_fair_pace_keeps_its_room():
    asked = Asked()
    steady = asked.ask("steady", 90 * MIB)
    for seconds in range(1, 60):
        asked.clock.advance(1)
        assert steady.came(seconds * PACE) is None
        assert asked.ask("tickets") == replies.NO_ROOM
    asked.clock.advance(FIRST_MOMENT)
    asked.clock.advance(2)  # and now it stalls
    assert isinstance(asked.ask("tickets"), Reservation)


def test_what_has_come_in_full_keeps_its_room():
    asked = Asked()
    asked.ask("tickets", 90 * MIB).arrived()
    asked.clock.advance(3600)
    assert asked.ask("slow") == replies.NO_ROOM


def test_who_asks_again_and_again_in_vain_is_not_waited_for():
    asked = Asked()
    for _ in range(3):
        asked.ask("slow").release()  # hung up after 354
    again = [asked.ask("slow") for _ in range(3)]
    asked.ask("tickets").arrived()
    assert asked.withdrawn == ["slow"]
    assert asked.ask("slow") == replies.NO_ROOM  # nor does it take the room of its like
    for one in again:
        one.came(20 * MIB)
        one.release()
    asked.clock.advance(301)
    for _ in range(2):
        assert isinstance(asked.ask("slow"), Reservation)
    assert asked.ask("other") == replies.NO_ROOM  # forgiven: it has its first moment again


def test_slow_contents_do_not_make_the_relay_unready():
    asked = Asked()
    asked.ask("slow", 96 * MIB)
    assert asked.admission.full is not None
    asked.clock.advance(6)
    assert asked.admission.full is None


async def test_a_slow_message_gives_its_room_up_and_is_refused_for_now():
    world, withdrawn = World(), []
    world.admission.limit = for_clients(256 * MIB)
    slow, quick = world.begin(user="tickets"), world.begin(user="tickets")
    for transaction in (slow, quick):
        transaction.mail(Address("t", "example.com"), MailParameters(size=39_000_000))
        await transaction.rcpt(Recipient(Address("a", "example.org")))
    assert slow.ready(withdrawn.append).code == 354
    assert slow.room_for(30 * MIB) is None
    world.admission.taken += 80 * MIB  # of others
    assert quick.ready(never_withdrawn) == replies.NO_ROOM
    world.clock.advance(300)
    assert quick.ready(never_withdrawn).code == 354
    assert withdrawn == [replies.ROOM_YIELDED]
    slow.close()
    assert (await quick.receive(MAIL)).code == 250
    quick.close()
    assert world.admission.taken == 80 * MIB
