"""An operator's words: on everything kept, beside a relay that works, never on a leased entry."""

from dataclasses import replace

import pytest
from stored import AT, KEY, later, new

from relay.model.address import Address
from relay.model.custody import Changed, EntryState, QueueCount, Selection
from relay.model.entry import Held, RequestState
from relay.model.envelope import Recipient
from relay.model.ports import Corrupt, QueueKey, Stale, StoreFault
from relay.model.settings import AddressPattern, Lane

NEWS = QueueKey("default", Lane.BULK, "news")
HELD = Held(reason="ask first")
ALL = Selection()


def ids(found):
    return [one.id for one in found]


def with_message(one, **changes):
    message = replace(one.entry.message, **changes)
    return replace(one, entry=replace(one.entry, message=message))


def held(one):
    return replace(one, entry=replace(one.entry, held=HELD))


async def claim(queue, count=10, key=KEY, now=AT):
    return await queue.claim({key: count}, now, now + (later(60) - AT))


async def test_an_entry_is_found_in_whichever_slot_it_is(kept):
    first, second = await kept.open(0), await kept.open(1)
    await first.queue.put([new("a")])
    await second.queue.put([new("b", body=b"x" * 200_000)])
    control = (await kept.guest()).control
    assert (await control.find("a")).id == "a"
    assert (await control.find("b")).id == "b"
    assert (await control.content("b")).body == b"x" * 200_000
    assert await control.find("c") is None
    assert await control.content("c") == StoreFault("c is not in the queue")


async def test_a_slot_made_later_is_seen(kept):
    control = (await kept.open(0)).shared.control
    assert await control.select(ALL, AT, 10) == []
    second = await kept.open(7)
    await second.queue.put([new("b")])
    assert ids(await control.select(ALL, AT, 10)) == ["b"]


async def test_entries_are_listed_oldest_first_over_all_slots(kept):
    first, second = await kept.open(0), await kept.open(1)
    await first.queue.put([with_message(new("first"), received_at=later(1))])
    await first.queue.put([with_message(new("third"), received_at=later(3))])
    await second.queue.put([with_message(new("second"), received_at=later(2))])
    control = first.shared.control
    assert ids(await control.select(ALL, AT, 10)) == ["first", "second", "third"]
    assert ids(await control.select(ALL, AT, 2)) == ["first", "second"]
    assert await control.oldest() == later(1)


@pytest.mark.parametrize(
    ("chosen", "fitting"),
    [
        (Selection(ids=frozenset({"plain", "gone"})), ["plain"]),
        (Selection(user="news"), ["news"]),
        (Selection(sender=AddressPattern("*@example.com")), ["plain", "news", "held", "other"]),
        (Selection(sender=AddressPattern("<>")), ["bounce"]),
        (Selection(recipient=AddressPattern("bob@*")), ["other"]),
        (Selection(state=EntryState.HELD), ["held"]),
        (Selection(state=EntryState.LEASED), ["news"]),
        (Selection(state=EntryState.WAITING), ["plain", "other", "bounce"]),
        (Selection(state=EntryState.CORRUPT), []),
        (Selection(received_before=later(-50)), ["bounce"]),
        (Selection(user="tickets", state=EntryState.HELD), ["held"]),
        (Selection(user="nobody"), []),
        (Selection(route="default", user="news"), ["news"]),
        (Selection(route="old"), []),
        (Selection(due_after=later(-1)), ["plain", "other", "bounce"]),
        (Selection(due_after=AT), []),
    ],
)
async def test_a_selection_means_what_it_says(kept, chosen, fitting):
    stores = await kept.open()
    bob = (Recipient(Address("ann", "example.net")), Recipient(Address("bob", "example.org")))
    await stores.queue.put(
        [
            new("plain"),
            new("news", NEWS),
            held(new("held")),
            with_message(new("other"), recipients=bob),
            with_message(new("bounce"), sender=None, received_at=later(-100)),
        ]
    )
    await claim(stores.queue, key=NEWS)
    found = await stores.shared.control.select(chosen, AT, 10)
    assert sorted(ids(found)) == sorted(fitting)


