"""Room for contents: what is announced can also be taken."""

from flow_world import World, settings

from relay.flow.admission import Admission, Reservation, for_clients
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
    assert transaction.ready().positive
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
    assert transaction.ready().code == 354
    assert transaction.room_for(20 * MIB) is None
    world.admission.taken += 200 * MIB  # of others
    assert transaction.room_for(35 * MIB) == replies.NO_ROOM
    assert transaction.room_for(45 * MIB).code == 552
    world.admission.taken -= 200 * MIB
    transaction.close()
    assert world.admission.taken == 0


def test_nothing_is_taken_for_what_does_not_fit():
    admission = Admission(100)
    kept = admission.reserve(20)
    assert isinstance(kept, Reservation)
    assert kept.grow(51) is not None
    assert admission.taken == 40
    kept.release()
    kept.release()
    assert admission.taken == 0
