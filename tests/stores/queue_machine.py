"""Any order of putting, claiming, recording, holding, crashing and jumping clocks, over any store.

After each step nothing may be claimed that is leased, held, not due or finished; in the end
everything that was acknowledged and not finished must be claimed, with its content.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule
from stored import KEY, new

from relay.model.custody import Selection
from relay.model.entry import Held, QueueEntry, RequestState
from relay.model.ports import QueueKey, Stale
from relay.model.settings import Lane

KEYS = (KEY, QueueKey("default", Lane.BULK, "news"))
EVERYTHING = dict.fromkeys(KEYS, 1_000)
LARGE = b"x" * 140_000


def seconds(number):
    return timedelta(seconds=number)


class Known:
    """What the model knows about one acknowledged entry."""

    def __init__(self, one):
        self.octets = one.content.octets()
        self.due = one.entry.next_attempt_at
        self.held = one.entry.held is not None
        self.lease_wall = None
        self.lease_monotonic = None  # None: the claimant is dead, or there is none

    def may_be_claimed(self, clock, *, by_wall):
        wall = not by_wall or self.lease_wall is None or self.lease_wall <= clock.now()
        alive = self.lease_monotonic is not None and self.lease_monotonic > clock.monotonic()
        return not self.held and self.due <= clock.now() and wall and not alive

    def free(self):
        self.lease_wall = self.lease_monotonic = None


class QueueMachine(RuleBasedStateMachine):
    """A store says how it begins (`clock`, `stores`, `queue`), dies and comes back, and ends."""

    claimed = Bundle("claimed")
    leases_by_wall = True  # False: the wall clock's jumps do not touch leases at all

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.number = 0
        self.known = {}
        self.finished = set()
        self.begin()

    def begin(self):
        raise NotImplementedError

    def die_and_come_back(self):
        raise NotImplementedError

    def end(self):
        raise NotImplementedError

    def wait(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def amend(self, entry):
        lost = tuple(replace(one, state=RequestState.UNKNOWN) for one in entry.requests)
        return replace(entry, requests=lost)

    @rule(
        key=st.sampled_from(KEYS),
        due=st.integers(-5, 100),
        body=st.sampled_from([b"", b"small", LARGE]),
        held=st.booleans(),
        count=st.integers(1, 3),
    )
    def put(self, key, due, body, held, count):
        messages = []
        for _ in range(count):
            self.number += 1
            one = new(f"m{self.number}", key, self.clock.now() + seconds(due), body)
            hold = Held(reason="look at it") if held else None
            messages.append(replace(one, entry=replace(one.entry, held=hold)))
        assert self.wait(self.queue.put(messages)) is None
        self.known |= {one.entry.id: Known(one) for one in messages}

    @rule(
        target=claimed,
        key=st.sampled_from(KEYS),
        count=st.integers(1, 3),
        length=st.integers(1, 200),
    )
    def claim(self, key, count, length):
        until = self.clock.now() + seconds(length)
        found = self.wait(self.queue.claim({key: count}, self.clock.now(), until))
        assert len(found) <= count
        for entry in found:
            assert entry.id not in self.finished
            assert self.known[entry.id].may_be_claimed(self.clock, by_wall=self.leases_by_wall)
            assert (entry.message.lane, entry.message.user) == (key.lane, key.user)
            self.known[entry.id].lease_wall = until
            self.known[entry.id].lease_monotonic = self.clock.monotonic() + length
        return multiple(*found)

    @rule(target=claimed, entry=consumes(claimed), length=st.integers(1, 200))
    def record_in_flight(self, entry, length):
        requests = tuple(replace(one, state=RequestState.IN_FLIGHT) for one in entry.requests)
        until = self.clock.now() + seconds(length)
        recorded = self.wait(
            self.queue.record(replace(entry, requests=requests, lease_until=until))
        )
        if isinstance(recorded, Stale):
            return multiple()
        self.known[entry.id].lease_wall = until
        self.known[entry.id].lease_monotonic = self.clock.monotonic() + length
        return recorded

    @rule(entry=consumes(claimed), wait=st.integers(0, 100))
    def record_deferred(self, entry, wait):
        due = self.clock.now() + seconds(wait)
        requests = tuple(replace(one, state=RequestState.PENDING) for one in entry.requests)
        moved = replace(entry, requests=requests, next_attempt_at=due, lease_until=None)
        if isinstance(self.wait(self.queue.record(moved)), QueueEntry):
            self.known[entry.id].due = due
            self.known[entry.id].free()

    @rule(entry=consumes(claimed), bounce=st.booleans())
    def record_finished(self, entry, bounce):
        done = tuple(replace(one, state=RequestState.RELAYED) for one in entry.requests)
        self.number += 1
        one = new(f"m{self.number}", KEYS[1], self.clock.now(), LARGE)
        spawn = [one] if bounce else []
        recorded = self.wait(
            self.queue.record(replace(entry, requests=done, lease_until=None), spawn)
        )
        if isinstance(recorded, QueueEntry):
            del self.known[entry.id]
            self.finished.add(entry.id)
            self.known |= {one.entry.id: Known(one) for one in spawn}

    @rule(user=st.sampled_from([key.user for key in KEYS]))
    def hold(self, user):
        control = self.stores.shared.control
        chosen = Selection(user=user)
        for queue_id in self.wait(control.hold(chosen, Held(reason="stop"), self.clock.now())).ids:
            self.known[queue_id].held = True
            self.known[queue_id].free()

    @rule()
    def release(self):
        control = self.stores.shared.control
        for queue_id in self.wait(control.release(Selection(), self.clock.now())).ids:
            self.known[queue_id].held = False
            self.known[queue_id].due = self.clock.now()
            self.known[queue_id].free()

    @rule()
    def crash(self):
        self.die_and_come_back()
        for known in self.known.values():
            known.free()
        self.wait(self.queue.recover(self.amend))

    @rule(by=st.integers(1, 300))
    def time_passes(self, by):
        self.clock.advance(by)

    @rule(by=st.integers(-4_000, 4_000))
    def the_clock_jumps(self, by):
        self.clock.jump(by)

    @rule()
    def everything_adds_up(self):
        assert self.queue.usage.messages == len(self.known)
        assert self.queue.usage.corrupt == 0
        counted = self.wait(self.queue.backlog())
        total = sum(one.waiting + one.leased + one.held for one in counted)
        assert total == len(self.known)

    def teardown(self):
        self.crash()
        self.wait(self.stores.shared.control.release(Selection(), self.clock.now()))
        self.clock.advance(1_000_000)
        now = self.clock.now()
        found = self.wait(self.queue.claim(EVERYTHING, now, now + seconds(60)))
        assert {entry.id for entry in found} == set(self.known)
        for queue_id, known in self.known.items():
            assert self.wait(self.queue.content(queue_id)).octets() == known.octets
        self.end()
        self.loop.close()