async def test_hold_and_release(kept):
    queue = (await kept.open()).queue
    control = (await kept.guest()).control
    await queue.put([new("a", due=later(100)), new("b")])
    chosen = Selection(ids=frozenset({"a"}))
    assert await control.hold(chosen, HELD, AT) == Changed(ids=("a",))
    assert (await control.find("a")).held == HELD
    assert ids(await claim(queue, now=later(200))) == ["b"]
    assert await control.release(ALL, AT) == Changed(ids=("a",), leased=("b",))
    [entry] = await claim(queue, now=AT)
    assert (entry.id, entry.held) == ("a", None)


async def test_retry_makes_due_at_once_but_opens_no_hold(kept):
    queue = (await kept.open()).queue
    control = (await kept.guest()).control
    await queue.put([new("a", due=later(100)), held(new("b", due=later(100)))])
    [entry] = await claim(queue, now=later(100))
    requests = tuple(replace(one, not_before=later(900)) for one in entry.requests)
    waiting = replace(
        entry, requests=requests, next_attempt_at=later(900), lease_until=None, attempts=4
    )
    await queue.record(waiting)
    assert await control.retry(ALL, later(101)) == Changed(ids=("a",))
    [again] = await claim(queue, now=later(101))
    assert again.id == "a"
    assert again.attempts == 4
    assert again.due_requests(later(101)) == again.requests


async def test_drop_takes_the_entry_and_its_body(kept):
    stores = await kept.open()
    control = (await kept.guest()).control
    await stores.queue.put([new("a", body=b"x" * 200_000), new("b")])
    assert await control.drop(Selection(ids=frozenset({"a"})), AT) == Changed(ids=("a",))
    assert await control.find("a") is None
    assert ids(await claim(stores.queue)) == ["b"]
    assert await kept.bodies() == 0


async def test_a_leased_entry_is_left_alone_and_named(kept):
    queue = (await kept.open()).queue
    control = (await kept.guest()).control
    await queue.put([new("a")])
    [entry] = await claim(queue)
    for changed in (
        await control.hold(ALL, HELD, AT),
        await control.retry(ALL, AT),
        await control.drop(ALL, AT),
    ):
        assert changed == Changed(ids=(), leased=("a",))
    done = tuple(replace(one, state=RequestState.RELAYED) for one in entry.requests)
    assert (await queue.record(replace(entry, requests=done))).id == "a"


async def test_a_word_of_the_operator_outdates_what_was_read_before(kept):
    queue = (await kept.open()).queue
    control = (await kept.guest()).control
    await queue.put([new("a")])
    before = await control.find("a")
    await control.hold(ALL, HELD, AT)
    answer = await queue.record(before)
    assert isinstance(answer, Stale)
    assert answer.version > before.version


async def test_the_relay_hears_that_somebody_changed_its_queue(folder):
    queue = (await folder.open()).queue
    await queue.put([new("a"), new("b")])
    control = (await folder.guest()).control
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            await control.drop(Selection(ids=frozenset({"a"})), AT)
        assert len(slept) < 9

    folder.clock.sleep = sleep
    await queue.changed()
    assert len(slept) == 3
    assert queue.usage.messages == 1


async def test_more_entries_than_one_piece_are_all_reached(kept):
    queue = (await kept.open()).queue
    control = (await kept.guest()).control
    await queue.put([new(f"m{number:04}") for number in range(1_203)])
    assert len(await control.select(ALL, AT, 5_000)) == 1_203
    assert len(await control.select(ALL, AT, 700)) == 700
    assert len((await control.hold(ALL, HELD, AT)).ids) == 1_203
    assert len((await control.drop(ALL, AT)).ids) == 1_203
    assert await control.select(ALL, AT, 10) == []


async def test_the_summary_counts_age_by_state_by_user(kept):
    first, second = await kept.open(0), await kept.open(1)
    size = new("a").content.size
    await first.queue.put([new("a"), new("b"), held(new("h")), new("n", NEWS)])
    await second.queue.put([new("c"), with_message(new("old"), received_at=later(-3_700))])
    await claim(first.queue, key=NEWS)

    def cell(user, lane, state, age, messages):
        return QueueCount(
            user=user, lane=lane, state=state, age=age, messages=messages, octets=messages * size
        )

    def order(count):
        return count.user, count.state, count.age

    found = await first.shared.control.summary(AT)
    assert sorted(found, key=order) == [
        cell("news", Lane.BULK, EntryState.LEASED, 0, 1),
        cell("tickets", Lane.TRANSACTIONAL, EntryState.HELD, 0, 1),
        cell("tickets", Lane.TRANSACTIONAL, EntryState.WAITING, 0, 3),
        replace(
            cell("tickets", Lane.TRANSACTIONAL, EntryState.WAITING, 3_600, 1),
            octets=new("old").content.size,
        ),
    ]


async def test_an_empty_store_has_no_oldest(kept):
    control = (await kept.open()).shared.control
    assert await control.oldest() is None
    assert await control.summary(AT) == []


async def test_what_was_set_aside_is_shown_and_dropped_by_name_only(folder):
    stores = await folder.open()
    control = stores.shared.control
    await stores.queue.put([new("a", body=b"x" * 200_000), new("b")])
    body = next((folder.folder / "bodies-0").glob("a-*"))
    body.write_bytes(b"rotten")
    damage = await stores.queue.content("a")
    assert isinstance(damage, Corrupt)
    assert body.exists()
    assert await control.find("a") == damage
    assert await control.select(Selection(state=EntryState.CORRUPT), AT, 9) == [damage]
    assert ids(await control.select(ALL, AT, 9)) == ["b", "a"]
    assert (await control.summary(AT))[-1].state is EntryState.CORRUPT
    assert await control.drop(Selection(user="tickets"), AT) == Changed(ids=("b",))
    assert await control.drop(Selection(ids=frozenset({"a"})), AT) == Changed(ids=("a",))
    assert await control.find("a") is None
    assert not body.exists()


async def test_what_waits_beyond_a_time_is_made_due_and_nothing_else(kept):
    stores = await kept.open()
    far, near = new("far", due=later(500_000)), new("near", due=later(3_600))
    waiting = replace(far.entry.requests[0], not_before=later(500_000))
    far = replace(far, entry=replace(far.entry, requests=(waiting,)))
    stopped = held(new("held", due=later(500_000)))
    await stores.queue.put([far, near, stopped])
    control = (await kept.guest()).control
    assert await control.retry(Selection(due_after=later(7_200)), AT) == Changed(ids=("far",))
    [claimed] = await claim(stores.queue)
    assert claimed.id == "far"
    assert claimed.due_requests(AT)
    assert await control.retry(Selection(due_after=later(7_200)), AT) == Changed(ids=())


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (Selection(recipient=AddressPattern("*@rare.example.net")), ["first", "last"]),
        (Selection(recipient=AddressPattern("o'*@RARE.*")), ["first", "last"]),
        (Selection(recipient=AddressPattern("O'*@*")), []),
        (Selection(sender=AddressPattern("Eve@*")), ["first", "last"]),
        (Selection(sender=AddressPattern("<>")), ["null"]),
        (Selection(sender=AddressPattern("eve@*")), []),
        (Selection(state=EntryState.HELD), ["last"]),
        (Selection(state=EntryState.LEASED), []),
        (Selection(state=EntryState.CORRUPT), []),
        (Selection(state=EntryState.HELD, recipient=AddressPattern("*@none.test")), []),
    ],
    ids=str,
)
async def test_few_of_many_are_found_wherever_they_are(kept, monkeypatch, chosen, found):
    monkeypatch.setattr("relay.stores.sqlite.scan._LOOKED_AT", 100)
    stores = await kept.open()
    rare = {
        "recipients": (Recipient(Address("o'x", "Rare.example.net")),),
        "sender": Address("Eve", "example.com"),
    }
    many = [new(f"m{number:03}") for number in range(350)]
    first, last = with_message(new("first"), **rare), held(with_message(new("last"), **rare))
    null = with_message(new("null"), sender=None)
    await stores.queue.put([first, *many[:200], null, *many[200:], last])
    assert ids(await stores.shared.control.select(chosen, AT, 1_000)) == found
    changed = await stores.shared.control.retry(chosen, AT)
    assert set(changed.ids) <= set(found)


async def test_a_page_of_a_long_queue_is_all_that_is_read(kept):
    stores = await kept.open()
    await stores.queue.put([new(f"m{number:03}") for number in range(130)])
    control = stores.shared.control
    for limit in (1, 60, 130):
        found = ids(await control.select(ALL, AT, limit))
        assert found == [f"m{number:03}" for number in range(limit)]
